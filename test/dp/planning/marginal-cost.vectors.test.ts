import { describe, expect, it } from 'vitest';
import { millsRatio } from '../../../src/core/special/normal.ts';
import { epsilonOfGdp } from '../../../src/dp/accounting/gdp.ts';
import { epsilonOfZcdp } from '../../../src/dp/accounting/zcdp.ts';
import { SCALAR_CURRENCIES } from '../../../src/dp/budget/scalar-currency.ts';
import { MarginalCost } from '../../../src/dp/planning/marginal-cost.ts';

const UNITS = 2 ** 32;

describe('MarginalCost', () => {
  // dε/dµ² = 1 / (2µ · Mills ratio of ε/µ + µ/2): implicit derivative of Balle & Wang (2018), theorem 8.
  it.each([1e-4, 1e-6, 1e-10])('is the derivative of epsilon in GDP at delta %s', (delta) => {
    const cost = new MarginalCost(SCALAR_CURRENCIES.gdp, delta, 10 * UNITS);
    for (const square of [1e-6, 1e-4, 0.003, 0.1, 1, 9.5]) {
      const mu = Math.sqrt(square);
      const b = epsilonOfGdp(mu, delta) / mu + mu / 2;
      const exact = Math.log(1 / (2 * mu * millsRatio(b)) / UNITS);
      expect(cost.logRate(square * UNITS)).toBeCloseTo(exact, 2.7);
    }
  });

  it('is the derivative of epsilon in zCDP: the best order', () => {
    const cost = new MarginalCost(SCALAR_CURRENCIES.zcdp, 1e-6, 10 * UNITS);
    for (const rho of [1e-5, 0.01, 0.5, 9]) {
      const step = 1e-4 * rho;
      const difference = epsilonOfZcdp(rho + step, 1e-6) - epsilonOfZcdp(rho - step, 1e-6);
      const exact = Math.log(difference / (2 * step) / UNITS);
      expect(cost.logRate(rho * UNITS)).toBeCloseTo(exact, 2.7);
    }
  });

  it.each(['gdp', 'zcdp'] as const)('falls, and has its inverse, in %s', (currency) => {
    for (const delta of [1e-2, 1e-6]) {
      const cost = new MarginalCost(SCALAR_CURRENCIES[currency], delta, 4 * UNITS);
      let before = Number.POSITIVE_INFINITY;
      for (let units = 0.01; units < 4 * UNITS; units *= 1.7) {
        const rate = cost.logRate(units);
        expect(rate).toBeLessThanOrEqual(before);
        // At a large delta the first units all have one price.
        if (delta < 1e-5) expect(cost.unitsAt(rate) / units).toBeCloseTo(1, 6);
        before = rate;
      }
    }
  });
});
