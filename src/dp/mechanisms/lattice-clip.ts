import { rationalOf } from '../noise/rational.ts';
import { invalidContribution } from './terms.ts';

/** The vectors of integers that one user may contribute. */
export interface LatticeBall {
  readonly norm: 'l1' | 'l2';
  /** Bound on the norm of the real vector; what is longer is scaled down. */
  readonly bound: number;
  /** Integers to a unit of the vector. */
  readonly stepsPerUnit: number;
  /** Bound on Σ|z| (l1) or on Σz² (l2) of the integer vector; an integer of at most 2⁵⁰. */
  readonly limit: number;
}

/**
 * The ball of a norm on a power-of-two grid. Its integer limit is exact: no vector of it, times the
 * granularity, is longer than `bound`.
 *
 * @param bound - at most 2²⁵ granularities
 * @param granularity - a power of two
 */
export function latticeBall(
  norm: LatticeBall['norm'],
  bound: number,
  granularity: number,
): LatticeBall {
  const steps = bound / granularity;
  const { numerator, denominator } = rationalOf(steps);
  const limit = norm === 'l1' ? Math.floor(steps) : Number(numerator ** 2n / denominator ** 2n);
  return { norm, bound, stepsPerUnit: 1 / granularity, limit };
}

/**
 * Clips a vector to the ball and rounds it to integers, so that the integers are in the ball **exactly**:
 * the norm is checked in integers after rounding, and a vector that rounding made too long is cut towards
 * zero instead.
 *
 * ## Privacy
 * Whatever comes in, Σ|z| or Σz² of `target` is at most `ball.limit`, so that sums of such vectors have that
 * sensitivity. See grid.proof.md §1.
 *
 * @param vector - `[dimension]`, finite
 * @param target - `[dimension]`, overwritten
 * @returns whether the vector was longer than the ball
 * @throws {VelaturaError} `dp/invalid-contribution` for another dimension, NaN or an infinity
 */
export function clipToLattice(
  vector: ArrayLike<number>,
  ball: LatticeBall,
  target: Float64Array,
): boolean {
  if (vector.length !== target.length) throw invalidContribution(`${target.length} coordinates`);
  const largest = largestMagnitude(vector);
  // Relative to the largest coordinate nothing overflows.
  const relativeNorm = normOf(vector, largest, ball.norm);
  const clipped = relativeNorm > ball.bound / largest;
  const unit = clipped ? largest : 1;
  let factor = clipped ? (ball.bound / relativeNorm) * ball.stepsPerUnit : ball.stepsPerUnit;
  for (let i = 0; i < target.length; i++) {
    target[i] = Math.round(((vector[i] as number) / unit) * factor) + 0;
  }
  // Towards zero a vector cannot grow, up to float error, which the shrinking factor absorbs.
  while (!(lengthOf(target, ball.norm) <= ball.limit)) {
    for (let i = 0; i < target.length; i++) {
      target[i] = Math.trunc(((vector[i] as number) / unit) * factor) + 0;
    }
    factor *= 1 - 2 ** -20;
  }
  return clipped;
}

/** Exact while it matters: terms are integers, and a sum past 2⁵³ is over any limit however it rounds. */
function lengthOf(vector: Float64Array, norm: LatticeBall['norm']): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i] as number;
    sum += norm === 'l1' ? Math.abs(value) : value * value;
  }
  return sum;
}

function largestMagnitude(vector: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < vector.length; i++) {
    const size = Math.abs(vector[i] as number);
    if (!(size < Number.POSITIVE_INFINITY)) throw invalidContribution('finite numbers');
    if (size > largest) largest = size;
  }
  return largest;
}

function normOf(vector: ArrayLike<number>, unit: number, norm: LatticeBall['norm']): number {
  if (unit === 0) return 0;
  let sum = 0;
  for (let i = 0; i < vector.length; i++) {
    const share = Math.abs((vector[i] as number) / unit);
    sum += norm === 'l1' ? share : share * share;
  }
  return norm === 'l1' ? sum : Math.sqrt(sum);
}
