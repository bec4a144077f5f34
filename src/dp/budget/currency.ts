import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import { type BudgetPolicy, type Currency, currencyNameOf } from './policy.ts';
import { rdpCurrency } from './rdp-currency.ts';
import { SCALAR_CURRENCIES, type ScalarCurrency } from './scalar-currency.ts';
import { unitsCost } from './units.ts';

/** In what filters add up. */
export type FilterCurrency = Currency;

/**
 * How a currency prices plans and turns sums into epsilon. A balance is a vector of sums in whole units, and
 * a limit holds while **every** sum stays within its part. Every rounding is towards more loss.
 */
export interface CurrencyRules {
  readonly name: FilterCurrency;
  /** Sums of a balance: 1 for GDP and zCDP, one for each order in use for RDP. */
  readonly width: number;
  /** What the sums are divergences of: the Rényi orders, ascending; null for GDP and zCDP. */
  readonly orders: readonly number[] | null;
  /**
   * The price of a plan in units, `[width]`: integers from 1 to 2⁵³.
   *
   * @throws {VelaturaError} `dp/unsupported-event`, `dp/infinite-cost`, `dp/invalid-parameter`,
   * `dp/relation-mismatch`
   */
  cost(plan: Plan): Float64Array;
  /** The most units within (epsilon, delta), `[width]`: integers of at most 2⁵². */
  capacity(epsilon: number, delta: number): Float64Array;
  /**
   * Epsilon of so many units at that delta.
   *
   * @param units - `[width]`
   * @returns Infinity where no sum that is finite bounds it
   */
  epsilon(units: ArrayLike<number>, delta: number): number;
  /** Units as amounts of the currency, `[width]`: µ² for GDP, rho for zCDP, divergences for RDP. */
  amounts(units: ArrayLike<number>): Float64Array;
}

/** Conversions kept before all are forgotten. */
const MOST_CAPACITIES = 256;

function oneSum(currency: ScalarCurrency): CurrencyRules {
  // A conversion solves an equation, and every opening and every policy asks for the same few.
  const capacities = new Map<string, number>();
  const capacityOf = (epsilon: number, delta: number): number => {
    const key = `${epsilon} ${delta}`;
    let capacity = capacities.get(key);
    if (capacity === undefined) {
      capacity = currency.capacity(epsilon, delta);
      if (capacities.size >= MOST_CAPACITIES) capacities.clear();
      capacities.set(key, capacity);
    }
    return capacity;
  };
  return {
    name: currency.name,
    width: 1,
    orders: null,
    cost: (plan) => Float64Array.of(currency.cost(plan)),
    capacity: (epsilon, delta) => Float64Array.of(capacityOf(epsilon, delta)),
    epsilon: (units, delta) => currency.epsilon(units[0] as number, delta),
    amounts: (units) => Float64Array.of(unitsCost(units[0] as number)),
  };
}

const GDP = oneSum(SCALAR_CURRENCIES.gdp);
const ZCDP = oneSum(SCALAR_CURRENCIES.zcdp);

/**
 * The currency a policy asks for, under the terms of a budget. It depends on the policy's currency and
 * planned run only, which never change, so that balances outlive every change of limits.
 *
 * @throws {VelaturaError} `dp/invalid-policy` when the planned run has no Rényi curve under the relation
 */
export function currencyOf(
  policy: BudgetPolicy,
  unit: PrivacyUnit,
  relation: NeighbourRelation,
): CurrencyRules {
  const name = currencyNameOf(policy);
  if (name === 'gdp') return GDP;
  if (name === 'zcdp') return ZCDP;
  if (policy.plannedRun === undefined) throw new TypeError('"policy" expected a planned run');
  return rdpCurrency(policy.plannedRun, unit, relation);
}
