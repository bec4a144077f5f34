import { VelaturaError } from '../../core/errors.ts';
import { lastHolding } from '../../core/special/roots.ts';
import { epsilonAtOrder } from '../accounting/conversion.ts';
import { leavesOf } from '../accounting/leaves.ts';
import type { DivergenceCurve } from '../accounting/rdp/fixed-size.ts';
import { totalCurve } from '../accounting/rdp/total.ts';
import { validatePlan } from '../accounting/validate.ts';
import type { DpEvent } from '../event.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import type { CurrencyRules } from './currency.ts';
import { bestOrder, ordersFor } from './rdp-orders.ts';
import { capacityUnits, costUnits, MAX_CAPACITY } from './units.ts';

/**
 * The planned run is from this many units at every order to twice as many: a release is rounded up by at most
 * 2⁻³² of the run, and nearly 2²⁰ runs go into the 2⁵² units that any filter lets through.
 */
const PLANNED_UNITS = 2 ** 32;
/** No limit is a greater multiple of the planned run. */
const MOST_SLACK = MAX_CAPACITY / (2 * PLANNED_UNITS);
/** Less than one unit at every order, which is nothing. */
const LEAST_SLACK = 1 / (4 * PLANNED_UNITS);
/** Keeps every scale, and every sum of up to 2⁵³ units, within the normal numbers. */
const LEAST_DIVERGENCE = 2 ** -900;

/** What one order of a budget counts in. */
interface PinnedOrder {
  readonly order: number;
  /** Divergence of the planned run. */
  readonly planned: number;
  /** Units in a divergence of 1, a power of two: divergences become units without rounding. */
  readonly scale: number;
}

function pinned(curve: DivergenceCurve): readonly PinnedOrder[] {
  return ordersFor(curve.at)
    .map((order) => ({ order, planned: curve.at(order) }))
    .filter(({ planned }) => planned >= LEAST_DIVERGENCE && planned < Number.POSITIVE_INFINITY)
    .map((point) => ({
      ...point,
      scale: PLANNED_UNITS / 2 ** Math.floor(Math.log2(point.planned)),
    }));
}

/** The curve of the planned run, at the orders where it is finite. */
function plannedOrders(plannedRun: DpEvent, relation: NeighbourRelation): readonly PinnedOrder[] {
  let orders: readonly PinnedOrder[];
  try {
    orders = pinned(totalCurve(leavesOf(plannedRun, 'plannedRun'), relation));
  } catch (error) {
    if (!(error instanceof VelaturaError)) throw error;
    throw new VelaturaError(
      'dp/invalid-policy',
      `policy, ${error.message}`,
      { path: String(error.details['path']) },
      { cause: error },
    );
  }
  if (orders.length > 0) return orders;
  throw new VelaturaError(
    'dp/invalid-policy',
    'policy, "plannedRun": expected a run that loses something, and not everything',
    { path: 'plannedRun' },
  );
}

/**
 * Rényi filters: a balance is one sum of divergences for each order, and each limit pins, before anything is
 * released, the order that suits the planned run best and the most divergence there. What is pinned depends
 * on the policy alone, so one conversion at that order bounds epsilon for whatever is released.
 *
 * ## Privacy
 * Under the unit and relation given. Argument and source: filters.proof.md.
 *
 * @param plannedRun - all that is to be released about one user
 * @throws {VelaturaError} `dp/invalid-policy` when its curve is not proven under the relation, is 0, or is
 * infinite at every order
 */
export function rdpCurrency(
  plannedRun: DpEvent,
  unit: PrivacyUnit,
  relation: NeighbourRelation,
): CurrencyRules {
  const orders = plannedOrders(plannedRun, relation);
  const width = orders.length;
  const epsilon = (units: ArrayLike<number>, delta: number): number =>
    epsilonOf(orders, units, delta);
  return {
    name: 'rdp',
    width,
    orders: orders.map(({ order }) => order),
    cost: (plan) => costOf(orders, plan, unit, relation),
    capacity: (limit, delta) => capacityOf(orders, limit, delta),
    epsilon,
    amounts: (units) => Float64Array.from(orders, ({ scale }, k) => (units[k] as number) / scale),
  };
}

function costOf(
  orders: readonly PinnedOrder[],
  plan: Plan,
  unit: PrivacyUnit,
  relation: NeighbourRelation,
): Float64Array {
  const { event } = validatePlan(plan);
  if (plan.unit !== unit || plan.relation !== relation) {
    throw new VelaturaError(
      'dp/relation-mismatch',
      `the budget counts by ${unit}, ${relation}; the plan by ${plan.unit}, ${plan.relation}`,
      { unit, relation },
    );
  }
  const leaves = leavesOf(event);
  const infinite = leaves.find((leaf) => leaf.event.kind === 'non-private');
  if (infinite !== undefined) throw infiniteCost(infinite.path, null);
  const curve = totalCurve(leaves, relation);
  return Float64Array.from(orders, ({ order, scale }) => {
    const divergence = curve.at(order);
    // Written so that NaN counts as infinite: what is no number must never pass as nothing.
    if (!(divergence < Number.POSITIVE_INFINITY)) throw infiniteCost('event', order);
    return costUnits(divergence, scale);
  });
}

function infiniteCost(path: string, order: number | null): VelaturaError {
  const where = order === null ? '' : ` of order ${order}, where that of the planned run is finite`;
  return new VelaturaError('dp/infinite-cost', `${path}: no finite divergence${where}`, {
    path,
    order,
  });
}

/** The least over all orders: each is a bound by itself. */
function epsilonOf(
  orders: readonly PinnedOrder[],
  units: ArrayLike<number>,
  delta: number,
): number {
  const logDelta = Math.log(delta);
  let least = Number.POSITIVE_INFINITY;
  let nothing = true;
  for (const [k, { order, scale }] of orders.entries()) {
    const sum = units[k] as number;
    if (sum !== 0) nothing = false;
    if (!(sum < Number.POSITIVE_INFINITY)) continue;
    least = Math.min(least, epsilonAtOrder(order, sum / scale, logDelta));
  }
  return nothing ? 0 : Math.max(0, least);
}

/** The planned curve times a slack, in units, rounded down. */
function scaled(orders: readonly PinnedOrder[], slack: number): Float64Array {
  return Float64Array.from(orders, ({ planned, scale }) => capacityUnits(slack * planned, scale));
}

/**
 * The greatest multiple of the planned run whose conversion is within epsilon binds the order that converts it
 * best. The other orders keep the bound of all filters: they would add nothing to the limit, but refuse
 * releases of another shape than the planned run for nothing.
 */
function capacityOf(orders: readonly PinnedOrder[], epsilon: number, delta: number): Float64Array {
  // Epsilon 0 admits nothing, not even what a positive delta would excuse.
  if (epsilon === 0) return new Float64Array(orders.length);
  const holds = (slack: number): boolean =>
    epsilonOf(orders, scaled(orders, slack), delta) <= epsilon;
  const slack = holds(MOST_SLACK) ? MOST_SLACK : lastHolding(holds, LEAST_SLACK, MOST_SLACK);
  const units = scaled(orders, slack);
  const best = bestOrder(
    orders.map(({ order }) => order),
    (k) => (units[k] as number) / (orders[k] as PinnedOrder).scale,
    Math.log(delta),
  );
  return units.map((most, k) => (k === best ? most : MAX_CAPACITY));
}
