import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../core/errors.ts';
import { packBits, residueBits, unpackBits } from './bit-packing.ts';
import { assertCiphertext, ciphertextWords } from './ciphertext.ts';
import type { HeParameters } from './parameters.ts';
import { HE_PRESETS } from './presets.ts';
import type { Ciphertext } from './scoring-provider.ts';

/**
 * The fixed-length format of queries and replies, version 1. All integers little-endian:
 *
 * | offset | bytes | |
 * |---|---|---|
 * | 0 | 4 | `VHE` and the version |
 * | 4 | 4 | kind: 1 query, 2 reply |
 * | 8 | 8 | parameter-set id |
 * | 16 | 16 | query id |
 * | 32 | 32 | catalogue version |
 * | 64 | 4 | ciphertexts: one per feature in a query, one per block in a reply |
 * | 68 | 4 | items in the catalogue |
 * | 72 | | ciphertexts; each `[2, primes, N]` residues at bitLength(prime − 1) bits |
 *
 * A reader knows every number beforehand, so nothing is allocated by what a message claims.
 */
export const HEADER_BYTES = 72;

const MAGIC = 0x01_45_48_56; // "VHE" 0x01
const KINDS = { query: 1, reply: 2 } as const;

/** Whether a message asks or answers. */
export type MessageKind = keyof typeof KINDS;

/** What the reader of a message has agreed with its writer. */
export interface MessageFrame {
  readonly kind: MessageKind;
  readonly parameters: HeParameters;
  /** 64 hex digits. */
  readonly catalogueVersion: string;
  /** Items in the catalogue. */
  readonly items: number;
  /** Ciphertexts in the message. */
  readonly ciphertexts: number;
}

/** A message whose every byte was checked. */
export interface DecodedMessage {
  /** 32 hex digits. */
  readonly queryId: string;
  readonly ciphertexts: readonly Ciphertext[];
}

/** Bytes of one packed ciphertext. */
export function ciphertextBytes(parameters: HeParameters): number {
  const bits = parameters.dataPrimes.reduce((total, prime) => total + residueBits(prime), 0);
  return (2 * parameters.polynomialDegree * bits) / 8;
}

/** Bytes of a whole message. */
export function messageBytes(parameters: HeParameters, ciphertexts: number): number {
  return HEADER_BYTES + ciphertexts * ciphertextBytes(parameters);
}

/**
 * A message of its full length with the header written and the ciphertexts zero: for writers that pack
 * them themselves, from {@link HEADER_BYTES} on.
 *
 * @param queryId - 32 hex digits, random per query
 */
export function beginMessage(frame: MessageFrame, queryId: string): Uint8Array<ArrayBuffer> {
  const { parameters } = frame;
  const bytes = new Uint8Array(messageBytes(parameters, frame.ciphertexts));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, KINDS[frame.kind], true);
  bytes.set(hexToBytes(parameters.id), 8);
  bytes.set(hexToBytes(queryId), 16);
  bytes.set(hexToBytes(frame.catalogueVersion), 32);
  view.setUint32(64, frame.ciphertexts, true);
  view.setUint32(68, frame.items, true);
  return bytes;
}

/**
 * Writes a message.
 *
 * @param queryId - 32 hex digits, random per query
 */
export function encodeMessage(
  frame: MessageFrame,
  queryId: string,
  ciphertexts: readonly Ciphertext[],
): Uint8Array<ArrayBuffer> {
  const { parameters } = frame;
  if (ciphertexts.length !== frame.ciphertexts) {
    throw new RangeError(
      `"ciphertexts" expected ${frame.ciphertexts} of them, got ${ciphertexts.length}`,
    );
  }
  const bytes = beginMessage(frame, queryId);
  const view = new DataView(bytes.buffer);
  let offset = HEADER_BYTES;
  for (const ciphertext of ciphertexts) {
    assertCiphertext(parameters, ciphertext);
    offset = eachPolynomial(parameters, ciphertext, offset, (polynomial, bits, at) =>
      packBits(polynomial, bits, view, at),
    );
  }
  return bytes;
}

