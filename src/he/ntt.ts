import { inverseModulo, liftNegative, multiplyModulo, powerModulo } from './modular.ts';

/**
 * The number-theoretic transform of ℤ_p[X]/(X^N + 1): it turns products of polynomials into products of
 * words. Values in transformed form are in bit-reversed order, which pointwise work does not notice.
 */
export interface NegacyclicNtt {
  readonly prime: number;
  readonly degree: number;
  /** Coefficients to transformed form, in place; every word below the prime before and after. */
  forward(words: Uint32Array): void;
  /** Transformed form to coefficients, in place; every word below the prime before and after. */
  inverse(words: Uint32Array): void;
}

/**
 * Tables and loops for one prime and degree.
 *
 * @param prime - a prime below 2²⁸ with prime ≡ 1 mod 2·degree
 * @param degree - N, a power of two of at least 2
 *
 * Source: Longa and Naehrig, "Speeding up the number theoretic transform for faster ideal lattice-based
 * cryptography", CANS 2016, algorithms 1 and 2 (the twist by powers of ψ is merged into the butterflies).
 */
export function createNegacyclicNtt(prime: number, degree: number): NegacyclicNtt {
  const tables = nttTables(prime, degree);
  const { forward: forwardTable, inverse: inverseTable, inverseOfDegree } = tables;

  return {
    prime,
    degree,
    forward(words: Uint32Array): void {
      checkLength(words, degree);
      for (let groups = 1, half = degree >> 1; half > 0; groups <<= 1, half >>= 1) {
        for (let group = 0; group < groups; group++) {
          const factor = (forwardTable[groups + group] as number) | 0;
          const ratio = factor / prime;
          const start = 2 * group * half;
          for (let at = start; at < start + half; at++) {
            const upper = (words[at] as number) | 0;
            const other = (words[at + half] as number) | 0;
            const lower = multiplyModulo(other, factor, prime, ratio);
            words[at] = liftNegative((upper + lower - prime) | 0, prime);
            words[at + half] = liftNegative((upper - lower) | 0, prime);
          }
        }
      }
    },
    inverse(words: Uint32Array): void {
      checkLength(words, degree);
      for (let groups = degree >> 1, half = 1; groups > 0; groups >>= 1, half <<= 1) {
        for (let group = 0; group < groups; group++) {
          const factor = (inverseTable[groups + group] as number) | 0;
          const ratio = factor / prime;
          const start = 2 * group * half;
          for (let at = start; at < start + half; at++) {
            const upper = (words[at] as number) | 0;
            const lower = (words[at + half] as number) | 0;
            const difference = liftNegative((upper - lower) | 0, prime);
            words[at] = liftNegative((upper + lower - prime) | 0, prime);
            words[at + half] = multiplyModulo(difference, factor, prime, ratio);
          }
        }
      }
      const ratio = inverseOfDegree / prime;
      for (let at = 0; at < degree; at++) {
        words[at] = multiplyModulo((words[at] as number) | 0, inverseOfDegree, prime, ratio);
      }
    },
  };
}

/** The factors of the transform and of its inverse. */
export interface NttTables {
  /** ψ^bitreverse(i), `[degree]`: round by round, in the order in which the butterflies need them. */
  readonly forward: Uint32Array;
  /** ψ^−bitreverse(i), `[degree]`. */
  readonly inverse: Uint32Array;
  readonly inverseOfDegree: number;
}

/** The factors for one prime and degree, as {@link createNegacyclicNtt} uses them. */
export function nttTables(prime: number, degree: number): NttTables {
  const root = primitiveRoot(prime, 2 * degree);
  return {
    forward: twiddles(root, prime, degree),
    inverse: twiddles(inverseModulo(root, prime), prime, degree),
    inverseOfDegree: inverseModulo(degree, prime),
  };
}

function checkLength(words: Uint32Array, degree: number): void {
  if (words.length !== degree) {
    throw new RangeError(`"words" expected ${degree} words, got ${words.length}`);
  }
}

/** An element of exact order `order` (a power of two that divides prime − 1). */
function primitiveRoot(prime: number, order: number): number {
  for (let candidate = 2; candidate < prime; candidate++) {
    const root = powerModulo(candidate, (prime - 1) / order, prime);
    if (powerModulo(root, order / 2, prime) === prime - 1) return root;
  }
  throw new RangeError(`"prime" expected a prime ≡ 1 mod ${order}, got ${prime}`);
}

/** root^bitreverse(i) for i < degree. */
function twiddles(root: number, prime: number, degree: number): Uint32Array {
  const bits = Math.log2(degree);
  const table = new Uint32Array(degree);
  let power = 1;
  for (let exponent = 0; exponent < degree; exponent++) {
    table[reverseBits(exponent, bits)] = power;
    power = multiplyModulo(power, root, prime, root / prime);
  }
  return table;
}

function reverseBits(value: number, bits: number): number {
  let reversed = 0;
  for (let bit = 0; bit < bits; bit++) reversed = (reversed << 1) | ((value >>> bit) & 1);
  return reversed;
}
