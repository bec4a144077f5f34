import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrateGaussian } from '../../../src/dp/accounting/gdp.ts';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import { CURRENCIES, currencyOf } from '../../../src/dp/budget/currency.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import type { BudgetPolicy } from '../../../src/dp/budget/policy.ts';
import {
  capacityUnits,
  costUnits,
  deltaCapacity,
  deltaUnits,
  MAX_CAPACITY,
  saturatingSum,
  unitsCost,
} from '../../../src/dp/budget/units.ts';
import { divideGaussianEvenly } from '../../../src/dp/divide-gaussian.ts';
import type { Plan } from '../../../src/dp/plan.ts';

function policy(currency: 'gdp' | 'zcdp', epsilon: number): BudgetPolicy {
  return {
    version: 1,
    currency,
    delta: 1e-6,
    user: { epsilon },
    scenes: { default: {} },
    reservationLease: 'PT10M',
  };
}

function gaussian(noiseMultiplier: number): Plan {
  return {
    unit: 'user',
    relation: 'add-or-remove-one-user',
    event: { kind: 'gaussian', noiseMultiplier },
  };
}

describe('units', () => {
  it('round costs up and capacities down', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e5, noNaN: true }), (cost) => {
        expect(unitsCost(costUnits(cost))).toBeGreaterThanOrEqual(cost);
        expect(unitsCost(costUnits(cost)) - cost).toBeLessThanOrEqual(2 ** -32);
        expect(unitsCost(capacityUnits(cost))).toBeLessThanOrEqual(cost);
        expect(costUnits(cost)).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it('never let more through than sums hold exactly', () => {
    expect(capacityUnits(1e300)).toBe(MAX_CAPACITY);
    expect(costUnits(1e300)).toBeGreaterThan(MAX_CAPACITY);
    expect(saturatingSum(2 ** 53 - 1, 1)).toBe(2 ** 53);
    expect(saturatingSum(2 ** 53, 2)).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([Number.NaN, -1, -5e-324])('refuse the cost %s', (cost) => {
    expect(() => costUnits(cost)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });

  it('refuse an infinite cost, and deltas that are none', () => {
    expect(() => costUnits(Number.POSITIVE_INFINITY)).toThrow(
      expect.objectContaining({ code: 'dp/infinite-cost' }),
    );
    for (const delta of [Number.NaN, -1e-9, 1, 2, 5e-324]) {
      expect(() => deltaUnits(delta)).toThrow(
        expect.objectContaining({ code: 'dp/invalid-parameter' }),
      );
    }
    expect(deltaUnits(0)).toBe(0);
    expect(deltaUnits(1e-300)).toBe(1);
    expect(deltaCapacity(2 ** -52 * 1.9)).toBe(1);
  });
});

describe.each(['gdp', 'zcdp'] as const)('%s', (name) => {
  const currency = CURRENCIES[name];

  it('converts a full capacity to no more than its epsilon, and one unit more to more', () => {
    for (const epsilon of [0.01, 0.5, 1, 3, 8, 50]) {
      for (const delta of [1e-5, 1e-9]) {
        const units = currency.capacity(epsilon, delta);
        expect(currency.epsilon(units, delta)).toBeLessThanOrEqual(epsilon * (1 + 1e-12));
        expect(currency.epsilon(units + 2, delta)).toBeGreaterThan(epsilon);
      }
    }
  });

  it('lets nothing through at epsilon 0, and claims nothing of an infinite sum', () => {
    expect(currency.capacity(0, 0.1)).toBe(0);
    expect(currency.epsilon(0, 1e-6)).toBe(0);
    expect(currency.epsilon(Number.POSITIVE_INFINITY, 1e-6)).toBe(Number.POSITIVE_INFINITY);
  });
});

it('admits a plan calibrated onto the limit once it is divided into whole units, and no more', async () => {
  for (const [epsilon, releases] of [
    [1, 1],
    [0.8, 7],
    [3, 200],
  ] as const) {
    const whole = calibrateGaussian({ epsilon, delta: 1e-6 });
    const single = gaussian(divideGaussianEvenly(whole, releases));
    const together: Plan = {
      ...single,
      event: { kind: 'repeated', count: releases, event: single.event },
    };
    const budget = await openBudget({
      policy: policy('gdp', epsilon),
      unit: 'user',
      relation: 'add-or-remove-one-user',
      store: new MemoryBudgetStore(),
      accountKey: new Uint8Array(32),
    });
    expect(await budget.forecast('s', ['a'], single)).toEqual(Uint32Array.of(releases));
    const less = gaussian(divideGaussianEvenly(whole, releases) * (1 - 1e-6));
    expect((await budget.forecast('s', ['a'], less))[0]).toBeLessThan(releases);
    const request = { scene: 's', accounts: ['a'], idempotencyKey: 'k', plan: together };
    expect((await budget.reserve(request)).kind).toBe('admitted');
    const [all] = await budget.summary();
    expect(all?.epsilonMax).toBeLessThanOrEqual(epsilon);
    expect(all?.epsilonMax).toBeCloseTo(epsilon, 6);
    expect(all?.histogram.counts.at(-1)).toBe(1);
  }
});

it('is exact GDP unless the policy asks for zCDP', () => {
  expect(currencyOf({ ...policy('gdp', 1), currency: 'auto' }).name).toBe('gdp');
  expect(currencyOf(policy('zcdp', 1)).name).toBe('zcdp');
  const units = (name: 'gdp' | 'zcdp'): number => CURRENCIES[name].cost(gaussian(4));
  expect(units('gdp')).toBeCloseTo(2 ** 32 / 16, -1);
  expect(units('zcdp')).toBeCloseTo(2 ** 32 / 32, -1);
});
