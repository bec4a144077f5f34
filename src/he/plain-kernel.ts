import { ciphertextWords } from './ciphertext.ts';
import type { EncodedBlock, EncodedQuery, ScoringKernel } from './kernel.ts';
import { MAX_FEATURES } from './limits.ts';
import { createNegacyclicNtt } from './ntt.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import type { Ciphertext } from './scoring-provider.ts';

/** The kernel in plain TypeScript: runs everywhere, and is the measure of every faster one. */
export function createPlainKernel(parameters: HeParameters): ScoringKernel {
  assertHeParameters(parameters);
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const primes = dataPrimes.length;
  const transforms = dataPrimes.map((prime) => createNegacyclicNtt(prime, degree));
  const upperSum = new Float64Array(degree);
  const lowerSum = new Float64Array(degree);

  return {
    name: 'plain',
    parameters,

    // [features, primes, N]
    encodeBlock(columns: readonly Int8Array[]): EncodedBlock {
      const words = new Uint32Array(columns.length * primes * degree);
      let at = 0;
      for (const column of columns) {
        if (column.length > degree) {
          throw new RangeError(
            `"columns" expected at most ${degree} coefficients, got ${column.length}`,
          );
        }
        for (const transform of transforms) {
          const polynomial = words.subarray(at, at + degree);
          for (let i = 0; i < column.length; i++) {
            const value = column[i] as number;
            polynomial[i] = value < 0 ? value + transform.prime : value;
          }
          transform.forward(polynomial);
          at += degree;
        }
      }
      return { features: columns.length, words };
    },

    // [features, 2, primes, N]
    encodeQuery(ciphertexts: readonly Ciphertext[]): EncodedQuery {
      const size = ciphertextWords(parameters);
      const words = new Uint32Array(ciphertexts.length * size);
      ciphertexts.forEach((ciphertext, feature) => {
        words.set(ciphertext, feature * size);
      });
      for (let at = 0, row = 0; at < words.length; at += degree, row++) {
        transforms[row % primes]?.forward(words.subarray(at, at + degree));
      }
      return { features: ciphertexts.length, words };
    },

    multiplyAccumulate(query: EncodedQuery, block: EncodedBlock): Ciphertext {
      if (query.features !== block.features) {
        throw new RangeError(`"block" expected ${query.features} features, got ${block.features}`);
      }
      if (query.features > MAX_FEATURES) {
        throw new RangeError(
          `"query" expected at most ${MAX_FEATURES} features, got ${query.features}`,
        );
      }
      const result = new Uint32Array(ciphertextWords(parameters));
      for (let row = 0; row < 2 * primes; row++) {
        upperSum.fill(0);
        lowerSum.fill(0);
        for (let feature = 0; feature < query.features; feature++) {
          const left = (feature * 2 * primes + row) * degree;
          const right = (feature * primes + (row % primes)) * degree;
          accumulate(
            query.words.subarray(left, left + degree),
            block.words.subarray(right, right + degree),
            upperSum,
            lowerSum,
          );
        }
        const polynomial = result.subarray(row * degree, (row + 1) * degree);
        reduce(upperSum, lowerSum, dataPrimes[row % primes] as number, polynomial);
        transforms[row % primes]?.inverse(polynomial);
      }
      return result;
    },
  };
}

/**
 * Adds a∘b to two sums, split by the upper and lower 14 bits of b. Each product is below 2⁴², so the
 * sums stay exact in doubles for 1,024 features and one reduction at the end is enough.
 */
function accumulate(
  a: Uint32Array,
  b: Uint32Array,
  upperSum: Float64Array,
  lowerSum: Float64Array,
): void {
  for (let i = 0; i < a.length; i++) {
    const left = a[i] as number;
    const right = b[i] as number;
    upperSum[i] = (upperSum[i] as number) + left * (right >>> 14);
    lowerSum[i] = (lowerSum[i] as number) + left * (right & 0x3fff);
  }
}

/** (2¹⁴·upper + lower) mod prime. */
function reduce(
  upperSum: Float64Array,
  lowerSum: Float64Array,
  prime: number,
  result: Uint32Array,
): void {
  for (let i = 0; i < result.length; i++) {
    const upper = (upperSum[i] as number) % prime;
    const lower = (lowerSum[i] as number) % prime;
    result[i] = (upper * 0x4000 + lower) % prime;
  }
}
