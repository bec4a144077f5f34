import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../../src/core/errors.ts';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  fillDiscreteGaussian,
  fillDiscreteLaplace,
  fillPoisson,
  fillRoundedGaussian,
  fillSkellam,
  type NoiseTarget,
  sampleBernoulliExp,
  sampleDiscreteGaussian,
  sampleDiscreteLaplace,
  samplePoisson,
  sampleRoundedGaussian,
  sampleSkellam,
} from '../../../src/dp/noise/index.ts';
import { LruCache } from '../../../src/dp/noise/lru-cache.ts';
import { assertMagnitude, fillEach } from '../../../src/dp/noise/parameters.ts';

interface Sampler {
  readonly sample: (parameter: number, random: RandomSource) => number;
  readonly fill: (target: NoiseTarget, parameter: number, random: RandomSource) => void;
  /** Parameters that are refused although they are finite and positive. */
  readonly outside: readonly number[];
  /** Both ends of what is admitted. */
  readonly ends: readonly number[];
  /** Needs a Float64Array. */
  readonly wide: number;
}

const SAMPLERS: Readonly<Record<string, Sampler>> = {
  'rounded Gaussian': {
    sample: sampleRoundedGaussian,
    fill: fillRoundedGaussian,
    outside: [2 ** 46 + 1],
    ends: [Number.MIN_VALUE, 2 ** -20, 2 ** 37, 2 ** 46],
    wide: 2 ** 24 + 1,
  },
  'discrete Gaussian': {
    sample: sampleDiscreteGaussian,
    fill: fillDiscreteGaussian,
    outside: [2 ** 46 + 1],
    ends: [Number.MIN_VALUE, 0.5, 2 ** 37, 2 ** 46],
    wide: 2 ** 24 + 1,
  },
  'discrete Laplace': {
    sample: sampleDiscreteLaplace,
    fill: fillDiscreteLaplace,
    outside: [2 ** -41],
    ends: [2 ** -40, 2 ** -37, 16, Number.MAX_VALUE],
    wide: 2 ** -19,
  },
  Skellam: {
    sample: sampleSkellam,
    fill: fillSkellam,
    outside: [2 ** 41 + 1, Number.MIN_VALUE],
    ends: [2 ** -1000, 2 ** -6, 2 ** 32, 2 ** 41],
    wide: Number.NaN,
  },
  Poisson: {
    sample: samplePoisson,
    fill: fillPoisson,
    outside: [2 ** 40 + 1],
    ends: [Number.MIN_VALUE, 2 ** 40],
    wide: 2 ** 30 + 1,
  },
};

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof VelaturaError) return error.code;
    throw error;
  }
  return 'none';
}

for (const [name, { sample, fill, outside, ends, wide }] of Object.entries(SAMPLERS)) {
  describe(name, () => {
    const random = new SeededRandom(name);

    it('refuses what is no parameter', () => {
      const target = new Float64Array(1);
      for (const bad of [0, -1, Number.NaN, Infinity, -Infinity, ...outside]) {
        expect(codeOf(() => sample(bad, random))).toBe('dp/invalid-parameter');
        expect(codeOf(() => fill(target, bad, random))).toBe('dp/invalid-parameter');
      }
      expect(codeOf(() => sample('2' as unknown as number, random))).toBe('dp/invalid-parameter');
    });

    it('answers at both ends of its range', () => {
      for (const parameter of ends) {
        expect(Number.isSafeInteger(sample(parameter, random))).toBe(true);
        const target = new Float64Array(300).fill(Number.NaN);
        fill(target, parameter, random);
        for (const value of target) {
          expect(Number.isSafeInteger(value)).toBe(true);
          expect(Object.is(value, -0)).toBe(false);
        }
      }
    });

    it('fills both kinds of target with the same numbers, to the last place', () => {
      for (const length of [0, 1, 5, 4096, 10_001]) {
        const floats = new Float64Array(length).fill(Number.NaN);
        const integers = new Int32Array(length).fill(2 ** 31 - 1);
        fill(floats, 3.5, new SeededRandom(`${name} ${length}`));
        fill(integers, 3.5, new SeededRandom(`${name} ${length}`));
        expect(Array.from(integers)).toEqual(Array.from(floats));
      }
    });

    it('works on a part of an array without touching the rest', () => {
      const whole = new Float64Array(30).fill(0.5);
      fill(whole.subarray(10, 20), 3.5, random);
      expect(whole.every((value, i) => Number.isInteger(value) === (i >= 10 && i < 20))).toBe(true);
    });

    it('refuses 32-bit targets that may not hold the noise', () => {
      if (Number.isNaN(wide)) return;
      expect(() => fill(new Int32Array(1), wide, random)).toThrow(RangeError);
      expect(() => fill(new Float64Array(1), wide, random)).not.toThrow();
    });

    it('takes secure randomness', () => {
      const target = new Int32Array(1000);
      fill(target, 3.5, new SecureRandom());
      expect(new Set(target).size).toBeGreaterThan(1);
    });
  });
}

