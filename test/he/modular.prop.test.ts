import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  inverseModulo,
  isPrime,
  multiplyModulo,
  powerModulo,
  reduceModulo,
} from '../../src/he/modular.ts';

const PRIMES = [3, 12_289, 786_433, 995_329, 134_215_681, 268_369_921, 268_435_399];
const prime = fc.constantFrom(...PRIMES);
/** Residues, often at the edges where a quotient estimate goes wrong first. */
const residueOf = (p: number) =>
  fc.oneof(
    fc.integer({ min: 0, max: p - 1 }),
    fc.constantFrom(0, 1, p - 1, p - 2 < 0 ? 0 : p - 2, (p - 1) / 2, (p + 1) / 2),
  );

describe('modular arithmetic', () => {
  it('multiplies exactly', () => {
    const pair = prime.chain((p) => fc.tuple(fc.constant(p), residueOf(p), residueOf(p)));
    fc.assert(
      fc.property(pair, ([p, a, b]) => {
        expect(multiplyModulo(a, b, p, b / p)).toBe(Number((BigInt(a) * BigInt(b)) % BigInt(p)));
      }),
      { numRuns: 20_000 },
    );
  });

  it('multiplies exactly where the product is next to a multiple of the prime', () => {
    for (const p of PRIMES) {
      // Large a make large quotients, whose estimate then misses by one in either direction.
      for (let i = 0; i < 5000; i++) {
        const a = 1 + ((i * 130_003) % (p - 1));
        const inverse = inverseModulo(a, p);
        expect(multiplyModulo(a, inverse, p, inverse / p)).toBe(1);
        expect(multiplyModulo(a, p - inverse, p, (p - inverse) / p)).toBe(p - 1);
      }
    }
  });

  it('raises to powers', () => {
    for (const p of PRIMES) {
      expect(powerModulo(2, 0, p)).toBe(1);
      expect(powerModulo(2, p - 1, p)).toBe(1);
      expect(powerModulo(2, 10, p)).toBe(1024 % p);
    }
  });

  it('reduces integers of both signs up to 2^53', () => {
    fc.assert(
      fc.property(prime, fc.maxSafeInteger(), (p, value) => {
        const wide = BigInt(p);
        expect(reduceModulo(value, p)).toBe(Number(((BigInt(value) % wide) + wide) % wide));
      }),
    );
  });

  it('tells primes', () => {
    const primes = Array.from({ length: 50 }, (_, i) => i).filter(isPrime);
    expect(primes).toEqual([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]);
    expect(PRIMES.every(isPrime)).toBe(true);
    expect([268_369_921 - 2, 12_289 * 12_289, 2.5, -7, Number.NaN].some(isPrime)).toBe(false);
  });
});
