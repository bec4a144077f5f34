import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  binnedAuc,
  confusionAt,
  type ScoreHistogram,
} from '../../../src/federated/evaluation/binned-auc.ts';
import { areaUnderCurve } from '../../../src/federated/index.ts';

const BINS = 8;

/** Users with an integer score and a label, at least five of each class. */
const users = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 63 }), fc.boolean()), { minLength: 10, maxLength: 60 })
  .map((rows) => rows.map(([score, label], i) => ({ score, label: i < 10 ? i % 2 === 0 : label })));

function histogram(
  rows: readonly { score: number; label: boolean }[],
  bins: number,
): ScoreHistogram {
  const positives = new Float64Array(bins);
  const negatives = new Float64Array(bins);
  for (const { score, label } of rows) {
    const counts = label ? positives : negatives;
    const bin = Math.floor((score * bins) / 64);
    counts[bin] = (counts[bin] as number) + 1;
  }
  const edges = Array.from({ length: bins - 1 }, (_, i) => ((i + 1) * 64) / bins);
  return { edges, positives, negatives, noiseStddev: 0 };
}

function exactAuc(rows: readonly { score: number; label: boolean }[]): number {
  return areaUnderCurve(
    rows.map((user) => user.score),
    rows.map((user) => (user.label ? 1 : 0)),
  );
}

describe('binnedAuc without noise', () => {
  it('is exact with a bin a score', () => {
    fc.assert(
      fc.property(users, (rows) => {
        const found = binnedAuc(histogram(rows, 64), 2);
        expect(found.value).toBeCloseTo(exactAuc(rows), 12);
        expect(found.standardError).toBe(0);
      }),
    );
  });

  it('is off by no more than the bin error, and its interval holds the truth', () => {
    fc.assert(
      fc.property(users, (rows) => {
        const found = binnedAuc(histogram(rows, BINS), 2);
        const exact = exactAuc(rows);
        expect(Math.abs((found.value as number) - exact)).toBeLessThanOrEqual(
          found.binError + 1e-12,
        );
        expect(found.interval?.low).toBeLessThanOrEqual(exact + 1e-9);
        expect(found.interval?.high).toBeGreaterThanOrEqual(exact - 1e-9);
        expect(found.interval?.low).toBeCloseTo((found.value as number) - found.binError, 9);
      }),
    );
  });

  it('reaches its bin error when a bin hides perfect order', () => {
    // Ten users in one bin, five of each class: tied they give ½, ordered 1.
    const rows = Array.from({ length: 10 }, (_, i) => ({
      score: i % 8,
      label: i % 8 >= 4 || i > 8,
    }));
    const found = binnedAuc(histogram(rows, 1), 2);
    expect(found.value).toBe(0.5);
    expect(found.binError).toBe(0.5);
  });

  it('needs five of each class', () => {
    const rows = Array.from({ length: 14 }, (_, i) => ({ score: i, label: i < 4 }));
    expect(binnedAuc(histogram(rows, 64), 2).value).toBeNull();
    expect(binnedAuc(histogram([...rows, { score: 3, label: true }], 64), 2).value).not.toBeNull();
  });
});

describe('confusionAt', () => {
  it('counts both sides of an edge', () => {
    fc.assert(
      fc.property(users, fc.integer({ min: 0, max: BINS - 2 }), (rows, edge) => {
        const found = confusionAt(histogram(rows, BINS), edge);
        const threshold = (edge + 1) * 8;
        const count = (label: boolean, isAbove: boolean): number =>
          rows.filter((user) => user.label === label && user.score >= threshold === isAbove).length;
        expect(found).toMatchObject({
          truePositives: count(true, true),
          falsePositives: count(false, true),
          trueNegatives: count(false, false),
          falseNegatives: count(true, false),
        });
      }),
    );
  });

  it('sums the variance of the bins on either side, and refuses an edge that is not there', () => {
    const noisy = { ...histogram([], BINS), noiseStddev: 3 };
    expect(confusionAt(noisy, 0)).toMatchObject({ belowStddev: 3, aboveStddev: 3 * Math.sqrt(7) });
    expect(() => confusionAt(noisy, 7)).toThrow('"edge" expected an integer in [0, 7), got 7');
  });
});