describe('tiny noise', () => {
  it('is 0', () => {
    const random = new SeededRandom('tiny');
    const target = new Float64Array(1000).fill(Number.NaN);
    for (const stddev of [Number.MIN_VALUE, 1e-100, 0.001]) {
      fillRoundedGaussian(target, stddev, random);
      expect(target.every((value) => Object.is(value, 0))).toBe(true);
    }
    fillDiscreteGaussian(target, 0.01, random);
    expect(target.every((value) => Object.is(value, 0))).toBe(true);
  });
});

describe('bulk words', () => {
  it('are overwritten when used', () => {
    for (const stddev of [10, 2 ** 20]) {
      const handed: Uint32Array[] = [];
      const seeded = new SeededRandom('bulk words');
      const random: RandomSource = {
        uint32: () => seeded.uint32(),
        fillUint32(target) {
          handed.push(target);
          seeded.fillUint32(target);
        },
      };
      fillRoundedGaussian(new Float64Array(10_000), stddev, random);
      expect(handed.length).toBeGreaterThan(1);
      expect(handed.every((words) => words.every((word) => word === 0))).toBe(true);
    }
  });
});

describe('sampleBernoulliExp', () => {
  it('is certain at 0 and hopeless far out', () => {
    const random = new SeededRandom('certain');
    for (let i = 0; i < 100; i++) {
      expect(sampleBernoulliExp({ numerator: 0n, denominator: 7n }, random)).toBe(true);
      expect(sampleBernoulliExp({ numerator: 10n ** 300n, denominator: 1n }, random)).toBe(false);
    }
  });

  it('refuses what is no fraction ≥ 0', () => {
    const random = new SeededRandom('refuses');
    for (const [numerator, denominator] of [
      [-1n, 2n],
      [1n, 0n],
      [1n, -2n],
    ] as const) {
      expect(codeOf(() => sampleBernoulliExp({ numerator, denominator }, random))).toBe(
        'dp/invalid-parameter',
      );
    }
  });
});

describe('limits of a target', () => {
  it('are errors, never wrong numbers', () => {
    expect(() => fillEach(new Int32Array(1), () => 2 ** 31)).toThrow(RangeError);
    expect(() => fillEach(new Float64Array(1), () => 2 ** 53)).toThrow(RangeError);
    expect(assertMagnitude(-(2 ** 31 - 1), 2 ** 31 - 1)).toBe(-(2 ** 31 - 1));
  });
});

describe('LruCache', () => {
  it('makes a value once while it is in use, and forgets the oldest', () => {
    const made: number[] = [];
    const cache = new LruCache<string>(2);
    const get = (key: number): string =>
      cache.get(key, () => {
        made.push(key);
        return `value ${key}`;
      });
    expect([1, 2, 1, 3, 1, 2].map(get)).toEqual([1, 2, 1, 3, 1, 2].map((key) => `value ${key}`));
    expect(made).toEqual([1, 2, 3, 2]);
  });
});
