import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { calibrateNoise } from '../../../src/dp/index.ts';
import { fillSkellam } from '../../../src/dp/noise/index.ts';
import {
  DistributedEncoder,
  distributedFacts,
  planDistributedNoise,
} from '../../../src/federated/index.ts';
import { BlockRotation } from '../../../src/federated/rounds/block-rotation.ts';
import { centredResidue } from '../../../src/federated/rounds/sum-checks.ts';
import { type WrapTerms, wrapProbability } from '../../../src/federated/rounds/wrap-bound.ts';

// Every seed is fixed: what passes once passes always.

describe('distributed noise', () => {
  it.each([1, 4])(
    'at epsilon %d is no more than a twentieth above central Gaussian noise of the same price, on lanes of 16 bits',
    (epsilon) => {
      const target = { epsilon, delta: 1e-5 };
      const members = 100;
      const dimension = 10_000;
      const { noise, ...planned } = planDistributedNoise({
        ...target,
        ...{ dimension, clippingNorm: 1, cohort: members, honestSurvivors: members, rounds: 1 },
        modulusBits: 16,
      });
      const { noiseMultiplier } = calibrateNoise(
        { ...target, relation: 'zero-out-one-user', accountant: 'rdp' },
        (multiplier) => ({ kind: 'gaussian', noiseMultiplier: multiplier }),
      );
      const encoder = new DistributedEncoder(noise, {
        roundId: 'error',
        random: new SeededRandom(`epsilon ${epsilon}`),
      });
      // All members alike: the worst case for the modulus, and a sum that is known.
      const update = new Float64Array(dimension).fill(1 / Math.sqrt(dimension));
      const sum = new Float64Array(encoder.encodedDimension);
      for (let i = 0; i < members; i++) {
        encoder.encode(update).vector.forEach((value, j) => {
          sum[j] = centredResidue((sum[j] as number) + value, 2 ** 16);
        });
      }
      const decoded = encoder.decodeSum(sum).sum;
      const exact = members / Math.sqrt(dimension);
      const error = Math.sqrt(
        decoded.reduce((total, value) => total + (value - exact) ** 2, 0) / dimension,
      );
      // The measured deviation is itself within some 2 % (three of its own deviations of 0.7 %).
      expect(error / noiseMultiplier).toBeLessThan(1.05);
      expect(error / planned.noiseMultiplier).toBeGreaterThan(0.97);
      expect(planned.error).toBeLessThan(1.05);
      expect(planned.wrapProbability).toBeLessThanOrEqual(2 ** -40);
    },
  );

  it('adds up to the variance that is priced', () => {
    const { noise } = planDistributedNoise({
      ...{ dimension: 256, clippingNorm: 1, cohort: 30, honestSurvivors: 20, rounds: 3 },
      ...{ epsilon: 2, delta: 1e-6 },
    });
    const { event, encodedDimension } = distributedFacts(noise);
    const random = new SeededRandom('variance');
    let squares = 0;
    for (let trial = 0; trial < 40; trial++) {
      const sum = new Float64Array(encodedDimension);
      const encoder = new DistributedEncoder(noise, { roundId: `${trial}`, random });
      for (let i = 0; i < noise.honestSurvivors; i++) {
        encoder.encode(new Float64Array(256)).vector.forEach((value, j) => {
          sum[j] = centredResidue((sum[j] as number) + value, 2 ** noise.modulusBits);
        });
      }
      squares += sum.reduce((total, value) => total + value * value, 0);
    }
    if (event.kind !== 'skellam') throw new Error('another law');
    // 10,240 samples: a relative deviation of 1.4 %.
    expect(squares / (40 * encodedDimension) / event.mu).toBeGreaterThan(0.93);
    expect(squares / (40 * encodedDimension) / event.mu).toBeLessThan(1.07);
  });
});

describe('the bound on wrapping', () => {
  const terms: WrapTerms = {
    dimension: 64,
    modulusBits: 9,
    cohort: 4,
    norm: 46,
    blockSize: 16,
    shareVariance: 550,
  };

  it('holds for members who all send the worst vector, and is not far off', () => {
    const random = new SeededRandom('wrapping');
    const rounds = 8000;
    const noise = new Float64Array(64);
    let wrapped = 0;
    for (let round = 0; round < rounds; round++) {
      const data = new Float32Array(64);
      // Evenly over a block: for one vector of signs in 2^15 all of it ends in one coordinate.
      data.fill(terms.norm / 4, 0, 16);
      new BlockRotation(`${round}`, 64, 16).turn(data);
      fillSkellam(noise, 4 * terms.shareVariance, random);
      const noisy = noise.map((value, i) => value + 4 * Math.round(data[i] as number));
      if (noisy.some((value) => value < -256 || value >= 256)) wrapped++;
    }
    const bound = wrapProbability(terms);
    expect(bound).toBeLessThan(1);
    expect(wrapped).toBeGreaterThan(0);
    // Four deviations of the count above it, so as not to blame the bound for chance.
    expect(wrapped - 4 * Math.sqrt(wrapped)).toBeLessThan(bound * rounds);
    expect(wrapped).toBeGreaterThan((bound * rounds) / 200);
  });

  it('grows with members, length, noise and dimension, falls with bits and blocks', () => {
    const base = wrapProbability(terms);
    for (const change of [{ cohort: 5 }, { norm: 50 }, { shareVariance: 600 }, { dimension: 80 }]) {
      expect(wrapProbability({ ...terms, ...change })).toBeGreaterThan(base);
    }
    for (const change of [{ modulusBits: 10 }, { blockSize: 32 }]) {
      expect(wrapProbability({ ...terms, ...change })).toBeLessThan(base);
    }
    expect(wrapProbability({ ...terms, modulusBits: 3 })).toBe(1);
  });
});
