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
  target.fill(0);
  return addToLattice(vector, ball, target);
}

/**
 * Adds to a sum of integers what {@link clipToLattice} would make of a vector, without writing it down first.
 *
 * ## Privacy
 * As there: what has been added when this returns is in the ball. Nothing has been added when it throws.
 *
 * @param vector - `[dimension]`, finite
 * @param sum - `[dimension]`, integers that stay below 2⁵² in size
 * @returns whether the vector was longer than the ball
 * @throws {VelaturaError} `dp/invalid-contribution` for another dimension, NaN or an infinity
 */
export function addToLattice(
  vector: ArrayLike<number>,
  ball: LatticeBall,
  sum: Float64Array,
): boolean {
  if (vector.length !== sum.length) throw invalidContribution(`${sum.length} coordinates`);
  const { norm, bound, stepsPerUnit, limit } = ball;
  let shape = vector;
  let length = lengthOf(vector, norm);
  let reach = bound;
  if (!(length >= 1 / SAFE_LENGTH && length <= SAFE_LENGTH)) {
    const largest = largestMagnitude(vector);
    if (largest === 0) return false;
    // Relative to the largest coordinate nothing overflows and nothing that counts is lost.
    shape = Float64Array.from(vector, (value) => value / largest);
    length = lengthOf(shape, norm);
    reach = bound / largest;
  }
  const clipped = length > reach;
  const source = clipped ? shape : vector;
  let factor = clipped ? (bound / length) * stepsPerUnit : stepsPerUnit;
  if (clipped && norm === 'l2' && sum.length >= MANY) factor *= 1 - MARGIN / Math.sqrt(limit);
  // Most vectors pass the check, so they are added while they are checked.
  if (addRounded(sum, source, factor, norm) <= limit) return clipped;
  for (let i = 0; i < sum.length; i++) {
    sum[i] = (sum[i] as number) - roundedTo(source[i] as number, factor);
  }
  // Towards zero a vector cannot grow, up to float error, which the shrinking factor absorbs.
  const cut = new Float64Array(sum.length);
  while (!(cutTowardsZero(cut, source, factor, norm) <= limit)) factor *= 1 - 2 ** -20;
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (cut[i] as number);
  return clipped;
}

/** Between its inverse and this, squares of lengths neither overflow nor vanish. */
const SAFE_LENGTH = 2 ** 400;

/** Coordinates from which on {@link MARGIN} is kept. */
const MANY = 64;

/**
 * Steps by which a clipped vector is aimed to end inside the sphere. Roundings of many coordinates change its
 * length by a deviation of √(1/12) steps: aimed at the sphere itself, every other vector would have to be cut
 * towards zero, which takes time and far more of its length. Under half a step, so that no coordinate moves by
 * more than one.
 */
const MARGIN = 0.45;

/** 1.5 · 2⁵²: added to a number of size below 2⁵¹, it leaves no room for a fraction. */
const ROUNDER = 3 * 2 ** 51;

function lengthOf(vector: ArrayLike<number>, norm: LatticeBall['norm']): number {
  return norm === 'l1' ? sumOfSizes(vector) : Math.sqrt(sumOfSquares(vector));
}

// The loops below take four coordinates a turn, in four sums: one sum would wait for each addition.

function sumOfSquares(vector: ArrayLike<number>): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const fours = vector.length - (vector.length % 4);
  for (let i = 0; i < fours; i += 4) {
    const w = vector[i] as number;
    const x = vector[i + 1] as number;
    const y = vector[i + 2] as number;
    const z = vector[i + 3] as number;
    a += w * w;
    b += x * x;
    c += y * y;
    d += z * z;
  }
  for (let i = fours; i < vector.length; i++) a += (vector[i] as number) ** 2;
  return a + b + (c + d);
}

function sumOfSizes(vector: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += Math.abs(vector[i] as number);
  return sum;
}

/** The nearest integer to factor · value, never −0. */
function roundedTo(value: number, factor: number): number {
  return value * factor + ROUNDER - ROUNDER;
}

/**
 * Adds the nearest integers z to factor · source to the sum, and returns Σ|z| or Σz² of them. Exact while it
 * matters: terms are integers, and a sum past 2⁵³ is over any limit however it rounds.
 */
function addRounded(
  sum: Float64Array,
  source: ArrayLike<number>,
  factor: number,
  norm: LatticeBall['norm'],
): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  if (norm === 'l1') {
    for (let i = 0; i < sum.length; i++) {
      const z = roundedTo(source[i] as number, factor);
      sum[i] = (sum[i] as number) + z;
      a += Math.abs(z);
    }
    return a;
  }
  const fours = sum.length - (sum.length % 4);
  for (let i = 0; i < fours; i += 4) {
    const w = roundedTo(source[i] as number, factor);
    const x = roundedTo(source[i + 1] as number, factor);
    const y = roundedTo(source[i + 2] as number, factor);
    const z = roundedTo(source[i + 3] as number, factor);
    sum[i] = (sum[i] as number) + w;
    sum[i + 1] = (sum[i + 1] as number) + x;
    sum[i + 2] = (sum[i + 2] as number) + y;
    sum[i + 3] = (sum[i + 3] as number) + z;
    a += w * w;
    b += x * x;
    c += y * y;
    d += z * z;
  }
  for (let i = fours; i < sum.length; i++) {
    const w = roundedTo(source[i] as number, factor);
    sum[i] = (sum[i] as number) + w;
    a += w * w;
  }
  return a + b + (c + d);
}

/** Writes the integers next to factor · source on the side of zero, never −0, and returns Σ|z| or Σz². */
function cutTowardsZero(
  target: Float64Array,
  source: ArrayLike<number>,
  factor: number,
  norm: LatticeBall['norm'],
): number {
  for (let i = 0; i < target.length; i++) {
    target[i] = Math.trunc((source[i] as number) * factor) + 0;
  }
  return norm === 'l1' ? sumOfSizes(target) : sumOfSquares(target);
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
