import { describe, expect, it } from 'vitest';
import {
  calibrateGaussian,
  deltaOfGdp,
  epsilonOfGdp,
  muOfEpsilon,
} from '../../../src/dp/accounting/gdp.ts';
import { GdpAccountant } from '../../../src/dp/accounting/gdp-accountant.ts';
import { composed, gaussian, plan, repeated } from './plans.ts';

const TERMS = { unit: 'user', relation: 'add-or-remove-one-user' } as const;

describe('the curve at its ends', () => {
  it('costs nothing without a mechanism, or where delta covers all of it', () => {
    expect(epsilonOfGdp(0, 1e-6)).toBe(0);
    expect(deltaOfGdp(0, 1)).toBe(0);
    expect(epsilonOfGdp(1, 0.5)).toBe(0);
    expect(deltaOfGdp(1, 0)).toBeCloseTo(0.3829249225480262, 12);
    expect(deltaOfGdp(1e6, 1)).toBe(1);
  });

  it('works far out', () => {
    const tiny = epsilonOfGdp(1, 1e-300);
    expect(deltaOfGdp(1, tiny)).toBeLessThanOrEqual(1e-300 * (1 + 1e-9));
    expect(epsilonOfGdp(1e4, 1e-5)).toBeGreaterThan(5e7);
    expect(epsilonOfGdp(1e-300, 1e-5)).toBe(0);
    expect(Number.isFinite(muOfEpsilon(0, 1e-12))).toBe(true);
    expect(muOfEpsilon(1e8, 1e-5)).toBeGreaterThan(1e4);
  });

  it('agrees on both sides of the switch to quadrature', () => {
    const below = deltaOfGdp(0.5 - 1e-12, 1);
    const above = deltaOfGdp(0.5, 1);
    expect(above / below).toBeCloseTo(1, 9);
  });

  it('refuses what has no meaning', () => {
    for (const bad of [0, 1, -1, Number.NaN, 2]) {
      expect(() => epsilonOfGdp(1, bad)).toThrow(/delta/);
      expect(() => muOfEpsilon(1, bad)).toThrow(/delta/);
    }
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => epsilonOfGdp(bad, 1e-5)).toThrow(/mu/);
      expect(() => deltaOfGdp(1, bad)).toThrow(/epsilon/);
      expect(() => muOfEpsilon(bad, 1e-5)).toThrow(/epsilon/);
    }
    expect(() => calibrateGaussian({ epsilon: 1, delta: 1e-5, count: 1.5 })).toThrow(/count/);
  });
});

describe('GdpAccountant', () => {
  it('adds up exactly over heterogeneous noise', () => {
    const accountant = new GdpAccountant(TERMS);
    accountant.compose(plan(composed(gaussian(5), repeated(3, gaussian(2)))));
    const mu = Math.sqrt(1 / 25 + 3 / 4);
    expect(accountant.epsilon(1e-6).upper / epsilonOfGdp(mu, 1e-6)).toBeCloseTo(1, 12);
    expect(accountant.delta(1).upper / deltaOfGdp(mu, 1)).toBeCloseTo(1, 12);
  });

  it('never exceeds what calibration promised', () => {
    for (const count of [1, 3, 7, 1000]) {
      const noise = calibrateGaussian({ epsilon: 1.5, delta: 1e-6, count });
      const accountant = new GdpAccountant(TERMS);
      accountant.compose(plan(gaussian(noise)), count);
      expect(accountant.epsilon(1e-6).upper).toBeLessThanOrEqual(1.5 * (1 + 1e-12));
    }
  });

  it('books correlated noise by the norm of the strategy', () => {
    const accountant = new GdpAccountant(TERMS);
    accountant.compose(
      plan({
        kind: 'correlated-gaussian',
        noiseMultiplier: 10,
        participations: 4,
        minSeparation: 3,
        strategy: { kind: 'banded-toeplitz', coefficients: [1, 0.5, 0.25] },
      }),
    );
    const mu = Math.sqrt((4 * (1 + 0.25 + 0.0625)) / 100);
    expect(accountant.epsilon(1e-6).upper / epsilonOfGdp(mu, 1e-6)).toBeCloseTo(1, 12);
  });

  it('refuses correlated noise whose bands may overlap', () => {
    const accountant = new GdpAccountant(TERMS);
    const support = accountant.supports(
      plan(
        composed(gaussian(1), {
          kind: 'correlated-gaussian',
          noiseMultiplier: 10,
          participations: 2,
          minSeparation: 2,
          strategy: { kind: 'banded-toeplitz', coefficients: [1, 0.5, 0.25] },
        }),
      ),
    );
    expect(support).toMatchObject({ supported: false, path: 'event.events[1]' });
  });
});
