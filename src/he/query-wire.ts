import { packBits, residueBits, unpackBits } from './bit-packing.ts';
import { SEED_BYTES } from './expansion/blake2xb.ts';
import { expandCiphertext } from './expansion/expand-ciphertext.ts';
import {
  checkHead,
  expectNumber,
  HEADER_BYTES,
  type MessageFrame,
  malformed,
  writeHead,
} from './message-head.ts';
import type { HeParameters } from './parameters.ts';
import type { Ciphertext, SeededCiphertext } from './scoring-provider.ts';

/** A query whose every byte was checked. */
export interface DecodedQuery {
  /** 32 hex digits. */
  readonly queryId: string;
  readonly ciphertexts: readonly Ciphertext[];
}

/**
 * Bytes of a whole query: the head, then per ciphertext a seed of 64 bytes and the `[primes, N]` residues of
 * the first polynomial at bitLength(prime − 1) bits each.
 */
export function queryBytes(parameters: HeParameters, ciphertexts: number): number {
  return HEADER_BYTES + ciphertexts * seededCiphertextBytes(parameters);
}

function seededCiphertextBytes({ dataPrimes, polynomialDegree: degree }: HeParameters): number {
  const bits = dataPrimes.reduce((total, prime) => total + residueBits(prime), 0);
  return SEED_BYTES + (degree * bits) / 8;
}

/**
 * Writes a query.
 *
 * @param queryId - 32 hex digits, random per query
 * @throws {VelaturaError} `he/malformed-message` if a ciphertext is none
 */
export function encodeQuery(
  frame: MessageFrame,
  queryId: string,
  ciphertexts: readonly SeededCiphertext[],
): Uint8Array<ArrayBuffer> {
  const { parameters } = frame;
  if (ciphertexts.length !== frame.ciphertexts) {
    throw new RangeError(
      `"ciphertexts" expected ${frame.ciphertexts} of them, got ${ciphertexts.length}`,
    );
  }
  const bytes = new Uint8Array(queryBytes(parameters, frame.ciphertexts));
  writeHead(bytes, 'query', frame, queryId);
  const view = new DataView(bytes.buffer);
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const size = seededCiphertextBytes(parameters);
  ciphertexts.forEach(({ first, seed }, i) => {
    const offset = HEADER_BYTES + i * size;
    expectNumber('words in a ciphertext', dataPrimes.length * degree, first.length);
    expectNumber('bytes in a seed', SEED_BYTES, seed.length);
    bytes.set(seed, offset);
    eachRow(parameters, offset + SEED_BYTES, (words, prime, bits, at) => {
      const row = first.subarray(words, words + degree);
      checkResidues(row, prime);
      packBits(row, bits, view, at);
    });
  });
  return bytes;
}

/**
 * Reads a query and checks every byte of it against what was agreed.
 *
 * @throws {VelaturaError} `he/malformed-message` on a wrong size, kind, version, parameter set, count or
 *   residue
 * @throws {VelaturaError} `he/insecure-parameters` if it was made under the insecure preset
 * @throws {VelaturaError} `he/wrong-catalogue` if it belongs to another catalogue or version
 */
export function decodeQuery(bytes: Uint8Array, frame: MessageFrame): DecodedQuery {
  const { parameters } = frame;
  const queryId = checkHead(bytes, 'query', frame);
  expectNumber('bytes', queryBytes(parameters, frame.ciphertexts), bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const size = seededCiphertextBytes(parameters);
  const ciphertexts = Array.from({ length: frame.ciphertexts }, (_, i) => {
    const offset = HEADER_BYTES + i * size;
    const first = new Uint32Array(dataPrimes.length * degree);
    eachRow(parameters, offset + SEED_BYTES, (words, prime, bits, at) => {
      const row = first.subarray(words, words + degree);
      unpackBits(view, at, bits, row);
      checkResidues(row, prime);
    });
    // No seed can be made to expand to zeros, so the second polynomial needs no check.
    return expandCiphertext(parameters, {
      first,
      seed: bytes.subarray(offset, offset + SEED_BYTES),
    });
  });
  return { queryId, ciphertexts };
}

/** Calls `visit` for each `[primes]` row: its first word, its prime, the bits of a residue, its offset. */
function eachRow(
  { dataPrimes, polynomialDegree: degree }: HeParameters,
  offset: number,
  visit: (words: number, prime: number, bits: number, at: number) => void,
): void {
  let at = offset;
  dataPrimes.forEach((prime, row) => {
    const bits = residueBits(prime);
    visit(row * degree, prime, bits, at);
    at += (degree * bits) / 8;
  });
}

function checkResidues(row: Uint32Array, prime: number): void {
  for (let i = 0; i < row.length; i++) {
    if ((row[i] as number) >= prime) {
      throw malformed('a residue is not below its prime', { index: i, prime });
    }
  }
}
