import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrateGaussian } from '../../../src/dp/accounting/gdp.ts';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import { currencyOf } from '../../../src/dp/budget/currency.ts';
import { Limits, noLimit } from '../../../src/dp/budget/limits.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import { type BudgetPolicy, validatePolicy } from '../../../src/dp/budget/policy.ts';
import { SCALAR_CURRENCIES } from '../../../src/dp/budget/scalar-currency.ts';
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

const TERMS = ['user', 'add-or-remove-one-user'] as const;

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
    expect(saturatingSum(2 ** 53 - 2, 1)).toBe(2 ** 53 - 1);
    expect(saturatingSum(2 ** 53 - 1, 1)).toBe(Number.POSITIVE_INFINITY);
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
  const currency = SCALAR_CURRENCIES[name];

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
      secrets: [new Uint8Array(32)],
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

describe('currencyOf', () => {
  it('is exact GDP unless the policy asks for zCDP or plans a run', () => {
    const auto = { ...policy('gdp', 1), currency: 'auto' } as const;
    const run = gaussian(3).event;
    expect(currencyOf(auto, ...TERMS).name).toBe('gdp');
    expect(currencyOf(policy('zcdp', 1), ...TERMS).name).toBe('zcdp');
    expect(currencyOf({ ...auto, plannedRun: run }, ...TERMS).name).toBe('rdp');
    expect(currencyOf({ ...auto, currency: 'rdp', plannedRun: run }, ...TERMS).name).toBe('rdp');
  });

  it('has one sum for GDP and zCDP', () => {
    const gdp = currencyOf(policy('gdp', 1), ...TERMS);
    const zcdp = currencyOf(policy('zcdp', 1), ...TERMS);
    expect([gdp.width, gdp.orders, zcdp.width, zcdp.orders]).toEqual([1, null, 1, null]);
    expect(gdp.amounts(gdp.cost(gaussian(4)))[0]).toBeCloseTo(1 / 16, 9);
    expect(zcdp.amounts(zcdp.cost(gaussian(4)))[0]).toBeCloseTo(1 / 32, 9);
    expect(gdp.capacity(2, 1e-6)).toEqual(Float64Array.of(SCALAR_CURRENCIES.gdp.capacity(2, 1e-6)));
    expect(zcdp.epsilon([2 ** 30], 1e-6)).toBe(SCALAR_CURRENCIES.zcdp.epsilon(2 ** 30, 1e-6));
  });

  it('is the same for every policy of a budget, whatever its limits', () => {
    const run = { kind: 'repeated', count: 50, event: gaussian(9).event } as const;
    const one: BudgetPolicy = { ...policy('gdp', 1), currency: 'rdp', plannedRun: run };
    const other: BudgetPolicy = { ...one, user: { epsilon: 60 }, delta: 1e-10 };
    const currency = currencyOf(one, ...TERMS);
    expect(currencyOf(other, ...TERMS).orders).toEqual(currency.orders);
    expect(currencyOf(other, ...TERMS).cost(gaussian(2))).toEqual(currency.cost(gaussian(2)));
  });
});

describe.each(['gdp', 'zcdp', 'rdp'] as const)('limits in %s', (name) => {
  const whole = validatePolicy({
    ...policy('gdp', 3),
    currency: name,
    additiveDelta: 4e-7,
    scenes: { a: { perUser: { epsilon: 1 }, worstCase: { epsilon: 2 } }, b: {} },
    models: { tags: { epsilon: 2 } },
    groups: { minors: { user: { epsilon: 0 } } },
    epoch: { kind: 'calendar', length: 'P1W', timeField: 't' },
    ...(name === 'rdp' ? { plannedRun: gaussian(2).event } : {}),
  });
  const currency = currencyOf(whole, ...TERMS);
  const limits = new Limits(whole, currency);

  it('are converted at the delta that charges leave', () => {
    expect(limits.conversionDelta).toBeCloseTo(6e-7, 12);
    expect(limits.user.units).toEqual(currency.capacity(3, limits.conversionDelta));
    expect(limits.additiveDelta).toBe(Math.floor(4e-7 * 2 ** 52));
  });

  it('have a part for each scene, model and group', () => {
    expect(limits.scene('a')?.perUser?.units).toEqual(currency.capacity(1, limits.conversionDelta));
    expect(limits.scene('a')?.worstCase?.epsilon).toBe(2);
    expect(limits.scene('b')).toEqual({
      perUser: null,
      worstCase: null,
      maxReleases: null,
      interval: 0,
    });
    expect(limits.scene('c')).toBeUndefined();
    expect(limits.model('tags')?.epsilon).toBe(2);
    expect(limits.model('toString')).toBeNull();
    expect(limits.group('toString')).toBeUndefined();
    expect(limits.group('minors')?.units.every((units) => units === 0)).toBe(true);
    expect(limits.epochs?.nameAt(0)).toBe('1970-W01');
  });

  it('show no more than their epsilon while every sum is within them', () => {
    const full = limits.user.units;
    expect(limits.epsilon(full, limits.user)).toBeLessThanOrEqual(3);
    const over = full.map((units) => units * 2);
    expect(limits.epsilon(over, limits.user)).toBeGreaterThan(3);
    expect(limits.epsilon(full, noLimit(currency.width))).toBeCloseTo(3, 4);
  });
});
