import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divideGaussian, divideGaussianEvenly } from '../../src/dp/index.ts';

/** Cost as a budget counts it: whole units of 2⁻³², rounded up. */
const units = (noiseMultiplier: number): number => Math.ceil(2 ** 32 / noiseMultiplier ** 2);

describe('divideGaussian', () => {
  it('never costs more than the whole, in units rounded up, and little less', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 100, noNaN: true }),
        fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }),
        (noiseMultiplier, weights) => {
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const parts = divideGaussian(
            noiseMultiplier,
            weights.map((weight) => weight / total),
          );
          const spent = parts.reduce((sum, part) => sum + units(part), 0);
          const whole = Math.floor(2 ** 32 / noiseMultiplier ** 2);
          expect(spent).toBeLessThanOrEqual(whole);
          expect(whole - spent).toBeLessThanOrEqual(2 * parts.length + whole * 1e-9);
        },
      ),
    );
  });

  it('fits any number of equal rounds', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 5000 }),
        (noiseMultiplier, count) => {
          const each = divideGaussianEvenly(noiseMultiplier, count);
          expect(count * units(each)).toBeLessThanOrEqual(2 ** 32 / noiseMultiplier ** 2);
        },
      ),
    );
  });

  it('keeps non-private non-private', () => {
    expect(divideGaussian(0, [0.5, 0.5])).toEqual([0, 0]);
  });

  it.each([
    [-1, [1]],
    [Number.NaN, [1]],
    [1, []],
    [1, [0.7, 0.7]],
    [1, [0, 1]],
  ])('refuses %d, %j', (noiseMultiplier, shares) => {
    expect(() => divideGaussian(noiseMultiplier, shares)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });

  it('refuses a part smaller than a unit', () => {
    expect(() => divideGaussian(60_000, [0.3, 0.7])).toThrow(
      expect.objectContaining({ code: 'dp/no-solution' }),
    );
  });
});