/**
 * The query id of a message, so that a client finds the key before it reads the rest.
 *
 * @throws {VelaturaError} `he/malformed-message` if the bytes are no message of this kind
 */
export function readQueryId(bytes: Uint8Array, kind: MessageKind): string {
  checkHeader(bytes, kind);
  return bytesToHex(bytes.subarray(16, 32));
}

/**
 * Reads a message and checks every byte of it against what was agreed.
 *
 * @throws {VelaturaError} `he/malformed-message` on a wrong size, kind, version, parameter set, count or
 *   residue
 * @throws {VelaturaError} `he/insecure-parameters` if it was made under the insecure preset
 * @throws {VelaturaError} `he/wrong-catalogue` if it belongs to another catalogue or version
 */
export function decodeMessage(bytes: Uint8Array, frame: MessageFrame): DecodedMessage {
  const { parameters } = frame;
  const view = checkHeader(bytes, frame.kind);
  const parametersId = bytesToHex(bytes.subarray(8, 16));
  if (parametersId !== parameters.id) {
    if (parametersId === HE_PRESETS.insecureToy.id) {
      throw new VelaturaError(
        'he/insecure-parameters',
        'the message was made under an insecure parameter set',
        { expected: parameters.id, got: parametersId },
      );
    }
    throw malformed('the message was made under another parameter set', {
      expected: parameters.id,
      got: parametersId,
    });
  }
  const version = bytesToHex(bytes.subarray(32, 64));
  if (version !== frame.catalogueVersion) {
    throw new VelaturaError(
      'he/wrong-catalogue',
      'the message belongs to another catalogue or version',
      { expected: frame.catalogueVersion, got: version },
    );
  }
  expectNumber('ciphertexts', frame.ciphertexts, view.getUint32(64, true));
  expectNumber('items', frame.items, view.getUint32(68, true));
  expectNumber('bytes', messageBytes(parameters, frame.ciphertexts), bytes.length);

  const ciphertexts: Ciphertext[] = [];
  let offset = HEADER_BYTES;
  for (let i = 0; i < frame.ciphertexts; i++) {
    const ciphertext = new Uint32Array(ciphertextWords(parameters));
    offset = eachPolynomial(parameters, ciphertext, offset, (polynomial, bits, at) =>
      unpackBits(view, at, bits, polynomial),
    );
    assertCiphertext(parameters, ciphertext);
    ciphertexts.push(ciphertext);
  }
  return { queryId: bytesToHex(bytes.subarray(16, 32)), ciphertexts };
}

function malformed(problem: string, details: Record<string, string | number>): VelaturaError {
  return new VelaturaError('he/malformed-message', problem, details);
}

function expectNumber(what: string, expected: number, got: number): void {
  if (expected !== got) {
    throw malformed(`the message should have ${expected} ${what}, got ${got}`, { expected, got });
  }
}

function checkHeader(bytes: Uint8Array, kind: MessageKind): DataView {
  if (bytes.length < HEADER_BYTES) {
    throw malformed('the message ends inside its header', { bytes: bytes.length });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) {
    throw malformed('the bytes do not begin as a message of version 1', { bytes: bytes.length });
  }
  if (view.getUint32(4, true) !== KINDS[kind]) {
    throw malformed(`the message is not a ${kind}`, { kind: view.getUint32(4, true) });
  }
  return view;
}

/** Calls `visit` for each of the `[2, primes]` polynomials; returns the offset behind the last. */
function eachPolynomial(
  parameters: HeParameters,
  ciphertext: Ciphertext,
  offset: number,
  visit: (polynomial: Uint32Array, bits: number, at: number) => void,
): number {
  const { dataPrimes, polynomialDegree: degree } = parameters;
  let at = offset;
  let word = 0;
  for (let part = 0; part < 2; part++) {
    for (const prime of dataPrimes) {
      const bits = residueBits(prime);
      visit(ciphertext.subarray(word, word + degree), bits, at);
      word += degree;
      at += (degree * bits) / 8;
    }
  }
  return at;
}
