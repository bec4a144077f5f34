import { epsilonAtOrder, logDeltaAtOrder } from '../conversion.ts';
import type { DivergenceCurve } from './fixed-size.ts';
import { minimiseOverOrders, type OrderOptimum } from './orders.ts';

/**
 * The order that gives the least epsilon at that delta. Where all parts have a finite epsilon at delta 0
 * their sum caps it (order Infinity).
 */
export function epsilonOfCurve(curve: DivergenceCurve, delta: number): OrderOptimum {
  const logDelta = Math.log(delta);
  const found = minimiseOverOrders((order) => epsilonAtOrder(order, curve.at(order), logDelta));
  if (curve.pure < found.value) return { order: Number.POSITIVE_INFINITY, value: curve.pure };
  return { order: found.order, value: Math.max(0, found.value) };
}

/** Delta at that epsilon, rounded up; 0 from the epsilon on that holds without any delta. */
export function deltaOfCurve(curve: DivergenceCurve, epsilon: number): number {
  if (curve.pure <= epsilon) return 0;
  const { value } = minimiseOverOrders((order) => logDeltaAtOrder(order, curve.at(order), epsilon));
  return Math.min(1, Math.exp(value) * (1 + 4 * Number.EPSILON) + Number.MIN_VALUE);
}
