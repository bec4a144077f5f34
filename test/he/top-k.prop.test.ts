import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topK } from '../../src/he/top-k.ts';

describe('top k', () => {
  it('is the head of the full ranking, ties to the lower position', () => {
    const scores = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 60 });
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 70 }), fc.nat(3), (list, k, modulus) => {
        const accepts = (position: number): boolean => position % (modulus + 1) === 0;
        const expected = list
          .map((score, position) => ({ score, position }))
          .filter(({ position }) => accepts(position))
          .sort((a, b) => b.score - a.score || a.position - b.position)
          .slice(0, k)
          .map(({ position }) => position);
        expect([...topK(Int32Array.from(list), k, accepts)]).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('asks the filter only about positions that could enter', () => {
    let asked = 0;
    const descending = Int32Array.from({ length: 1000 }, (_, i) => -i);
    topK(descending, 10, () => {
      asked++;
      return true;
    });
    expect(asked).toBe(10);
  });

  it('refuses a k that is no positive integer', () => {
    for (const k of [0, -1, 1.5, Number.NaN])
      expect(() => topK(new Int32Array(3), k)).toThrow(RangeError);
  });
});
