import { VelaturaError } from '../../core/errors.ts';

/** Costs are counted in 2⁻³² of the currency: sums of integers do not depend on their order. */
export const COST_SCALE: number = 2 ** 32;
/**
 * Deltas are counted in 2⁻⁵²: a unit of 2⁻³² is over 10⁻¹⁰, as much as many a release spends in all, and
 * 2⁵² of these still make the whole of delta 1.
 */
const DELTA_SCALE = 2 ** 52;
/** No filter lets more units than this through, so spent + asked is an exact integer below 2⁵³. */
export const MAX_CAPACITY: number = 2 ** 52;
const LEAST_NORMAL = 2 ** -1022;

/**
 * A cost in units, rounded up; at least one unit, so that nothing is ever free.
 *
 * @param cost - in the currency of the budget
 * @param scale - units in 1 of it, a power of two
 * @returns an integer ≥ 1, at most 2⁵³: more than any capacity, so it is refused by every filter
 * @throws {VelaturaError} `dp/infinite-cost`, `dp/invalid-parameter` for NaN and negative costs
 */
export function costUnits(cost: number, scale: number = COST_SCALE): number {
  if (cost === Number.POSITIVE_INFINITY) {
    throw new VelaturaError('dp/infinite-cost', 'the release costs infinitely much');
  }
  if (!(cost >= 0)) {
    throw new VelaturaError('dp/invalid-parameter', `"cost" expected at least 0, got ${cost}`);
  }
  return Math.max(1, Math.min(Math.ceil(cost * scale), 2 * MAX_CAPACITY));
}

/** What a filter lets through, in units, rounded down. */
export function capacityUnits(limit: number, scale: number = COST_SCALE): number {
  return Math.min(Math.floor(limit * scale), MAX_CAPACITY);
}

/** Units as a cost; exact below 2⁵³ units. */
export function unitsCost(units: number): number {
  return units / COST_SCALE;
}

/**
 * A delta in units, rounded up.
 *
 * @param delta - 0, or a normal number below 1
 * @throws {VelaturaError} `dp/invalid-parameter` for anything else, subnormal numbers too
 */
export function deltaUnits(delta: number): number {
  if (!(delta === 0 || (delta >= LEAST_NORMAL && delta < 1))) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `"delta" expected 0 or a normal number below 1, got ${delta}`,
    );
  }
  return Math.ceil(delta * DELTA_SCALE) + 0; // no −0
}

/** A delta limit in units, rounded down. */
export function deltaCapacity(limit: number): number {
  return Math.floor(limit * DELTA_SCALE);
}

/** Units as a delta, exactly. */
export function unitsDelta(units: number): number {
  return units / DELTA_SCALE;
}

/** A sum that no filter bounds: beyond what is exact it becomes infinite, which claims nothing. */
export function saturatingSum(a: number, b: number): number {
  const sum = a + b;
  return sum < 2 * MAX_CAPACITY ? sum : Number.POSITIVE_INFINITY;
}
