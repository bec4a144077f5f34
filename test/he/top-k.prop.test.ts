import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topK } from '../../src/he/top-k.ts';

describe('top k', () => {
  it('is the head of the full ranking, ties to the lower position', () => {
    const scores = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 60 });
    const barred = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 70 }), fc.option(barred), (list, k, bars) => {
        const expected = list
          .map((score, position) => ({ score, position }))
          .filter(({ position }) => bars?.[position] !== true)
          .sort((a, b) => b.score - a.score || a.position - b.position)
          .slice(0, k)
          .map(({ position }) => position);
        const bytes = bars === null ? null : Uint8Array.from(bars, Number);
        expect([...topK(Int32Array.from(list), k, bytes)]).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses a k that is no positive integer', () => {
    for (const k of [0, -1, 1.5, Number.NaN])
      expect(() => topK(new Int32Array(3), k)).toThrow(RangeError);
  });
});
