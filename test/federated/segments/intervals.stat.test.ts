import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { normalQuantile } from '../../../src/core/special/index.ts';
import { ratioInterval } from '../../../src/core/special/ratio-interval.ts';
import { fillRoundedGaussian } from '../../../src/dp/index.ts';
import { groupHistogram } from '../../../src/federated/segments/group-histogram.ts';
import { clientsOf, environment } from './crowds.ts';

/** Five deviations of a binomial share: one false alarm in 1.7 million on both sides. */
function tolerance(trials: number, confidence: number): number {
  return 5 * Math.sqrt((confidence * (1 - confidence)) / trials);
}

describe('intervals hold the truth as often as they say', () => {
  it('of a ratio of noisy sums, also of a small one', () => {
    const trials = 20_000;
    const confidence = 0.9;
    const z = normalQuantile((1 + confidence) / 2);
    const noise = new Float64Array(2 * trials);
    const unit = 1000;
    fillRoundedGaussian(noise, unit, new SecureRandom());
    for (const [numerator, denominator] of [
      [40, 100],
      [0, 8],
      [-30, 12],
    ] as const) {
      let held = 0;
      for (let i = 0; i < trials; i++) {
        const interval = ratioInterval(
          {
            numerator: numerator + (noise[2 * i] as number) / unit,
            numeratorStddev: 1,
            denominator: denominator + (0.5 * (noise[2 * i + 1] as number)) / unit,
            denominatorStddev: 0.5,
          },
          z,
        );
        const truth = numerator / denominator;
        if (interval !== null && interval.low <= truth && truth <= interval.high) held++;
      }
      expect(Math.abs(held / trials - confidence)).toBeLessThan(tolerance(trials, confidence));
    }
  });

  it('has none where the denominator may be 0', () => {
    const ratio = { numerator: 5, numeratorStddev: 1, denominatorStddev: 1 };
    expect(ratioInterval({ ...ratio, denominator: 1.9 }, 2)).toBeNull();
    expect(ratioInterval({ ...ratio, denominator: -9 }, 2)).toBeNull();
    expect(ratioInterval({ ...ratio, denominator: 2.1 }, 2)).not.toBeNull();
  });

  it('of the counts of a histogram, one by one and all together', async () => {
    const rounds = 400;
    const confidence = 0.8;
    const people = 120;
    const clients = clientsOf(
      Array.from({ length: people }, () => []),
      (i) => [1, i % 2, i % 3 === 0 ? 1 : 0, i % 4 === 0 ? 1 : 0],
    );
    const truth = [120, 60, 40, 30];
    let single = 0;
    let together = 0;
    for (let round = 0; round < rounds; round++) {
      const outcome = await groupHistogram(environment, clients, {
        roundId: 'r',
        tags: ['a', 'b', 'c', 'd'],
        minimumCount: 0,
        confidence,
        population: people,
        noiseMultiplier: 1,
        delta: 1e-6,
      });
      if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
      const { groups, halfWidth, simultaneousHalfWidth } = outcome.histogram;
      const errors = truth.map((count, i) =>
        Math.abs((groups[0]?.cells[i]?.count ?? Infinity) - count),
      );
      errors.push(Math.abs((groups[0]?.size ?? Infinity) - people));
      single += errors.filter((error) => error <= halfWidth).length;
      if (errors.every((error) => error <= simultaneousHalfWidth)) together++;
    }
    const trials = rounds * 5;
    expect(Math.abs(single / trials - confidence)).toBeLessThan(tolerance(trials, confidence));
    expect(Math.abs(together / rounds - confidence)).toBeLessThan(tolerance(rounds, confidence));
  });
});
