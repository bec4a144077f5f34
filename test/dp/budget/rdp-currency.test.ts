import { describe, expect, it } from 'vitest';
import { createAccountant, epsilonOfPlan } from '../../../src/dp/accounting/create.ts';
import type { CurrencyRules } from '../../../src/dp/budget/currency.ts';
import { rdpCurrency } from '../../../src/dp/budget/rdp-currency.ts';
import { MAX_CAPACITY } from '../../../src/dp/budget/units.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import type { NeighbourRelation, Plan } from '../../../src/dp/plan.ts';

const RELATION = 'add-or-remove-one-user';

function plan(event: DpEvent, relation: NeighbourRelation = RELATION): Plan {
  return { unit: 'user', relation, event };
}

function repeated(count: number, event: DpEvent): DpEvent {
  return { kind: 'repeated', count, event };
}

function gaussian(noiseMultiplier: number): DpEvent {
  return { kind: 'gaussian', noiseMultiplier };
}

function sampled(samplingRate: number, event: DpEvent): DpEvent {
  return { kind: 'poisson-sampled', samplingRate, event };
}

const SKELLAM: DpEvent = {
  kind: 'skellam',
  mu: 1e6,
  l1Sensitivity: 1000,
  l2Sensitivity: 100,
  dimension: 100,
};
const LAPLACE: DpEvent = { kind: 'laplace', noiseMultiplier: 10 };

/** Rounds of a run, in the order in which they are made. */
function rounds(parts: readonly (readonly [number, DpEvent])[]): readonly DpEvent[] {
  return parts.flatMap(([count, event]) => Array.from({ length: count }, () => event));
}

/** Books as a filter does: while every sum stays within its limit. */
class Account {
  readonly spent: Float64Array;
  readonly #most: Float64Array;

  constructor(most: Float64Array) {
    this.#most = most;
    this.spent = new Float64Array(most.length);
  }

