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

/**
 * Least noise multiplier of a Gaussian release of which a limit admits `releases`. Calibrating onto the
 * limit itself does not do: a budget rounds every cost up and every limit down to whole units, and would
 * refuse the last of them by one unit.
 *
 * @param policy - whose currency and deltas count
 * @param epsilon - the limit, positive
 * @param releases - number of such releases, each reserved by itself or as one `repeated` event
 */
export function admissibleNoiseMultiplier(
  policy: BudgetPolicy,
  epsilon: number,
  releases = 1,
): number {
  const currency = currencyOf(policy);
  const delta = policy.delta - (policy.additiveDelta ?? 0);
  if (!(Number.isSafeInteger(releases) && releases >= 1)) {
    throw new RangeError(`"releases" expected a positive integer, got ${releases}`);
  }
  const units = Math.floor(currency.capacity(epsilon, delta) / releases);
  if (units < 1) {
    throw new RangeError(
      `"epsilon" expected a limit that ${releases} releases fit under, got ${epsilon}`,
    );
  }
  const precision = unitsCost(units) * (currency.name === 'gdp' ? 1 : 2);
  let noiseMultiplier = 1 / Math.sqrt(precision);
  const fits = (): boolean =>
    currency.cost({
      unit: 'user',
      relation: 'add-or-remove-one-user',
      event: { kind: 'gaussian', noiseMultiplier },
    }) <= units;
  while (!fits()) noiseMultiplier = nextUp(noiseMultiplier);
  return noiseMultiplier;
}
