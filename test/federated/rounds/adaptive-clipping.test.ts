import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { GdpAccountant } from '../../../src/dp/index.ts';
import {
  AdaptiveClipping,
  type AdaptiveClippingOptions,
} from '../../../src/federated/rounds/adaptive-clipping.ts';

const OPTIONS: AdaptiveClippingOptions = {
  initialNorm: 1,
  targetQuantile: 0.7,
  learningRate: 0.2,
  countNoiseMultiplier: 8,
  divisor: 1_000,
};

describe('AdaptiveClipping', () => {
  it('finds the quantile from far above and far below', () => {
    for (const initialNorm of [0.01, 100]) {
      const clipping = new AdaptiveClipping({ ...OPTIONS, initialNorm });
      const random = new SeededRandom(`adaptive ${initialNorm}`);
      // Norms spread evenly over [0, 1]: the quantile of 0.7 is 0.7.
      for (let round = 0; round < 400; round++) {
        const under = 1_000 * Math.min(1, clipping.norm);
        const balance = Math.round(2 * under - 1_000);
        clipping.update(clipping.noisyBalance(balance, 'add-or-remove-one-user', random));
      }
      expect(clipping.norm).toBeGreaterThan(0.6);
      expect(clipping.norm).toBeLessThan(0.8);
    }
  });

  it('moves by the step of the paper', () => {
    const clipping = new AdaptiveClipping(OPTIONS);
    // 900 of 1,000 are under the norm, 0.2 more than wanted.
    expect(clipping.update(800)).toBeCloseTo(0.9, 12);
    expect(clipping.norm).toBeCloseTo(Math.exp(-0.2 * 0.2), 12);
  });

  it('costs with its vector one Gaussian, and no less noise than that needs', () => {
    const clipping = new AdaptiveClipping(OPTIONS);
    const vector = clipping.vectorNoiseMultiplier(1.1);
    const accountant = new GdpAccountant({ unit: 'user', relation: 'add-or-remove-one-user' });
    for (const noiseMultiplier of [vector, OPTIONS.countNoiseMultiplier]) {
      const event = { kind: 'gaussian', noiseMultiplier } as const;
      accountant.compose({ unit: 'user', relation: 'add-or-remove-one-user', event });
    }
    const single = new GdpAccountant({ unit: 'user', relation: 'add-or-remove-one-user' });
    const event = { kind: 'gaussian', noiseMultiplier: 1.1 } as const;
    single.compose({ unit: 'user', relation: 'add-or-remove-one-user', event });
    const both = accountant.epsilon(1e-5).upper;
    expect(both).toBeLessThanOrEqual(single.epsilon(1e-5).upper);
    expect(both).toBeGreaterThan(single.epsilon(1e-5).upper * (1 - 1e-6));
    expect(vector).toBeGreaterThan(1.1);
    expect(clipping.vectorNoiseMultiplier(0)).toBe(0);
  });

  it('noises the balance for its relation', () => {
    const clipping = new AdaptiveClipping(OPTIONS);
    const random = new SeededRandom('balance');
    const draws = 40_000;
    for (const [relation, stddev] of [
      ['zero-out-one-user', 8],
      ['replace-one-user', 16],
    ] as const) {
      let squares = 0;
      for (let i = 0; i < draws; i++) {
        const noisy = clipping.noisyBalance(5, relation, random);
        expect(Number.isSafeInteger(noisy)).toBe(true);
        squares += (noisy - 5) ** 2;
      }
      // Rounding adds a twelfth; six deviations are a false alarm of 2e-9.
      const variance = stddev ** 2 + 1 / 12;
      expect(Math.abs(squares / draws / variance - 1)).toBeLessThan(6 * Math.sqrt(2 / draws));
    }
  });

  it('stays in its range, and its share in [0, 1]', () => {
    const clipping = new AdaptiveClipping({ ...OPTIONS, range: 2 });
    expect(clipping.bounds).toEqual({ least: 0.5, most: 2 });
    for (let round = 0; round < 100; round++) expect(clipping.update(1e9)).toBe(1);
    expect(clipping.norm).toBe(0.5);
    for (let round = 0; round < 100; round++) expect(clipping.update(-1e9)).toBe(0);
    expect(clipping.norm).toBe(2);
  });

  it.each([
    ['initialNorm', { initialNorm: 0 }],
    ['targetQuantile', { targetQuantile: 1 }],
    ['learningRate', { learningRate: -1 }],
    ['countNoiseMultiplier', { countNoiseMultiplier: Number.NaN }],
    ['divisor', { divisor: Number.POSITIVE_INFINITY }],
    ['range', { range: 0.5 }],
  ])('refuses a wrong %s', (name, wrong) => {
    expect(() => new AdaptiveClipping({ ...OPTIONS, ...wrong })).toThrow(
      expect.objectContaining({
        code: 'dp/invalid-parameter',
        message: expect.stringContaining(name),
      }),
    );
  });

  it('refuses a count that costs as much as everything', () => {
    const clipping = new AdaptiveClipping(OPTIONS);
    expect(() => clipping.vectorNoiseMultiplier(8)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });
});
