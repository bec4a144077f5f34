import { describe, expect, it } from 'vitest';
import {
  calibrateGaussian,
  deltaOfGdp,
  epsilonOfGdp,
  muOfEpsilon,
} from '../../../src/dp/accounting/gdp.ts';
import vectors from './gdp.vectors.json' with { type: 'json' };

const rows = vectors.rows as [mu: number, delta: number, epsilon: number][];

describe('Gaussian differential privacy against mathjs BigNumbers', () => {
  for (const [mu, delta, exact] of rows) {
    it(`mu ${mu}, delta ${delta}`, () => {
      const epsilon = epsilonOfGdp(mu, delta);
      // The vector itself is rounded to nearest.
      expect(epsilon).toBeGreaterThanOrEqual(exact * (1 - 1e-15));
      expect(epsilon).toBeLessThanOrEqual(exact * (1 + 1e-9));
      expect(deltaOfGdp(mu, exact)).toBeGreaterThanOrEqual(delta * (1 - 1e-12));
      expect(deltaOfGdp(mu, exact)).toBeLessThanOrEqual(delta * (1 + 1e-9));
      expect(muOfEpsilon(exact, delta)).toBeLessThanOrEqual(mu * (1 + 1e-15));
      expect(muOfEpsilon(exact, delta)).toBeGreaterThanOrEqual(mu * (1 - 1e-9));
      const noise = calibrateGaussian({ epsilon: exact, delta, count: 9 });
      expect(noise).toBeGreaterThanOrEqual((3 / mu) * (1 - 1e-15));
      expect(noise).toBeLessThanOrEqual((3 / mu) * (1 + 1e-9));
    });
  }
});
