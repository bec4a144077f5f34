import { nextDown, nextUp } from '../../core/special/ulp.ts';
import { gdpCost, zcdpCost } from '../accounting/cost.ts';
import { epsilonOfGdp, muOfEpsilon } from '../accounting/gdp.ts';
import { epsilonOfZcdp, rhoOfEpsilon } from '../accounting/zcdp.ts';
import type { Plan } from '../plan.ts';
import { capacityUnits, costUnits, unitsCost } from './units.ts';

/** A currency in which a balance is one number. Every rounding is towards more loss. */
export interface ScalarCurrency {
  readonly name: 'gdp' | 'zcdp';
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

const GDP: ScalarCurrency = {
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

const ZCDP: ScalarCurrency = {
  name: 'zcdp',
  cost: (plan) => costUnits(zcdpCost(plan)),
  capacity: (epsilon, delta) => capacityOrNothing(epsilon, () => rhoOfEpsilon(epsilon, delta)),
  epsilon: (units, delta) => epsilonOrInfinity(units, (cost) => epsilonOfZcdp(cost, delta)),
};

/** Σ 1/noiseMultiplier² and Σ rho, by name. */
export const SCALAR_CURRENCIES: Readonly<Record<ScalarCurrency['name'], ScalarCurrency>> = {
  gdp: GDP,
  zcdp: ZCDP,
};
