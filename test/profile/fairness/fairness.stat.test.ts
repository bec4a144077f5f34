import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { normalQuantile } from '../../../src/core/special/index.ts';
import { auditGroups } from '../../../src/profile/fairness/group-audit.ts';
import { shareOf, simultaneousQuantile } from '../../../src/profile/fairness/noisy-share.ts';
import { auditProxies } from '../../../src/profile/fairness/proxy-audit.ts';
import { peopleOf, publicTerms } from './fixtures.ts';

/** Fewest of n trials that hold when each does with probability p: six deviations below, chance 1e-9. */
const least = (n: number, p: number): number => n * p - 6 * Math.sqrt(n * p * (1 - p)) - 1;

function gaussian(random: SeededRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
  return radius * Math.cos(2 * Math.PI * random.uniform());
}

describe('intervals hold as often as they say', () => {
  it('of a share whose numerator is a part of its denominator', () => {
    const random = new SeededRandom('shares');
    const z = normalQuantile(0.95);
    const [part, rest, a, b] = [30, 50, 9, 6];
    const n = 20_000;
    let held = 0;
    for (let i = 0; i < n; i++) {
      const { interval } = shareOf(
        { value: part + a * gaussian(random), stddev: a },
        { value: rest + b * gaussian(random), stddev: b },
        z,
      );
      const truth = part / (part + rest);
      if (interval.low <= truth && truth <= interval.high) held += 1;
    }
    expect(held).toBeGreaterThan(least(n, 0.9));
    // And no more often than they say: the whole is hardly ever near 0 here.
    expect(n - held).toBeGreaterThan(least(n, 0.1));
  });

  it('each alone more often, so that all of them do at once', () => {
    expect(simultaneousQuantile(0.9, 1)).toBeCloseTo(1.6449, 4);
    expect(simultaneousQuantile(0.9, 2)).toBeCloseTo(1.96, 4);
    expect(simultaneousQuantile(0.9, 10)).toBeCloseTo(2.5758, 4);
  });

  it('of all gaps of an audit at once', async () => {
    const people = [
      ...peopleOf('a', { truePositive: 40, falseNegative: 10, falsePositive: 5, trueNegative: 45 }),
      ...peopleOf('b', {
        truePositive: 20,
        falseNegative: 20,
        falsePositive: 10,
        trueNegative: 30,
      }),
    ];
    const truths = { parity: 0.45 - 30 / 80, truePositive: 0.3, falsePositive: 0.15 } as const;
    const n = 400;
    let held = 0;
    for (let i = 0; i < n; i++) {
      const outcome = await auditGroups(people, {
        ...publicTerms(`gaps ${i}`, { confidence: 0.8, noiseMultiplier: 2 }),
        groups: ['a', 'b'],
        scoreEdges: [],
      });
      if (outcome.kind === 'refused') throw new Error('nobody refuses');
      const all = Object.entries(truths).every(([name, truth]) => {
        const { low, high } = outcome.audit[name as keyof typeof truths].interval;
        return low <= truth && truth <= high;
      });
      if (all) held += 1;
    }
    expect(held).toBeGreaterThan(least(n, 0.8));
  });

  it('of what a tag gives away', async () => {
    const people = Array.from({ length: 200 }, (_, i) => ({
      account: `${i}`,
      attribute: i < 100 ? 'x' : 'y',
      // 70 % of x and 40 % of y.
      tags: { kitchen: i % 100 < (i < 100 ? 70 : 40) ? 'on' : 'off' },
    }));
    const n = 400;
    let held = 0;
    for (let i = 0; i < n; i++) {
      const outcome = await auditProxies(people, {
        ...publicTerms(`proxy ${i}`, { confidence: 0.8 }),
        attributes: ['x', 'y'],
        tags: { kitchen: ['on', 'off'] },
      });
      if (outcome.kind === 'refused') throw new Error('nobody refuses');
      const { low, high } = outcome.audit.tags[0]?.advantage.interval ?? { low: 1, high: 0 };
      if (low <= 0.3 && 0.3 <= high) held += 1;
    }
    expect(held).toBeGreaterThan(least(n, 0.8));
  });
});
