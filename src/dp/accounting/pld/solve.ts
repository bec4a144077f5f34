import { findRoot, lastHolding } from '../../../core/special/roots.ts';
import type { Bounds } from './certified.ts';

/** Anything that knows bounds of delta at an epsilon. */
export interface DeltaCurve {
  upper(epsilon: number): number;
  lower(epsilon: number): number;
}

/**
 * The certified bounds of epsilon at a delta: both ends are checked at the very point returned, so no
 * assumption about the curve between its points is made.
 */
export function epsilonOf(curve: DeltaCurve, delta: number, guess: number): Bounds {
  const upper = upperEnd(curve, delta, guess);
  return { lower: lowerEnd(curve, delta, upper), upper };
}

/** An epsilon, next to the least one, at which delta is certainly enough. */
function upperEnd(curve: DeltaCurve, delta: number, guess: number): number {
  const logDelta = Math.log(delta);
  const excess = (epsilon: number): number => {
    const bound = curve.upper(epsilon);
    // What came out as no number bounds nothing.
    return Math.log(Number.isNaN(bound) ? 1 : Math.max(bound, 1e-320)) - logDelta;
  };
  if (excess(0) <= 0) return 0;
  let width = Math.max(1e-3, 1e-3 * guess);
  let low = Math.max(0, guess - width);
  while (excess(low) <= 0) {
    width *= 4;
    low = Math.max(0, low - width);
  }
  let high = low + 2 * width;
  while (excess(high) > 0) {
    width *= 4;
    high += width;
    if (!(high < 1e9)) return Number.POSITIVE_INFINITY;
  }
  const root = findRoot(excess, low, high, { tolerance: 1e-13 * Math.max(1, high) });
  let point = root;
  for (let gap = 1e-15 * Math.max(1, root); excess(point) > 0; gap *= 2) point = root + gap;
  return point;
}

/** An epsilon, next to the largest one, at which delta is certainly not enough; 0 where there is none. */
function lowerEnd(curve: DeltaCurve, delta: number, upper: number): number {
  if (!Number.isFinite(upper)) return 0;
  let outside = upper;
  for (let gap = 1e-12 * Math.max(1, upper); gap < upper; gap *= 8) {
    const inside = upper - gap;
    if (curve.lower(inside) >= delta) {
      return lastHolding(
        (epsilon) => curve.lower(epsilon) >= delta,
        inside,
        outside,
        (0.05 * gap) / upper,
      );
    }
    outside = inside;
  }
  return 0;
}
