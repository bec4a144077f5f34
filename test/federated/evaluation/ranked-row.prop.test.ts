import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestOf,
  rowNdcgAt5,
  rowPrecisionAt3,
} from '../../../src/federated/evaluation/ranked-row.ts';

// Few different values, so that ties are common.
const scores = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 0, maxLength: 12 });

describe('bestOf', () => {
  it('is the head of a stable sort', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 0, max: 6 }), (values, count) => {
        const sorted = [...values.keys()].sort(
          (a, b) => (values[b] as number) - (values[a] as number),
        );
        expect(bestOf(values, count)).toEqual(sorted.slice(0, count));
      }),
    );
  });
});

describe('row metrics', () => {
  it('are in [0, 1], and 1 when everything relevant is on top', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.boolean()), { minLength: 3 }),
        (row) => {
          const values = row.map(([score]) => score);
          const labels = row.map(([, label]) => (label ? 1 : 0));
          const precision = rowPrecisionAt3(values, labels);
          const ndcg = rowNdcgAt5(values, labels);
          expect(precision).toBeGreaterThanOrEqual(0);
          expect(precision).toBeLessThanOrEqual(1);
          expect(ndcg === null).toBe(!labels.includes(1));
          if (ndcg !== null) {
            expect(ndcg).toBeGreaterThanOrEqual(0);
            expect(ndcg).toBeLessThanOrEqual(1 + 1e-12);
            expect(rowNdcgAt5(labels, labels)).toBeCloseTo(1, 12);
          }
        },
      ),
    );
  });
});
