import { describe, expect, it } from 'vitest';
import {
  fitConcaveCurve,
  slopeAfter,
  validateUtilityPoints,
  valueAt,
} from '../../../src/dp/planning/utility-curve.ts';

describe('fitConcaveCurve', () => {
  it('goes through points that are concave already, from 0 at no release, and stays flat', () => {
    const curve = fitConcaveCurve('s', [
      { epsilon: 4, value: 0.6 },
      { epsilon: 0.25, value: 0.52 },
      { epsilon: 1, value: 0.58 },
    ]);
    expect(curve.lifted).toEqual([]);
    expect(curve.knots.map(({ epsilon }) => epsilon)).toEqual([0, 0.25, 1, 4]);
    expect(valueAt(curve, 0)).toBe(0);
    expect(valueAt(curve, 0.125)).toBeCloseTo(0.26, 12);
    expect(valueAt(curve, 0.25)).toBe(0.52);
    expect(valueAt(curve, 2.5)).toBeCloseTo(0.59, 12);
    expect(valueAt(curve, 100)).toBe(0.6);
    expect(slopeAfter(curve, 0.25)).toBeCloseTo(0.08, 12);
    expect(slopeAfter(curve, 4)).toBe(0);
  });

  it('lifts points that noise put under the curve, and says which', () => {
    const curve = fitConcaveCurve('s', [
      { epsilon: 0, value: 0.5 },
      { epsilon: 1, value: 0.6 },
      { epsilon: 2, value: 0.61 },
      { epsilon: 3, value: 0.66 },
      { epsilon: 4, value: 0.64 },
    ]);
    // 2 lies under the line from 1 to 3, 4 under the highest value.
    expect(curve.lifted.map(({ epsilon, measured }) => [epsilon, measured])).toEqual([
      [2, 0.61],
      [4, 0.64],
    ]);
    expect(curve.lifted[0]?.taken).toBeCloseTo(0.63, 12);
    expect(curve.lifted[1]?.taken).toBe(0.66);
    expect(valueAt(curve, 10)).toBe(0.66);
  });

  it('takes a baseline at epsilon 0, below 0 too', () => {
    const curve = fitConcaveCurve('loss', [
      { epsilon: 1, value: -2 },
      { epsilon: 0, value: -5 },
    ]);
    expect(valueAt(curve, 0.5)).toBeCloseTo(-3.5, 12);
  });

  it('is worth the same everywhere when nothing was gained', () => {
    const curve = fitConcaveCurve('s', [
      { epsilon: 0, value: 1 },
      { epsilon: 1, value: 0.9 },
    ]);
    expect(curve.knots).toEqual([{ epsilon: 0, value: 1 }]);
    expect(valueAt(curve, 0)).toBe(1);
    expect(slopeAfter(curve, 0)).toBe(0);
  });

  it('refuses a value below that of no release when nobody said what that is', () => {
    expect(() => fitConcaveCurve('food', [{ epsilon: 1, value: -1 }])).toThrowError(
      expect.objectContaining({
        code: 'data/invalid-value',
        details: { scene: 'food', point: 0 },
      }),
    );
  });
});

describe('validateUtilityPoints', () => {
  it.each<[string, unknown, string, number | null]>([
    ['no list', { epsilon: 1, value: 1 }, 'data/invalid-value', null],
    ['null for a point', [{ epsilon: 1, value: 1 }, null], 'data/invalid-value', 1],
    ['a negative epsilon', [{ epsilon: -1, value: 1 }], 'data/invalid-value', 0],
    ['an infinite epsilon', [{ epsilon: Infinity, value: 1 }], 'data/invalid-value', 0],
    ['an epsilon in a string', [{ epsilon: '1', value: 1 }], 'data/invalid-value', 0],
    ['a subnormal epsilon', [{ epsilon: 1e-320, value: 1 }], 'data/invalid-value', 0],
    ['NaN for a value', [{ epsilon: 1, value: Number.NaN }], 'data/invalid-value', 0],
    ['no value', [{ epsilon: 1 }], 'data/invalid-value', 0],
    [
      'an epsilon twice',
      [
        { epsilon: 1, value: 1 },
        { epsilon: 1, value: 2 },
      ],
      'data/invalid-value',
      1,
    ],
  ])('refuses %s with scene and point', (_, points, code, point) => {
    expect(() => validateUtilityPoints('food', points)).toThrowError(
      expect.objectContaining({ code, details: { scene: 'food', point } }),
    );
  });

  it('refuses a curve without points', () => {
    expect(() => validateUtilityPoints('food', [])).toThrowError(
      expect.objectContaining({ code: 'data/empty', details: { scene: 'food' } }),
    );
  });
});
