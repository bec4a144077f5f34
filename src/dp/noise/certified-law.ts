import type { Bounds } from './exp-bounds.ts';

/** Claimed by laws whose weight is proven to 2⁻³² or better. */
export const LEAST_RELATIVE_ERROR: number = 2 ** -30;

/**
 * A law given by its weight: a function of the magnitude that is known to a proven error in doubles and to
 * any number of digits in integers. Nothing needs to know the sum of the weights.
 */
export interface CertifiedLaw {
  /**
   * True when points are real numbers that are rounded to the nearest integer afterwards, false when they
   * are the integers themselves.
   */
  readonly continuous: boolean;
  /** About one standard deviation; only speed depends on it. */
  readonly spread: number;
  /**
   * What {@link weight} claims as its relative error, at least {@link LEAST_RELATIVE_ERROR} and at least
   * twice what is proven: the other half pays for roundings in comparisons and for the digits of a point
   * that are not drawn yet. A wider claim costs time and changes nothing else.
   */
  readonly relativeError: number;
  /**
   * Proven bound of the weight wherever {@link weight} is NaN.
   */
  readonly weightBeyond: number;
  /**
   * The weight at a magnitude, or NaN where no error is proven. It falls and its logarithm is concave, from
   * 0 on when continuous, else from 1 on; where a random sign follows, the weight of the integer 0 is halved,
   * since both signs lead there.
   *
   * @param point - ≥ 0
   */
  weight(point: number): number;
  /**
   * Encloses 2^precision times the weight at the magnitude numerator · 2^(−shift), ever more tightly as the
   * precision grows. On the integers shift is 0.
   */
  weightBounds(numerator: bigint, shift: number, precision: number): Bounds;
}
