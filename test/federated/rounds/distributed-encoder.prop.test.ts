import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  DistributedEncoder,
  type DistributedNoise,
  distributedFacts,
  distributedStddev,
  planDistributedNoise,
} from '../../../src/federated/index.ts';
import { BlockRotation } from '../../../src/federated/rounds/block-rotation.ts';
import { roundedNorm, roundWithin } from '../../../src/federated/rounds/conditional-rounding.ts';
import { centredResidue } from '../../../src/federated/rounds/sum-checks.ts';

const NOISE: DistributedNoise = {
  kind: 'distributed-noise',
  dimension: 50,
  clippingNorm: 2,
  clippingFlagWeight: 0,
  cohort: 20,
  honestSurvivors: 15,
  blockSize: 16,
  integerNorm: 200,
  shareVariance: 100,
  modulusBits: 20,
};
/** So little noise that nearly every coordinate is as it was rounded. */
const QUIET = { ...NOISE, shareVariance: 2 ** -20 };
const anyUpdate = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
  minLength: 50,
  maxLength: 50,
});

function norm(vector: ArrayLike<number>): number {
  return Math.sqrt(Array.from(vector).reduce((sum, x) => sum + x * x, 0));
}

function encoderOf(noise: DistributedNoise, seed = 'seed', roundId = 'round'): DistributedEncoder {
  return new DistributedEncoder(noise, { roundId, random: new SeededRandom(seed) });
}

describe('rounding within a norm', () => {
  it('never passes it, whatever comes in', () => {
    const value = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
      fc.constantFrom(0, -0, 0.5, -0.5, 0.999999, -1e-30),
    );
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.string(),
        (values, bound, seed) => {
          const target = new Float64Array(values.length);
          roundWithin(Float32Array.from(values), bound, new SeededRandom(seed), target);
          expect(target.every(Number.isInteger)).toBe(true);
          expect(target.reduce((sum, z) => sum + z * z, 0)).toBeLessThanOrEqual(bound * bound);
        },
      ),
    );
  });

  it('never passes it where most roundings would', () => {
    // Sixteen halves: a rounding is within the norm with a chance of 4 %.
    const vector = new Float32Array(16).fill(0.5);
    const target = new Float64Array(16);
    const random = new SeededRandom('tight');
    const squares = new Set<number>();
    for (let i = 0; i < 300; i++) {
      roundWithin(vector, 2, random, target);
      squares.add(target.reduce((sum, z) => sum + z * z, 0));
    }
    expect(Math.max(...squares)).toBe(4);
    expect(squares.size).toBeGreaterThan(1);
  });

  it('goes to the neighbours, right on average, and leaves integers alone', () => {
    const vector = Float32Array.of(0.25, -0.75, 3, -2, 0, 1.5);
    const random = new SeededRandom('rounding');
    const target = new Float64Array(6);
    const sums = new Float64Array(6);
    const rounds = 40_000;
    let farthest = 0;
    for (let i = 0; i < rounds; i++) {
      roundWithin(vector, 100, random, target);
      for (let j = 0; j < 6; j++) {
        farthest = Math.max(farthest, Math.abs((target[j] as number) - (vector[j] as number)));
        sums[j] = (sums[j] as number) + (target[j] as number);
      }
    }
    expect(farthest).toBe(0.75);
    // Six deviations of at most 0.5/√rounds.
    for (let j = 0; j < 6; j++) {
      expect(Math.abs((sums[j] as number) / rounds - (vector[j] as number))).toBeLessThan(0.015);
    }
    expect([sums[2], sums[3], sums[4]]).toEqual([3 * rounds, -2 * rounds, 0]);
  });

  it('draws anew rather than cut: a bound with room for two roundings in five keeps the length', () => {
    const vector = new Float32Array(400).fill(0.5);
    const target = new Float64Array(400);
    roundWithin(vector, roundedNorm(10, 400), new SeededRandom('anew'), target);
    // Cut towards zero nothing would be left; on average half of the coordinates become 1.
    expect(norm(target)).toBeGreaterThan(13);
    expect(roundedNorm(10, 400)).toBe(Math.floor(Math.sqrt(100 + 100 + 10 + 10)));
    expect(roundedNorm(10, 1)).toBe(10);
  });
});

describe('a rotation', () => {
  it('keeps lengths, comes back, and is another one for another round', () => {
    const random = new SeededRandom('rotation');
    const data = Float32Array.from({ length: 64 }, () => random.uniform() - 0.5);
    const one = data.slice();
    const two = data.slice();
    new BlockRotation('one', 64, 16).turn(one);
    new BlockRotation('two', 64, 16).turn(two);
    expect(norm(one)).toBeCloseTo(norm(data), 4);
    expect(one).not.toEqual(two);
    new BlockRotation('one', 64, 16).turnBack(one);
    one.forEach((value, i) => {
      expect(value).toBeCloseTo(data[i] as number, 5);
    });
  });

  it('spreads one coordinate evenly over its block', () => {
    const data = new Float32Array(64);
    data[20] = 8;
    new BlockRotation('round', 64, 16).turn(data);
    expect([...data].map(Math.abs)).toEqual(
      Array.from({ length: 64 }, (_, i) => (i >= 16 && i < 32 ? 2 : 0)),
    );
  });
});

