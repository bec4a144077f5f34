import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { drawSample, uniformSubset } from '../../../src/federated/rounds/amplified-sampling.ts';

const random = new SecureRandom();

describe('samples', () => {
  it('of Poisson kind hold each member independently with the rate', () => {
    const [members, draws, rate] = [50, 8000, 0.3];
    const counts = new Float64Array(members);
    let pairs = 0;
    let sizes = 0;
    for (let draw = 0; draw < draws; draw++) {
      const sample = drawSample(
        { kind: 'poisson', population: 'all', samplingRate: rate },
        members,
        random,
      );
      for (const i of sample) counts[i] = (counts[i] as number) + 1;
      sizes += (sample.length - members * rate) ** 2;
      for (let i = 1; i < sample.length; i++)
        if (sample[i] === (sample[i - 1] as number) + 1) pairs++;
    }
    const spread = Math.sqrt(draws * rate * (1 - rate));
    // 50 members at 6.5 deviations: below 1e-8.
    for (const count of counts) expect(Math.abs(count - draws * rate)).toBeLessThan(6.5 * spread);
    // Neighbours are both in with rate²; products of neighbours overlap, so twice the variance and more.
    const expected = draws * (members - 1) * rate * rate;
    expect(Math.abs(pairs - expected)).toBeLessThan(6.5 * Math.sqrt(4 * expected));
    // Size has the variance of a binomial: (size − mean)² has a relative deviation of about √(2/draws).
    const ratio = sizes / draws / (members * rate * (1 - rate));
    expect(Math.abs(ratio - 1)).toBeLessThan(6.5 * Math.sqrt(2.2 / draws));
  });

  it('of fixed size are uniform subsets', () => {
    const [members, size, draws] = [6, 3, 40_000];
    const counts = new Map<string, number>();
    for (let draw = 0; draw < draws; draw++) {
      const subset = uniformSubset(members, size, random);
      const key = subset.join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // 20 subsets, each with chance 1/20; 20 comparisons at 6.5 deviations: below 1e-8.
    expect(counts.size).toBe(20);
    const spread = Math.sqrt((draws / 20) * (19 / 20));
    for (const count of counts.values()) {
      expect(Math.abs(count - draws / 20)).toBeLessThan(6.5 * spread);
    }
  });

  it('of fixed size may be nobody or everybody', () => {
    expect(uniformSubset(3, 0, random)).toEqual([]);
    expect(uniformSubset(3, 3, random)).toEqual([0, 1, 2]);
  });
});
