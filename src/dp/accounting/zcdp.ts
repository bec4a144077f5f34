import { lastHolding } from '../../core/special/roots.ts';
import { epsilonAtOrder, logDeltaAtOrder } from './conversion.ts';
import { minimiseOverOrders } from './rdp/orders.ts';
import { invalid, requireDelta, requireEpsilon } from './refuse.ts';

/**
 * Epsilon of rho-zCDP at that delta: the tight conversion, best over all orders, rounded up.
 *
 * Source: Canonne, Kamath & Steinke (2020), proposition 12 with divergence rho·α.
 *
 * @param rho - at least 0
 * @param delta - in (0, 1)
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function epsilonOfZcdp(rho: number, delta: number): number {
  requireRho(rho);
  requireDelta(delta);
  if (rho === 0) return 0;
  const logDelta = Math.log(delta);
  const guess = Math.sqrt(-logDelta / rho);
  const { value: epsilon } = minimiseOverOrders(
    (order) => epsilonAtOrder(order, rho * order, logDelta),
    guess,
  );
  return Math.max(0, epsilon);
}

/**
 * Delta of rho-zCDP at that epsilon, rounded up.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function deltaOfZcdp(rho: number, epsilon: number): number {
  requireRho(rho);
  requireEpsilon(epsilon);
  if (rho === 0) return 0;
  const guess = Math.max((epsilon - rho) / (2 * rho), Math.sqrt(1 / rho), 1e-3);
  const { value: logDelta } = minimiseOverOrders(
    (order) => logDeltaAtOrder(order, rho * order, epsilon),
    guess,
  );
  return Math.min(1, Math.exp(logDelta) * (1 + 4 * Number.EPSILON) + Number.MIN_VALUE);
}

/**
 * The most rho that stays within (epsilon, delta), rounded down: the capacity of a budget in the currency
 * of zCDP.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function rhoOfEpsilon(epsilon: number, delta: number): number {
  requireEpsilon(epsilon);
  requireDelta(delta);
  const holds = (rho: number): boolean => epsilonOfZcdp(rho, delta) <= epsilon;
  let low = 1;
  while (!holds(low)) low /= 2;
  let high = low * 2;
  while (holds(high)) high *= 2;
  return lastHolding(holds, low, high, 1e-14);
}

function requireRho(rho: number): void {
  if (!(rho >= 0 && rho < Number.POSITIVE_INFINITY)) {
    throw invalid('rho', 'a finite number of at least 0', rho);
  }
}