describe('DistributedEncoder', () => {
  it('keeps the exact norm before the noise, whatever comes in', () => {
    const encoder = encoderOf(QUIET);
    fc.assert(
      fc.property(anyUpdate, (update) => {
        const { vector } = encoder.encode(update);
        expect(vector.length).toBe(64);
        expect(norm(vector)).toBeLessThanOrEqual(encoder.integerSensitivity + 1);
      }),
    );
    expect(encoder.integerSensitivity).toBe(roundedNorm(200 * (1 + 2 ** -16), 64));
  });

  it('gives residues of the modulus only', () => {
    const tight = { ...NOISE, cohort: 1, honestSurvivors: 1, modulusBits: 11, shareVariance: 400 };
    const encoder = encoderOf(tight);
    for (let i = 0; i < 50; i++) {
      const { vector } = encoder.encode(new Float64Array(50).fill(i));
      const isResidue = (value: number): boolean =>
        Number.isInteger(value) && value >= -1024 && value < 1024 && !Object.is(value, -0);
      expect(vector.every(isResidue)).toBe(true);
    }
    expect([-9, -8, -7, 0, 7, 8, 9].map((x) => centredResidue(x, 16))).toEqual([
      7, -8, -7, 0, 7, -8, -7,
    ]);
  });

  it('refuses what is no update, before it draws any noise', () => {
    const encoder = encoderOf(NOISE);
    const bad = new Float64Array(50);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      bad[7] = value;
      expect(() => encoder.encode(bad)).toThrow(
        expect.objectContaining({ code: 'federated/non-finite' }),
      );
    }
    expect(() => encoder.encode(new Float64Array(49))).toThrow(
      expect.objectContaining({ code: 'federated/invalid-contribution' }),
    );
    expect(() => encoder.encodeInto(new Float64Array(50), new Float64Array(50))).toThrow(
      RangeError,
    );
  });

  it('decodes a sum to within its stated error, in updates and flags, long and tiny ones too', () => {
    const { noise } = planDistributedNoise({
      ...{ dimension: 300, clippingNorm: 0.5, cohort: 40, honestSurvivors: 40, rounds: 1 },
      ...{ epsilon: 8, delta: 1e-5, clippingFlagWeight: 0.3 },
    });
    const members = 40;
    const encoder = encoderOf(noise, 'members');
    const random = new SeededRandom('updates');
    const expected = new Float64Array(300);
    const sum = new Float64Array(encoder.encodedDimension);
    let clipped = 0;
    for (let i = 0; i < members; i++) {
      const size = [1e-3, 1e200, 0.02, 1e-200][i % 4] as number;
      const update = Float64Array.from({ length: 300 }, () => (random.uniform() - 0.5) * size);
      const largest = Math.max(...update.map(Math.abs));
      const length = norm(update.map((x) => x / largest)) * largest;
      const factor = length > 0.5 ? 0.5 / length : 1;
      const encoded = encoder.encode(update);
      expect(encoded.clipped).toBe(factor < 1);
      if (encoded.clipped) clipped++;
      encoded.vector.forEach((value, j) => {
        sum[j] = centredResidue((sum[j] as number) + value, 2 ** noise.modulusBits);
      });
      update.forEach((value, j) => {
        expected[j] = (expected[j] as number) + value * factor;
      });
    }
    const decoded = encoder.decodeSum(sum);
    const error = norm(decoded.sum.map((value, j) => value - (expected[j] as number)));
    const stddev = distributedStddev(noise, members);
    expect(error / Math.sqrt(300) / stddev).toBeGreaterThan(0.8);
    expect(error / Math.sqrt(300) / stddev).toBeLessThan(1.2);
    const flagStddev = stddev / (noise.clippingNorm * noise.clippingFlagWeight);
    expect(Math.abs((decoded.clippedCount as number) - clipped)).toBeLessThan(5 * flagStddev);
  });

  it('sends zero as noise alone', () => {
    const encoder = encoderOf(NOISE, 'zero');
    let squares = 0;
    for (let i = 0; i < 300; i++) squares += norm(encoder.encode(new Float64Array(50)).vector) ** 2;
    // 19,200 samples of variance 100: their mean square has a relative deviation of 1 %.
    expect(squares / (300 * 64)).toBeGreaterThan(94);
    expect(squares / (300 * 64)).toBeLessThan(106);
  });

  it.each([
    { dimension: 0 },
    { clippingNorm: 0 },
    { clippingNorm: Number.NaN },
    { clippingFlagWeight: -0.1 },
    { clippingFlagWeight: 1.1 },
    { cohort: 0 },
    { honestSurvivors: 0 },
    { honestSurvivors: 21 },
    { blockSize: 12 },
    { integerNorm: 0 },
    { integerNorm: 2 ** 25 },
    { shareVariance: 0 },
    { shareVariance: Number.NaN },
    { modulusBits: 53 },
  ])('refuses constants that do not hold: %o', (change) => {
    expect(() => distributedFacts({ ...NOISE, ...change })).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });

  it('refuses constants under which a sum may wrap', () => {
    for (const change of [{ modulusBits: 10 }, { cohort: 2000 }, { shareVariance: 1e9 }]) {
      expect(() => encoderOf({ ...NOISE, ...change })).toThrow(
        expect.objectContaining({ code: 'federated/wrap-around' }),
      );
    }
  });
});
