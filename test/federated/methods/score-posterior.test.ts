import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { ScorePosterior } from '../../../src/federated/methods/score-posterior.ts';
import {
  addOuterProduct,
  momentDirections,
  momentLength,
} from '../../../src/federated/methods/second-moment.ts';

function normal(random: SeededRandom): number {
  // Sum of 12 uniforms: close enough for errors of a mean square.
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.uniform();
  return sum;
}

describe('momentDirections', () => {
  it('takes an exact moment apart', () => {
    const sum = new Float64Array(momentLength(2));
    addOuterProduct(sum, [0.6, 0.8], 1);
    addOuterProduct(sum, [0.8, -0.6], 4);
    const { values, vectors, entryNoise } = momentDirections(sum, 2, 0, 0.6);
    expect(values[0]).toBeCloseTo(4, 12);
    expect(values[1]).toBeCloseTo(1, 12);
    expect(Math.abs((vectors[0] as number) * 0.8 + (vectors[1] as number) * -0.6)).toBeCloseTo(1);
    expect(entryNoise).toBe(0);
  });

  it('never gives a direction a negative weight, whatever the noise', () => {
    const random = new SeededRandom(3);
    const noisy = Float64Array.from({ length: momentLength(12) }, () => 50 * normal(random));
    const { values, entryNoise } = momentDirections(noisy, 12, 50, 0.3);
    expect(values.every((value) => value >= 0)).toBe(true);
    expect(entryNoise).toBeGreaterThan(0);
    expect(entryNoise).toBeLessThanOrEqual(50 / Math.SQRT2);
  });
});

describe('ScorePosterior', () => {
  const dimension = 8;
  const outputs = 40;
  const values = Float64Array.of(400, 200, 100, 50, 20, 8, 2, 0);
  const vectors = new Float64Array(dimension * dimension);
  for (let i = 0; i < dimension; i++) vectors[i * dimension + i] = 1;
  const directions = { dimension, values, vectors, entryNoise: 0 };

  /** Scores at the present mean of a model that is exactly the assumed one. */
  function squaredError(noise: number, spread: number, rounds: number): number {
    const random = new SeededRandom(17);
    const truth = Float64Array.from(
      { length: outputs * dimension },
      () => Math.sqrt(spread) * normal(random),
    );
    // Sampling moves the whole likelihood: one draw for all rounds, variance h·e of the score.
    const sampling = truth.map((_, at) => {
      const e = values[at % dimension] as number;
      return Math.sqrt(e / 4) * normal(random);
    });
    const posterior = new ScorePosterior(directions, outputs);
    for (let round = 0; round < rounds; round++) {
      const mean = posterior.mean();
      const score = truth.map((value, at) => {
        const e = values[at % dimension] as number;
        const gap = value - (mean[at] as number);
        return (e / 4) * gap + (sampling[at] as number) + noise * normal(random);
      });
      posterior.observe(score, noise);
    }
    const mean = posterior.mean();
    return truth.reduce((sum, value, at) => sum + (value - (mean[at] as number)) ** 2, 0);
  }

  it.each([
    [0.5, 1],
    [5, 1],
    [30, 1],
    [30, 0.01],
  ])(
    'comes within a tenth of the least error that is possible (noise %f, spread %f)',
    (noise, spread) => {
      const rounds = 3;
      // Of a Gaussian with known spread: spread · variance / (h²e²·spread + variance).
      const least = values.reduce((sum, e) => {
        const variance = e / 4 + noise ** 2 / rounds;
        return sum + (outputs * spread * variance) / ((e / 4) ** 2 * spread + variance);
      }, 0);
      // 320 squared errors: their sum is within 35 % of its mean but for one run in a million; the seed is fixed.
      expect(squaredError(noise, spread, rounds)).toBeLessThan(1.35 * least);
      expect(squaredError(noise, spread, rounds)).toBeGreaterThan(0.65 * least);
    },
  );

  it('counts only the newest score when there is no noise', () => {
    const posterior = new ScorePosterior(directions, 1);
    posterior.observe(new Float64Array(dimension).fill(7), 0);
    const again = new ScorePosterior(directions, 1);
    again.observe(new Float64Array(dimension).fill(7), 0);
    const before = again.mean();
    // The same observation once more: the score that is left at the mean reached.
    again.observe(
      before.map((value, k) => 7 - ((values[k] as number) / 4) * value),
      0,
    );
    again.mean().forEach((value, k) => {
      expect(value).toBeCloseTo(before[k] as number, 10);
    });
    expect(again.noiseStddev()).toBe(0);
  });

  it('says how far the noise alone moves a parameter', () => {
    const random = new SeededRandom(5);
    const quiet = new ScorePosterior(directions, outputs);
    const truth = Float64Array.from({ length: outputs * dimension }, () => normal(random));
    const clean = truth.map((value, at) => ((values[at % dimension] as number) / 4) * value);
    quiet.observe(
      clean.map((value) => value + 10 * normal(random)),
      10,
    );
    const stddev = quiet.noiseStddev();
    expect(stddev).toBeGreaterThan(0);
    expect(stddev).toBeLessThan(1);
  });
});
