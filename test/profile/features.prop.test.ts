import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FEATURE_MAPS,
  FeatureBuilder,
  matchesGlob,
  parseBounds,
  share,
  smoothedShare,
  sqrtShare,
  unitNorm,
} from '../../src/profile/index.ts';

const counts = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), {
  minLength: 1,
  maxLength: 40,
});
const norm = (vector: ArrayLike<number>): number => Math.hypot(...Array.from(vector));
const sum = (vector: Float64Array): number => vector.reduce((total, value) => total + value, 0);

describe('shares', () => {
  it('sum to one, or are all zero without history', () => {
    fc.assert(
      fc.property(counts, (n) => {
        const empty = n.every((count) => count === 0);
        expect(sum(share(n))).toBeCloseTo(empty ? 0 : 1, 12);
        expect(sum(smoothedShare(n))).toBeCloseTo(1, 12);
        expect(sum(sqrtShare(n).map((value) => value * value))).toBeCloseTo(1, 12);
      }),
    );
  });

  it('have l2 norm at most 1, and exactly 1 after scaling', () => {
    fc.assert(
      fc.property(counts, (n) => {
        for (const map of [share, smoothedShare, sqrtShare]) {
          const mapped = map(n);
          expect(norm(mapped)).toBeLessThanOrEqual(1 + 1e-12);
          expect(norm(unitNorm(mapped))).toBeCloseTo(sum(mapped) === 0 ? 0 : 1, 12);
        }
      }),
    );
  });

  it('keep the order of the counts', () => {
    fc.assert(
      fc.property(counts, (n) => {
        for (const map of [share, smoothedShare, sqrtShare]) {
          const mapped = map(n);
          for (let i = 1; i < n.length; i++) {
            if ((n[i] as number) >= (n[0] as number)) {
              expect(mapped[i]).toBeGreaterThanOrEqual(mapped[0] as number);
            }
          }
        }
      }),
    );
  });
});

describe('unitNorm', () => {
  it('gives norm 1 or 0 for every finite vector, however large or small', () => {
    const vector = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(vector, (v) => {
        expect(norm(unitNorm(v))).toBeCloseTo(v.every((x) => x === 0) ? 0 : 1, 12);
      }),
    );
  });
});

describe('FeatureBuilder', () => {
  it('keeps every row within its public norm bound', () => {
    const groups = fc.array(
      fc.record({
        map: fc.constantFrom(...FEATURE_MAPS),
        columns: fc.integer({ min: 1, max: 4 }),
        min: fc.integer({ min: 0, max: 10 }),
        width: fc.integer({ min: 1, max: 1000 }),
      }),
      { minLength: 1, maxLength: 6 },
    );
    const input = groups.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 24, maxLength: 24 }),
        fc.boolean(),
      ),
    );
    fc.assert(
      fc.property(input, ([list, values, scaled]) => {
        const bounds = parseBounds({
          features: Object.fromEntries(
            list.map(({ map, min, width }, i) => [`g${i}_*`, { map, min, max: min + width }]),
          ),
        });
        const columns = list.flatMap((group, i) =>
          Array.from({ length: group.columns }, (_, j) => `g${i}_${j}`),
        );
        const builder = new FeatureBuilder(bounds, columns, { unitNorm: scaled });
        const features = builder.build(values.slice(0, columns.length), 0);
        expect(norm(features)).toBeLessThanOrEqual(builder.normBound * (1 + 1e-12));
      }),
    );
  });
});

describe('matchesGlob', () => {
  it('agrees with the regular expression of the same meaning', () => {
    const text = (letters: string): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((list) => list.join(''));
    fc.assert(
      fc.property(text('ab*'), text('ab'), (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
        expect(matchesGlob(pattern, name)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
