import { describe, expect, it } from 'vitest';
import { learningRates, totalStep } from '../../../src/federated/index.ts';

describe('totalStep', () => {
  const limits = { perStrength: 0.6, most: 1000 };

  it('grows with population over noise up to its limit', () => {
    expect(totalStep(200, limits)).toBe(120);
    expect(totalStep(400, limits)).toBe(240);
    expect(totalStep(1e5, limits)).toBe(1000);
    expect(totalStep(Number.POSITIVE_INFINITY, limits)).toBe(1000);
  });
});

describe('learningRates', () => {
  it.each(['constant', 'linear', 'cosine'] as const)('of %s decay sum up to the total', (decay) => {
    const rates = learningRates(30, 12, decay);
    expect(rates.length).toBe(12);
    expect(rates.reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(30, 9);
    rates.forEach((rate, i) => {
      expect(rate).toBeGreaterThan(0);
      if (i > 0 && decay !== 'constant') expect(rate).toBeLessThan(rates[i - 1] as number);
    });
  });

  it('falls linearly to zero beyond the last round', () => {
    expect(learningRates(9, 3, 'linear').map((rate) => Number(rate.toFixed(9)))).toEqual([5, 3, 1]);
  });

  it('refuses no rounds', () => {
    expect(() => learningRates(1, 0, 'constant')).toThrow(RangeError);
  });
});
