import { VelaturaError } from '../core/errors.ts';
import { ciphertextWords } from './ciphertext.ts';
import { SEED_BYTES } from './expansion/blake2xb.ts';
import type { HeParameters } from './parameters.ts';
import type { Ciphertext, SeededCiphertext } from './scoring-provider.ts';

/**
 * SEAL 4.1's uncompressed serialisation, as far as scoring needs it, so that no byte from outside reaches
 * SEAL's own loaders: they get frames written here around residues already checked.
 *
 * Header, 16 bytes: magic a15e, size of the header, version 4.1, compression 0, two zero bytes, total
 * size as u64. Ciphertext: header, parms_id (32), is_ntt u8, polynomials u64, N u64, primes u64, scale
 * f64, correction factor u64, header, words u64, words. Plaintext: header, parms_id (32), coefficients
 * u64, scale f64, header, words u64, words. A seeded ciphertext has the words of its first polynomial alone,
 * then a header, the kind of the generator (1: BLAKE2Xb) and the seed. All little-endian and unaligned.
 */
const HEADER = Uint8Array.of(0x5e, 0xa1, 0x10, 4, 1, 0, 0, 0);
const HEADER_BYTES = 16;
const PARMS_ID = HEADER_BYTES;
const PARMS_ID_BYTES = 32;
const CIPHERTEXT_DATA = 113;
const PLAINTEXT_DATA = 88;
const BLAKE2XB = 1;

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
  writeWords(bytes, CIPHERTEXT_DATA, ciphertext);
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

/**
 * The first polynomial and the seed of a ciphertext that SEAL wrote with a seed.
 *
 * @throws {VelaturaError} `he/provider-failure` if the frame is not the one this file knows
 */
export function unframeSeededCiphertext(
  parameters: HeParameters,
  bytes: Uint8Array,
): SeededCiphertext {
  const words = ciphertextWords(parameters) / 2;
  const seedFrame = CIPHERTEXT_DATA + 8 * words;
  expectBytes(bytes.length, seedFrame + HEADER_BYTES + 1 + SEED_BYTES);
  if (bytes[seedFrame + HEADER_BYTES] !== BLAKE2XB) {
    throw new VelaturaError('he/provider-failure', 'SEAL seeds another generator than BLAKE2Xb');
  }
  return {
    first: readWords(bytes, CIPHERTEXT_DATA, words),
    seed: bytes.slice(seedFrame + HEADER_BYTES + 1),
  };
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
  const residues = Uint32Array.from(coefficients, (value) =>
    value < 0 ? value + parameters.plaintextModulus : value,
  );
  writeWords(bytes, PLAINTEXT_DATA, residues);
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
  const residues = readWords(bytes, PLAINTEXT_DATA, words);
  const half = (t - 1) / 2;
  for (let i = 0; i < words; i++) {
    const residue = residues[i] as number;
    coefficients[i] = residue > half ? residue - t : residue;
  }
  return coefficients;
}

/** What SEAL writes before the words of a secret key; the same for all keys of a parameter set. */
export function secretKeyHead(bytes: Uint8Array): Uint8Array {
  return bytes.slice(0, PLAINTEXT_DATA);
}

/**
 * Throws unless the bytes are a secret key as SEAL writes it: a plaintext of `[primes, N]` transformed residues
 * at the level of all primes, the special one included.
 *
 * @param head - of a key of the same parameters
 * @throws {VelaturaError} `he/malformed-message`
 */
export function assertSecretKeyFrame(
  parameters: HeParameters,
  head: Uint8Array,
  bytes: Uint8Array,
): void {
  const { dataPrimes, specialPrime, polynomialDegree: degree } = parameters;
  const primes = specialPrime === null ? dataPrimes : [...dataPrimes, specialPrime];
  const words = primes.length * degree;
  const framed =
    bytes.length === PLAINTEXT_DATA + 8 * words && head.every((byte, i) => byte === bytes[i]);
  if (!framed) {
    throw new VelaturaError(
      'he/malformed-message',
      'the bytes are not a secret key of this parameter set',
      { expected: PLAINTEXT_DATA + 8 * words, got: bytes.length },
    );
  }
  const halves = halvesOf(bytes, PLAINTEXT_DATA, words);
  const fits = primes.every((prime, row) => {
    for (let i = row * degree; i < (row + 1) * degree; i++) {
      if ((halves[2 * i] as number) >= prime || halves[2 * i + 1] !== 0) return false;
    }
    return true;
  });
  const zero = halves.every((word) => word === 0);
  halves.fill(0);
  if (!fits || zero) {
    throw new VelaturaError('he/malformed-message', 'a word of the secret key is out of range');
  }
}

/** A copy of words of 64 bits in halves: a view would be unaligned. */
function halvesOf(bytes: Uint8Array, offset: number, words: number): Uint32Array {
  // Not slice(), which for a Buffer of Node is a view.
  return new Uint32Array(new Uint8Array(bytes.subarray(offset, offset + 8 * words)).buffer);
}

/** Words of 64 bits, written in halves: the places are unaligned, so they are prepared elsewhere. */
function writeWords(bytes: Uint8Array, offset: number, words: Uint32Array): void {
  const halves = new Uint32Array(2 * words.length);
  for (let i = 0; i < words.length; i++) halves[2 * i] = words[i] as number;
  bytes.set(new Uint8Array(halves.buffer), offset);
}

function readWords(bytes: Uint8Array, offset: number, words: number): Uint32Array {
  const halves = halvesOf(bytes, offset, words);
  const result = new Uint32Array(words);
  let high = 0;
  for (let i = 0; i < words; i++) {
    result[i] = halves[2 * i] as number;
    high |= halves[2 * i + 1] as number;
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
