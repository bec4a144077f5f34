import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { noiseInflation, type RobustRule, toleratedBuckets } from '../../../src/federated/index.ts';
import { drawBuckets } from '../../../src/federated/robust/buckets.ts';
import { combineBuckets } from '../../../src/federated/robust/robust-rule.ts';

const rule: fc.Arbitrary<RobustRule> = fc.integer({ min: 3, max: 15 }).chain((buckets) =>
  fc.oneof(
    fc.constant<RobustRule>({ kind: 'median', buckets }),
    fc
      .integer({ min: 1, max: Math.ceil(buckets / 2) - 1 })
      .map<RobustRule>((trim) => ({ kind: 'trimmed-mean', buckets, trim })),
  ),
);

describe('robust rules', () => {
  it('stay between the honest buckets, whatever the tolerated others hold', () => {
    fc.assert(
      fc.property(
        rule,
        fc.infiniteStream(fc.integer({ min: -1000, max: 1000 })),
        fc.infiniteStream(fc.constantFrom(-1e15, 1e15, 0, 1001, -1001)),
        (of, honestValues, hostileValues) => {
          const hostile = toleratedBuckets(of);
          const sums = Array.from({ length: of.buckets }, (_, b) =>
            Float64Array.from({ length: 3 }, () =>
              Number((b < hostile ? hostileValues : honestValues).next().value),
            ),
          );
          const combined = combineBuckets(of, sums);
          for (let i = 0; i < 3; i++) {
            const honest = sums.slice(hostile).map((sum) => sum[i] as number);
            const value = (combined[i] as number) / of.buckets;
            expect(value).toBeGreaterThanOrEqual(Math.min(...honest) - 1e-9);
            expect(value).toBeLessThanOrEqual(Math.max(...honest) + 1e-9);
          }
        },
      ),
    );
  });

  it('do not depend on the order of the buckets', () => {
    fc.assert(
      fc.property(rule, fc.integer(), (of, seed) => {
        const random = new SeededRandom(seed);
        const sums = Array.from({ length: of.buckets }, () =>
          Float64Array.of(random.uniform(), random.uniform()),
        );
        const shuffled = [...random.permutation(of.buckets)].map((b) => sums[b] as Float64Array);
        const [a, b] = [combineBuckets(of, sums), combineBuckets(of, shuffled)];
        a.forEach((value, i) => {
          expect(value).toBeCloseTo(b[i] as number, 12);
        });
      }),
    );
  });

  it('give the values of a small example', () => {
    const sums = [5, 1, 100, 3, 2].map((value) => Float64Array.of(value));
    expect(combineBuckets({ kind: 'median', buckets: 5 }, sums)[0]).toBe(15);
    expect(combineBuckets({ kind: 'trimmed-mean', buckets: 5, trim: 1 }, sums)[0]).toBeCloseTo(
      (5 * 10) / 3,
      12,
    );
    expect(combineBuckets({ kind: 'median', buckets: 4 }, sums.slice(0, 4))[0]).toBe(16);
  });
});

describe('noiseInflation', () => {
  // Variances of √n times the estimate from n standard normal values: 1.5 million simulated draws each.
  it.each<[RobustRule, number, number]>([
    [{ kind: 'median', buckets: 3 }, 1.348, 1.085],
    [{ kind: 'median', buckets: 5 }, 1.435, 1.05],
    [{ kind: 'median', buckets: 15 }, 1.525, 1.02],
    [{ kind: 'median', buckets: 4 }, 1.193, 1.01],
    [{ kind: 'median', buckets: 10 }, 1.384, 1.01],
    [{ kind: 'trimmed-mean', buckets: 5, trim: 1 }, 1.136, 1.01],
    [{ kind: 'trimmed-mean', buckets: 5, trim: 2 }, 1.435, 1.05],
    [{ kind: 'trimmed-mean', buckets: 10, trim: 2 }, 1.134, 1.01],
  ])('of %j is the one observed', (of, variance, most) => {
    const ratio = noiseInflation(of) / Math.sqrt(of.buckets * variance);
    expect(ratio).toBeGreaterThan(0.99);
    expect(ratio).toBeLessThan(most);
  });
});

describe('drawBuckets', () => {
  it('makes buckets of equal size in random order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 10 }),
        (clients, buckets) => {
          const drawn = drawBuckets(clients, buckets, new SeededRandom(clients));
          const sizes = new Float64Array(buckets);
          for (const bucket of drawn) sizes[bucket] = (sizes[bucket] as number) + 1;
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        },
      ),
    );
    const pairs = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      pairs.add(drawBuckets(4, 2, new SeededRandom(seed)).join());
    }
    expect(pairs.size).toBe(6);
  });
});
