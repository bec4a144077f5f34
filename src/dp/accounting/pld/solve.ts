import { findRoot } from '../../../core/special/roots.ts';
import type { CertifiedInterval } from '../../accountant.ts';
import { Contour } from './contour.ts';
import type { ContourPart } from './contour-part.ts';
import { saddleForDelta, saddleForEpsilon } from './saddle.ts';

/** Anything that knows a certified interval of delta at an epsilon. */
export interface DeltaCurve {
  delta(epsilon: number): CertifiedInterval;
}

/**
 * The certified interval of epsilon at a delta: both ends are checked at the very point returned, so no
 * assumption about the curve between its points is made.
 */
export function epsilonOf(curve: DeltaCurve, delta: number, guess: number): CertifiedInterval {
  const upper = upperEnd(curve, delta, guess);
  return { lower: lowerEnd(curve, delta, upper), upper };
}

/** An epsilon, next to the least one, at which delta is certainly enough. */
function upperEnd(curve: DeltaCurve, delta: number, guess: number): number {
  const logDelta = Math.log(delta);
  const excess = (epsilon: number): number =>
    Math.log(Math.max(curve.delta(epsilon).upper, 1e-320)) - logDelta;
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

/** An epsilon at which delta is certainly not enough: the first that shows it on steps that double. */
function lowerEnd(curve: DeltaCurve, delta: number, upper: number): number {
  if (!Number.isFinite(upper)) return 0;
  for (let gap = 1e-13 * Math.max(1, upper); gap < upper; gap *= 2) {
    if ((curve.delta(upper - gap).lower ?? 0) >= delta) return upper - gap;
  }
  return 0;
}

/** Epsilon of the composition of parts in one direction, or undefined where no contour is proven. */
export function contourEpsilon(
  parts: readonly ContourPart[],
  delta: number,
): CertifiedInterval | undefined {
  const saddle = saddleForDelta(parts, delta);
  const contour = Contour.through(parts, saddle, Math.log(delta));
  return contour === undefined ? undefined : epsilonOf(contour, delta, saddle.epsilon);
}

/** Delta of the composition of parts in one direction, or undefined where no contour is proven. */
export function contourDelta(
  parts: readonly ContourPart[],
  epsilon: number,
): CertifiedInterval | undefined {
  const saddle = saddleForEpsilon(parts, epsilon);
  let logMoment = 0;
  for (const part of parts) logMoment += part.count * part.cumulants(saddle.s).logMoment;
  const guess = logMoment - saddle.s * epsilon - Math.log(saddle.s * (saddle.s + 1));
  return Contour.through(parts, saddle, Math.min(-1e-3, guess - 2))?.delta(epsilon);
}
