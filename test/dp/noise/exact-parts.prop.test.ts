import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { uniformBigInt } from '../../../src/dp/noise/bernoulli-exp.ts';
import { fairRun } from '../../../src/dp/noise/fair-run.ts';
import { rationalOf } from '../../../src/dp/noise/index.ts';
import { sampleRoundedGaussianKarney } from '../../../src/dp/noise/karney-normal.ts';
import { LazyUniform } from '../../../src/dp/noise/lazy-uniform.ts';
import { bitLength, dyadicOf } from '../../../src/dp/noise/rational.ts';
import { ScriptedRandom } from './subjects.ts';

const positive = fc.double({ min: Number.MIN_VALUE, noDefaultInfinity: true, noNaN: true });

describe('exact values of doubles', () => {
  it('are the double again', () => {
    fc.assert(
      fc.property(positive, (value) => {
        const { mantissa, exponent } = dyadicOf(value);
        expect(bitLength(mantissa)).toBeLessThanOrEqual(53);
        // In two steps: 2^-1074 times a mantissa is exact, 2^-1100 would not be a double.
        const half = Math.trunc(exponent / 2);
        expect(Number(mantissa) * 2 ** half * 2 ** (exponent - half)).toBe(value);
      }),
    );
  });

  it('are in lowest terms as fractions', () => {
    fc.assert(
      fc.property(positive, (value) => {
        const { numerator, denominator } = rationalOf(value);
        const { mantissa, exponent } = dyadicOf(value);
        const [up, down] = exponent > 0 ? [BigInt(exponent), 0n] : [0n, BigInt(-exponent)];
        expect(numerator << down).toBe((mantissa << up) * denominator);
        expect(numerator % 2n === 1n || denominator === 1n).toBe(true);
      }),
    );
    expect(rationalOf(0.75)).toEqual({ numerator: 3n, denominator: 4n });
    expect(rationalOf(6)).toEqual({ numerator: 6n, denominator: 1n });
  });

  it('exist for positive finite numbers only', () => {
    for (const bad of [0, -1, Number.NaN, Infinity]) {
      expect(() => dyadicOf(bad)).toThrow(RangeError);
      expect(() => rationalOf(bad)).toThrow(RangeError);
    }
  });
});

describe('LazyUniform', () => {
  it('draws no more digits than a comparison needs, and keeps them', () => {
    const random = new ScriptedRandom([5, 5, 9, 7, 1]);
    const first = new LazyUniform(random);
    const second = new LazyUniform(random);
    expect(first.isBelow(second)).toBe(false);
    expect(random.used).toBe(4);
    expect(second.isBelow(first)).toBe(true);
    expect(random.used).toBe(4);
    expect(first.prefix(2)).toBe((5n << 32n) | 9n);
    expect(second.prefix(3)).toBe((5n << 64n) | (7n << 32n) | 1n);
  });

  it('goes on from digits it was given', () => {
    const uniform = new LazyUniform(new ScriptedRandom([8]), [3]);
    expect([uniform.word(0), uniform.word(1)]).toEqual([3, 8]);
  });
});

describe('fairRun', () => {
  it('counts leading zeros over as many words as it takes', () => {
    expect(fairRun(new ScriptedRandom([0x8000_0000]))).toBe(0);
    expect(fairRun(new ScriptedRandom([1]))).toBe(31);
    expect(fairRun(new ScriptedRandom([0, 0, 0x4000_0000]))).toBe(65);
  });
});

describe('uniformBigInt', () => {
  it('stays under its bound and meets every value of a small one', () => {
    const random = new SeededRandom('uniformBigInt');
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 130n }), (bound) => {
        const value = uniformBigInt(random, bound);
        expect(value >= 0n && value < bound).toBe(true);
      }),
    );
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) {
      const value = Number(uniformBigInt(random, 6n));
      counts[value] = (counts[value] as number) + 1;
    }
    // Six standard deviations of a binomial count: false alarm under 1e-7 over the six of them.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(6 * 91.3);
  });
});

describe('sampleRoundedGaussianKarney', () => {
  it('draws digits until the rounding is certain', () => {
    // e^(-1/2) fails at once, so the integer is 0; e^(-x²/2) passes at once (a uniform not under x), with
    // 0.1000…₂ as the first word of x; the sign is +.
    const prelude = [1, 2, 0xffff_ffff, 0x8000_0000, 0];
    const magnitude = (stddev: number, digits: readonly number[]): bigint => {
      const random = new ScriptedRandom([...prelude, ...digits]);
      const result = sampleRoundedGaussianKarney(stddev, random);
      expect(random.used).toBe(prelude.length + digits.length);
      return result;
    };
    // x ≥ 1/2 rounds up whatever follows.
    expect(magnitude(1, [])).toBe(1n);
    // The edge of the double under 1 is at x = 1/2 + 2⁻⁵⁴ + 2⁻¹⁰⁷ + …: digits are drawn until x leaves it.
    const under = 1 - 2 ** -53;
    expect(magnitude(under, [0x0000_0401])).toBe(1n);
    expect(magnitude(under, [0x0000_03ff])).toBe(0n);
    expect(magnitude(under, [0x0000_0400, 0, 0x0020_0001])).toBe(1n);
    expect(magnitude(under, [0x0000_0400, 0, 0x001f_ffff])).toBe(0n);
  });

  it('gives the same fraction more digits for a larger deviation', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 45 }), (power) => {
        const small = sampleRoundedGaussianKarney(2 ** power, new SeededRandom(power));
        const large = sampleRoundedGaussianKarney(2 ** (power + 1), new SeededRandom(power));
        const gap = large - 2n * small;
        expect(gap >= -1n && gap <= 1n).toBe(true);
      }),
    );
  });
});
