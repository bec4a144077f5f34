import { VelaturaError } from '../core/errors.ts';
import { ciphertextWords } from './ciphertext.ts';
import type { HeParameters } from './parameters.ts';
import type { Ciphertext } from './scoring-provider.ts';

/**
 * SEAL 4.1's uncompressed serialisation, as far as scoring needs it, so that no byte from outside reaches
 * SEAL's own loaders: they get frames written here around residues already checked.
 *
 * Header, 16 bytes: magic a15e, size of the header, version 4.1, compression 0, two zero bytes, total
 * size as u64. Ciphertext: header, parms_id (32), is_ntt u8, polynomials u64, N u64, primes u64, scale
 * f64, correction factor u64, header, words u64, words. Plaintext: header, parms_id (32), coefficients
 * u64, scale f64, header, words u64, words. All little-endian and unaligned.
 */
const HEADER = Uint8Array.of(0x5e, 0xa1, 0x10, 4, 1, 0, 0, 0);
const HEADER_BYTES = 16;
const PARMS_ID = HEADER_BYTES;
const PARMS_ID_BYTES = 32;
const CIPHERTEXT_DATA = 113;
const PLAINTEXT_DATA = 88;

function writeHeader(bytes: Uint8Array, view: DataView, offset: number, size: number): void {
  bytes.set(HEADER, offset);
  view.setUint32(offset + 8, size, true);
}

/** Frames residues as a ciphertext in coefficient form. */
export function frameCiphertext(
  parameters: HeParameters,
  parmsId: Uint8Array,
  ciphertext: Ciphertext,
): Uint8Array {
  const words = ciphertext.length;
  const bytes = new Uint8Array(CIPHERTEXT_DATA + 8 * words);
  const view = new DataView(bytes.buffer);
  writeHeader(bytes, view, 0, bytes.length);
  bytes.set(parmsId, PARMS_ID);
  view.setUint32(49, 2, true);
  view.setUint32(57, parameters.polynomialDegree, true);
  view.setUint32(65, parameters.dataPrimes.length, true);
  view.setFloat64(73, 1, true);
  view.setUint32(81, 1, true);
  writeHeader(bytes, view, 89, HEADER_BYTES + 8 + 8 * words);
  view.setUint32(105, words, true);
  for (let i = 0; i < words; i++) {
    view.setUint32(CIPHERTEXT_DATA + 8 * i, ciphertext[i] as number, true);
  }
  return bytes;
}

/** The parms_id in a ciphertext that SEAL wrote. */
export function parmsIdOf(bytes: Uint8Array): Uint8Array {
  return bytes.slice(PARMS_ID, PARMS_ID + PARMS_ID_BYTES);
}

/**
 * The residues of a ciphertext that SEAL wrote.
 *
 * @throws {VelaturaError} `he/provider-failure` if the frame is not the one this file knows
 */
export function unframeCiphertext(parameters: HeParameters, bytes: Uint8Array): Ciphertext {
  const words = ciphertextWords(parameters);
  expectBytes(bytes.length, CIPHERTEXT_DATA + 8 * words);
  return readWords(bytes, CIPHERTEXT_DATA, words);
}

/** Frames coefficients as a plaintext; negative ones become their residue modulo t. */
export function framePlaintext(parameters: HeParameters, coefficients: Int32Array): Uint8Array {
  const words = Math.max(1, coefficients.length);
  const bytes = new Uint8Array(PLAINTEXT_DATA + 8 * words);
  const view = new DataView(bytes.buffer);
  writeHeader(bytes, view, 0, bytes.length);
  view.setUint32(48, words, true);
  view.setFloat64(56, 1, true);
  writeHeader(bytes, view, 64, HEADER_BYTES + 8 + 8 * words);
  view.setUint32(80, words, true);
  coefficients.forEach((value, i) => {
    const residue = value < 0 ? value + parameters.plaintextModulus : value;
    view.setUint32(PLAINTEXT_DATA + 8 * i, residue, true);
  });
  return bytes;
}

/**
 * The centred coefficients of a plaintext that SEAL wrote, filled up with zeros to N (SEAL leaves leading
 * zeros out).
 *
 * @throws {VelaturaError} `he/provider-failure` if the frame is not the one this file knows
 */
export function unframePlaintext(parameters: HeParameters, bytes: Uint8Array): Int32Array {
  const { plaintextModulus: t, polynomialDegree: degree } = parameters;
  const words = (bytes.length - PLAINTEXT_DATA) / 8;
  if (!Number.isInteger(words) || words < 0 || words > degree) {
    expectBytes(bytes.length, PLAINTEXT_DATA + 8 * degree);
  }
  const coefficients = new Int32Array(degree);
  readWords(bytes, PLAINTEXT_DATA, words).forEach((residue, i) => {
    coefficients[i] = residue > t / 2 ? residue - t : residue;
  });
  return coefficients;
}

function readWords(bytes: Uint8Array, offset: number, words: number): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const result = new Uint32Array(words);
  let high = 0;
  for (let i = 0; i < words; i++) {
    result[i] = view.getUint32(offset + 8 * i, true);
    high |= view.getUint32(offset + 8 * i + 4, true);
  }
  if (high !== 0) {
    throw new VelaturaError('he/provider-failure', 'SEAL wrote a word of more than 32 bits');
  }
  return result;
}

function expectBytes(got: number, expected: number): void {
  if (got !== expected) {
    throw new VelaturaError(
      'he/provider-failure',
      `SEAL's serialisation should have ${expected} bytes, got ${got}`,
      { expected, got },
    );
  }
}
