import { nextDown, nextUp } from '../../core/special/ulp.ts';
import { gdpCost, zcdpCost } from '../accounting/cost.ts';
import { epsilonOfGdp, muOfEpsilon } from '../accounting/gdp.ts';
import { epsilonOfZcdp, rhoOfEpsilon } from '../accounting/zcdp.ts';
import type { Plan } from '../plan.ts';
import type { BudgetPolicy } from './policy.ts';
import { capacityUnits, costUnits, unitsCost } from './units.ts';

/** In what this version's filters add up. */
export type FilterCurrency = 'gdp' | 'zcdp';

/** How a currency prices plans and turns sums into epsilon. Every rounding is towards more loss. */
export interface CurrencyRules {
  readonly name: FilterCurrency;
  /**
   * The price of a plan in units.
   *
   * @throws {VelaturaError} `dp/unsupported-event`, `dp/infinite-cost`, `dp/invalid-parameter`
   */
  cost(plan: Plan): number;
  /** The most units within (epsilon, delta). */
  capacity(epsilon: number, delta: number): number;
  /** Epsilon of so many units at that delta; Infinity for infinitely many. */
  epsilon(units: number, delta: number): number;
}

function epsilonOrInfinity(units: number, convert: (cost: number) => number): number {
  if (units === 0) return 0;
  return units === Number.POSITIVE_INFINITY ? units : convert(unitsCost(units));
}

/** Epsilon 0 admits nothing, not even what a positive delta would excuse. */
function capacityOrNothing(epsilon: number, convert: () => number): number {
  return epsilon === 0 ? 0 : capacityUnits(convert());
}

const GDP: CurrencyRules = {
  name: 'gdp',
  cost: (plan) => costUnits(gdpCost(plan)),
  capacity: (epsilon, delta) =>
    capacityOrNothing(epsilon, () => {
      const mu = muOfEpsilon(epsilon, delta);
      return nextDown(mu * mu);
    }),
  epsilon: (units, delta) =>
    epsilonOrInfinity(units, (cost) => epsilonOfGdp(nextUp(Math.sqrt(cost)), delta)),
};

const ZCDP: CurrencyRules = {
  name: 'zcdp',
  cost: (plan) => costUnits(zcdpCost(plan)),
  capacity: (epsilon, delta) => capacityOrNothing(epsilon, () => rhoOfEpsilon(epsilon, delta)),
  epsilon: (units, delta) => epsilonOrInfinity(units, (cost) => epsilonOfZcdp(cost, delta)),
};

/** The rules of a currency by name. */
export const CURRENCIES: Readonly<Record<FilterCurrency, CurrencyRules>> = { gdp: GDP, zcdp: ZCDP };

/** The currency a policy asks for; `auto` is GDP, the tightest for Gaussian plans. */
export function currencyOf(policy: BudgetPolicy): CurrencyRules {
  return policy.currency === 'zcdp' ? ZCDP : GDP;
}
