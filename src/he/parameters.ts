import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../core/errors.ts';
import { isPrime, MAX_PRIME_BITS } from './modular.ts';

/** What a parameter set is made of, before anything was checked. */
export interface HeParametersLiteral {
  /** N, the number of coefficients of a polynomial: a power of two. */
  readonly polynomialDegree: number;
  /** Primes whose product is the ciphertext modulus q; each below 2²⁸ and ≡ 1 mod 2N. */
  readonly dataPrimes: readonly number[];
  /**
   * A further prime for key switching. Scoring never switches keys, but SEAL sets its last prime aside
   * as soon as there are two, so more than one data prime needs it. It counts in the security table.
   */
  readonly specialPrime?: number;
  /** t, the plaintext modulus: a prime below 2²⁴ and ≡ 1 mod 2N. Integer scores live in (−t/2, t/2). */
  readonly plaintextModulus: number;
}

/** A checked, immutable parameter set of the BFV scheme for linear scoring. */
export interface HeParameters {
  /** 16 hex digits derived from all numbers below: equal ids mean equal parameters. */
  readonly id: string;
  /** Whether the set meets the 128-bit table; false only for sets made by the `insecure` function. */
  readonly secure: boolean;
  /** N. */
  readonly polynomialDegree: number;
  readonly dataPrimes: readonly number[];
  readonly specialPrime: number | null;
  /** q, the product of the data primes; below 2⁵³. */
  readonly ciphertextModulus: number;
  /** t. */
  readonly plaintextModulus: number;
}

/**
 * The most bits all primes together may have at degree N for 128-bit security against classical attacks
 * with ternary secrets and errors of standard deviation 3.2.
 *
 * Source: Albrecht et al., "Homomorphic Encryption Security Standard", HomomorphicEncryption.org, 2018,
 * table 1.
 */
export const MAX_MODULUS_BITS_128: ReadonlyMap<number, number> = new Map([
  [1024, 27],
  [2048, 54],
  [4096, 109],
  [8192, 218],
  [16384, 438],
  [32768, 881],
]);

/** Keeps the scaling of plaintexts exact in doubles; scores of int8 items need far less. */
const MAX_PLAINTEXT_BITS = 24;

const created = new WeakSet<HeParameters>();

/**
 * Checks a parameter set and freezes it.
 *
 * ## Privacy
 * Only sets of at least 128 bits of classical security pass.
 *
 * @throws {VelaturaError} `he/insecure-parameters` if the primes have too many bits for the degree
 * @throws {VelaturaError} `he/invalid-parameters` if the numbers do not fit together
 */
export function createHeParameters(literal: HeParametersLiteral): HeParameters {
  checkLiteral(literal);
  const limit = MAX_MODULUS_BITS_128.get(literal.polynomialDegree) ?? 0;
  const bits = modulusBits(literal);
  if (bits > limit) {
    throw new VelaturaError(
      'he/insecure-parameters',
      `at degree ${literal.polynomialDegree} the primes may have ${limit} bits together for 128-bit security, got ${bits}`,
      { polynomialDegree: literal.polynomialDegree, bits, limit },
    );
  }
  return freeze(literal, true);
}

/**
 * The same without the security table: for tests that want small polynomials. Scorer and client refuse
 * such a set unless told otherwise by name.
 *
 * ## Privacy
 * Protects nobody.
 *
 * @throws {VelaturaError} `he/invalid-parameters` if the numbers do not fit together
 */
export function createInsecureHeParameters(literal: HeParametersLiteral): HeParameters {
  checkLiteral(literal);
  const limit = MAX_MODULUS_BITS_128.get(literal.polynomialDegree) ?? 0;
  return freeze(literal, modulusBits(literal) <= limit);
}

/**
 * Throws when a value only looks like a parameter set.
 *
 * @throws {TypeError} if it was not made by one of the functions here
 */
export function assertHeParameters(parameters: HeParameters): void {
  if (!created.has(parameters)) {
    throw new TypeError(
      '"parameters" expected a set made by createHeParameters, got another object',
    );
  }
}

function invalid(problem: string, details: Record<string, number>): VelaturaError {
  return new VelaturaError('he/invalid-parameters', problem, details);
}

function checkLiteral(literal: HeParametersLiteral): void {
  const { polynomialDegree: degree, dataPrimes, specialPrime, plaintextModulus } = literal;
  if (!Number.isInteger(degree) || degree < 64 || degree > 32_768 || Math.log2(degree) % 1 !== 0) {
    throw invalid('the polynomial degree must be a power of two from 64 to 32768', { degree });
  }
  if (dataPrimes.length === 0) throw invalid('at least one data prime is needed', { primes: 0 });
  if (dataPrimes.length > 1 && specialPrime === undefined) {
    throw invalid('several data primes need a special prime, which SEAL sets aside', {
      primes: dataPrimes.length,
    });
  }
  const primes = [...dataPrimes, ...(specialPrime === undefined ? [] : [specialPrime])];
  for (const prime of [...primes, plaintextModulus]) {
    if (prime >= 2 ** MAX_PRIME_BITS || prime % (2 * degree) !== 1 || !isPrime(prime)) {
      throw invalid('a modulus must be a prime below 2^28 that is 1 modulo twice the degree', {
        modulus: prime,
        degree,
      });
    }
  }
  if (new Set([...primes, plaintextModulus]).size !== primes.length + 1) {
    throw invalid('the moduli must be different', { primes: primes.length });
  }
  if (plaintextModulus >= 2 ** MAX_PLAINTEXT_BITS) {
    throw invalid('the plaintext modulus must be below 2^24', { plaintextModulus });
  }
  const q = product(dataPrimes);
  if (!Number.isSafeInteger(q)) {
    throw invalid('the data primes must have a product below 2^53', { primes: dataPrimes.length });
  }
  if (q < 64 * plaintextModulus) {
    throw invalid('the ciphertext modulus leaves no room for noise above the plaintext modulus', {
      plaintextModulus,
    });
  }
}

function product(primes: readonly number[]): number {
  return primes.reduce((total, prime) => total * prime, 1);
}

function modulusBits(literal: HeParametersLiteral): number {
  const primes = [...literal.dataPrimes, literal.specialPrime ?? 1];
  return primes.reduce((total, prime) => total * BigInt(prime), 1n).toString(2).length;
}

function freeze(literal: HeParametersLiteral, secure: boolean): HeParameters {
  const dataPrimes = Object.freeze([...literal.dataPrimes]);
  const specialPrime = literal.specialPrime ?? null;
  const { polynomialDegree, plaintextModulus } = literal;
  const text = `velatura/he/bfv/1 N=${polynomialDegree} q=${dataPrimes.join('*')} p=${specialPrime} t=${plaintextModulus}`;
  const parameters: HeParameters = Object.freeze({
    id: bytesToHex(sha256(utf8ToBytes(text)).subarray(0, 8)),
    secure,
    polynomialDegree,
    dataPrimes,
    specialPrime,
    ciphertextModulus: product(dataPrimes),
    plaintextModulus,
  });
  created.add(parameters);
  return parameters;
}
