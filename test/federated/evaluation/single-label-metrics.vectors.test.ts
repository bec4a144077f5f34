import { describe, expect, it } from 'vitest';
import {
  averagePrecision,
  singleLabelMetrics,
  topPrecision,
} from '../../../src/federated/evaluation/single-label-metrics.ts';

describe('averagePrecision', () => {
  // The example of average_precision_score and roc_auc_score in the documentation of scikit-learn: 0.83 and 0.75.
  it('agrees with scikit-learn', () => {
    const found = singleLabelMetrics([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]);
    expect(found.averagePrecision).toBeCloseTo(0.8333333333333333, 15);
    expect(found.auc).toBe(0.75);
  });

  it('takes ties as one step, so that their order does not count', () => {
    // Thresholds 2 (one of one) and 1 (two of four): ½·1 + ½·½.
    expect(averagePrecision([1, 2, 1, 1], [0, 1, 1, 0])).toBe(0.75);
    expect(averagePrecision([1, 2, 1, 1], [1, 1, 0, 0])).toBe(0.75);
  });

  it('is the share of positives when all are tied, 1 when perfect, NaN without positives', () => {
    expect(averagePrecision([0, 0, 0, 0], [1, 0, 0, 0])).toBe(0.25);
    expect(averagePrecision([3, 2, 1], [1, 1, 0])).toBe(1);
    expect(averagePrecision([1, 2], [0, 0])).toBeNaN();
  });
});

describe('topPrecision', () => {
  const scores = Array.from({ length: 20 }, (_, i) => 20 - i);

  it('is the precision among the best', () => {
    const labels = scores.map((_, i) => (i === 1 || i === 2 ? 1 : 0));
    expect(topPrecision(scores, labels, 0.1)).toBe(0.5);
    expect(topPrecision(scores, labels, 1)).toBe(0.1);
    expect(singleLabelMetrics(scores, labels).precisionAtTop10Percent).toBe(0.5);
  });

  it('counts each of a tie that the border cuts in part', () => {
    // Best two of ten: the first, and one of four tied ones of which three are positive.
    const tied = [9, 5, 5, 5, 5, 1, 1, 1, 1, 1];
    expect(topPrecision(tied, [1, 1, 1, 1, 0, 0, 0, 0, 0, 0], 0.2)).toBe((1 + 3 / 4) / 2);
  });

  it('looks at one user at least', () => {
    expect(topPrecision([1, 2], [0, 1], 0.1)).toBe(1);
    expect(topPrecision([], [], 0.1)).toBeNaN();
  });
});

describe('bad input', () => {
  it('is refused', () => {
    expect(() => averagePrecision([1, 2], [1])).toThrow('"labels" expected 2 numbers, got 1');
    expect(() => averagePrecision([1, Number.NaN], [1, 0])).toThrow('got NaN at 1');
    expect(() => topPrecision([1], [1], 0)).toThrow('"share" expected a number in (0, 1], got 0');
    expect(() => topPrecision([1], [1], Number.NaN)).toThrow(RangeError);
  });
});