  reserve(cost: Float64Array): boolean {
    const fits = cost.every(
      (units, k) => (this.spent[k] as number) + units <= (this.#most[k] as number),
    );
    if (fits) for (const [k, units] of cost.entries()) (this.spent[k] as number) += units;
    return fits;
  }
}

describe('rdpCurrency', () => {
  it.each<readonly [string, readonly (readonly [number, DpEvent])[]]>([
    ['Gaussian', [[100, gaussian(20)]]],
    ['sampled Gaussian', [[2000, sampled(0.01, gaussian(1))]]],
    ['hardly sampled Gaussian', [[5000, sampled(0.001, gaussian(1))]]],
    ['Laplace', [[100, LAPLACE]]],
    ['Skellam', [[50, SKELLAM]]],
    [
      'a mixture',
      [
        [300, sampled(0.01, gaussian(1))],
        [20, SKELLAM],
        [10, LAPLACE],
      ],
    ],
    [
      'three sampled phases',
      [
        [400, sampled(0.01, gaussian(1.2))],
        [300, sampled(0.02, gaussian(1))],
        [300, sampled(0.005, gaussian(0.7))],
      ],
    ],
  ])('admits all rounds of the planned run, one by one, and not one more: %s', (_, parts) => {
    const run: DpEvent = {
      kind: 'composed',
      events: parts.map(([count, event]) => repeated(count, event)),
    };
    const currency = rdpCurrency(run, 'user', RELATION);
    const total = rounds(parts).length;
    // At 1e-5 an order is at hand that suits the run; elsewhere the nearest of the list costs a little more.
    for (const [delta, rounding, more] of [
      [1e-5, 6e-6, 0],
      [1e-6, 1e-4, 0.01],
      [3e-7, 2e-3, 0.05],
      [1e-9, 2e-3, 0.05],
    ] as const) {
      const accountant = createAccountant('rdp', { unit: 'user', relation: RELATION });
      accountant.compose(plan(run));
      const epsilon = accountant.epsilon(delta).upper * (1 + rounding);
      const account = new Account(currency.capacity(epsilon, delta));
      const prices = new Map(parts.map(([, event]) => [event, currency.cost(plan(event))]));
      const price = (event: DpEvent): Float64Array => prices.get(event) as Float64Array;
      for (const [i, event] of rounds(parts).entries()) {
        expect(account.reserve(price(event)), `round ${i} at delta ${delta}`).toBe(true);
      }
      expect(currency.epsilon(account.spent, delta)).toBeLessThanOrEqual(epsilon);
      let extra = 0;
      for (const [, event] of parts) while (account.reserve(price(event))) extra++;
      expect(extra).toBeLessThanOrEqual(more * total);
    }
  });

  // Under a curve pinned at all orders, or only up to an octave from the best one, it would be a third.
  it.each([gaussian(40), LAPLACE, SKELLAM])(
    'admits releases of another shape: $kind',
    (planned) => {
      const currency = rdpCurrency(repeated(200, planned), 'user', RELATION);
      for (const other of [gaussian(25), LAPLACE, SKELLAM, sampled(0.02, gaussian(1.5))]) {
        const account = new Account(currency.capacity(2, 1e-6));
        const cost = currency.cost(plan(other));
        let admitted = 0;
        while (account.reserve(cost)) admitted++;
        const actual = epsilonOfPlan(plan(repeated(admitted, other)), 1e-6, 'rdp').upper;
        expect(actual).toBeLessThanOrEqual(2);
        expect(actual).toBeGreaterThan(1.8);
      }
    },
  );

  it('bounds what it admits, also where the planned run is a small part or a multiple of a limit', () => {
    for (const [count, event] of [
      [1, sampled(0.01, gaussian(1))],
      [10, gaussian(3)],
      [100_000, sampled(0.001, gaussian(0.8))],
    ] as const) {
      const currency = rdpCurrency(repeated(count, event), 'user', RELATION);
      for (const epsilon of [0.1, 1, 8]) {
        const most = currency.capacity(epsilon, 1e-6);
        const cost = currency.cost(plan(event));
        const admitted = Math.floor(
          cost.reduce((least, units, k) => Math.min(least, (most[k] as number) / units), 1e300),
        );
        if (admitted === 0) continue;
        const exact = epsilonOfPlan(plan(repeated(admitted, event)), 1e-6, 'rdp').upper;
        expect(exact).toBeLessThanOrEqual(epsilon);
      }
    }
  });

  it('converts a full limit to its epsilon, and to little less', () => {
    const currency = rdpCurrency(repeated(500, sampled(0.01, gaussian(1))), 'user', RELATION);
    for (const epsilon of [0.3, 1, 3, 10]) {
      for (const delta of [1e-5, 1e-9]) {
        const shown = currency.epsilon(currency.capacity(epsilon, delta), delta);
        expect(shown).toBeLessThanOrEqual(epsilon);
        expect(shown).toBeGreaterThan(epsilon * (1 - 1e-5));
      }
    }
  });

  it('has whole units, at least one for any release, and leaves head-room', () => {
    const currency = rdpCurrency(repeated(1000, gaussian(30)), 'user', RELATION);
    for (const event of [gaussian(1e9), gaussian(30), gaussian(1e-150)]) {
      for (const units of currency.cost(plan(event))) {
        expect(Number.isSafeInteger(units) || units === 2 ** 53).toBe(true);
        expect(units).toBeGreaterThanOrEqual(1);
      }
    }
    for (const units of currency.capacity(1e6, 1e-6)) expect(units).toBeLessThanOrEqual(2 ** 52);
    const planned = currency.cost(plan(repeated(1000, gaussian(30))));
    for (const units of planned) {
      expect(units).toBeGreaterThanOrEqual(2 ** 32);
      expect(units).toBeLessThanOrEqual(2 ** 33);
    }
  });

  it('binds the order that is best for the planned run, and no other', () => {
    const currency = rdpCurrency(repeated(100, gaussian(20)), 'user', RELATION);
    const bound = (epsilon: number): readonly number[] => {
      const most = currency.capacity(epsilon, 1e-6);
      return (currency.orders as readonly number[]).filter(
        (_, k) => (most[k] as number) < MAX_CAPACITY,
      );
    };
    // ρ = 1/8: the best order is near 1 + √(log(1/δ)/ρ) = 11.5; less epsilon, higher order.
    const [best, ...others] = bound(2.4);
    expect(others).toEqual([]);
    expect(Math.abs((best as number) - 11.5)).toBeLessThan(2);
    expect(bound(0.4)[0]).toBeGreaterThan(30);
  });

  it('lets nothing through at epsilon 0, nor at one that no order can show', () => {
    const currency = rdpCurrency(gaussian(1), 'user', RELATION);
    const cost = currency.cost(plan(gaussian(1e9)));
    for (const epsilon of [0, 1e-9, 1e-3]) {
      expect(new Account(currency.capacity(epsilon, 1e-9)).reserve(cost)).toBe(false);
    }
    expect(currency.capacity(0, 0.5)).toEqual(new Float64Array(currency.width));
    expect(currency.epsilon(new Float64Array(currency.width), 1e-9)).toBe(0);
  });

  it('reads the least finite order, and claims nothing where there is none', () => {
    const currency = rdpCurrency(gaussian(10), 'user', RELATION);
    const units = currency.cost(plan(gaussian(10)));
    const whole = currency.epsilon(units, 1e-6);
    units[0] = Number.POSITIVE_INFINITY;
    expect(currency.epsilon(units, 1e-6)).toBe(whole);
    units.fill(Number.POSITIVE_INFINITY);
    expect(currency.epsilon(units, 1e-6)).toBe(Number.POSITIVE_INFINITY);
  });

  it('hands units back as divergences', () => {
    const currency = rdpCurrency(gaussian(2), 'user', RELATION);
    const amounts = currency.amounts(currency.cost(plan(gaussian(2))));
    for (const [k, order] of (currency.orders as readonly number[]).entries()) {
      expect((amounts[k] as number) / (order / 8)).toBeCloseTo(1, 9);
      expect(amounts[k]).toBeGreaterThanOrEqual(order / 8);
    }
  });

  it('has the same orders whatever the limits, at most forty, ascending', () => {
    const orders = rdpCurrency(repeated(7, sampled(0.1, gaussian(2))), 'user', RELATION).orders;
    expect(orders).toEqual([...(orders as readonly number[])].sort((a, b) => a - b));
    expect(new Set(orders).size).toBe(orders?.length);
    expect(orders?.length).toBeLessThanOrEqual(40);
    expect(orders?.length).toBeGreaterThanOrEqual(24);
  });

  it('drops orders at which the planned run is infinite', () => {
    // ρ = 2e306: too much from order 90 on.
    const loud = gaussian(5e-154);
    const currency = rdpCurrency(loud, 'user', RELATION);
    expect((currency.orders as readonly number[]).at(-1)).toBeLessThan(90);
    expect(currency.cost(plan(loud))).toHaveLength(currency.width);
    expect(() => rdpCurrency(gaussian(1), 'user', RELATION).cost(plan(loud))).toThrow(
      expect.objectContaining({
        code: 'dp/infinite-cost',
        details: { path: 'event', order: 96 },
      }),
    );
  });

  it('counts under the relation of the budget, and no other', () => {
    const event = sampled(0.01, gaussian(1));
    const added = rdpCurrency(event, 'user', RELATION);
    const replaced = rdpCurrency(event, 'user', 'replace-one-user');
    expect(replaced.amounts(replaced.cost(plan(event, 'replace-one-user')))).not.toEqual(
      added.amounts(added.cost(plan(event))),
    );
    expect(() => added.cost(plan(event, 'replace-one-user'))).toThrow(
      expect.objectContaining({ code: 'dp/relation-mismatch' }),
    );
    const example: Plan = { ...plan(event), unit: 'example' };
    expect(() => added.cost(example)).toThrow(
      expect.objectContaining({ code: 'dp/relation-mismatch' }),
    );
  });

  it('refuses plans without a price', () => {
    const currency = rdpCurrency(gaussian(1), 'user', RELATION);
    const composed: DpEvent = { kind: 'composed', events: [gaussian(1), { kind: 'non-private' }] };
    expect(() => currency.cost(plan(composed))).toThrow(
      expect.objectContaining({
        code: 'dp/infinite-cost',
        details: { path: 'event.events[1]', order: null },
      }),
    );
    expect(() => currency.cost(plan(sampled(0.1, SKELLAM)))).toThrow(
      expect.objectContaining({ code: 'dp/unsupported-event' }),
    );
    expect(() => currency.cost(plan(gaussian(-1)))).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });

  it.each<readonly [string, DpEvent]>([
    ['plannedRun.event', repeated(3, { kind: 'non-private' })],
    ['plannedRun.events[1].event', { kind: 'composed', events: [LAPLACE, sampled(0.1, SKELLAM)] }],
    ['plannedRun', { kind: 'randomized-response', probability: 1, categories: 4 }],
  ])('refuses a planned run without a curve: %s', (path, run) => {
    expect(() => rdpCurrency(run, 'user', RELATION)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-policy', details: { path } }),
    );
  });

  it('stays within what sums hold exactly where limits are far above the planned run', () => {
    const currency: CurrencyRules = rdpCurrency(gaussian(1e100), 'user', RELATION);
    expect(currency.width).toBeGreaterThanOrEqual(24);
    const most = currency.capacity(1, 1e-6);
    expect(most.every((units) => units > 0 && units <= MAX_CAPACITY)).toBe(true);
    expect(new Account(most).reserve(currency.cost(plan(gaussian(1))))).toBe(false);
  });
});
