import { VelaturaError } from '../core/errors.ts';

/** How far the integers, divided by their scale, are from the floats. */
export interface QuantisationError {
  /** The largest difference of one coefficient, in the unit of the input. */
  readonly max: number;
  /** The root of the mean squared difference, in the unit of the input. */
  readonly rms: number;
}

/** Items as bytes. */
export interface QuantisedItems {
  /** `[items, dimensions]`, each in [−127, 127]. */
  readonly integers: Int8Array;
  /** Integer = round(scale · float). */
  readonly scale: number;
  readonly error: QuantisationError;
}

/**
 * Rounds an item matrix to bytes, with the scale at which its largest coefficient becomes 127.
 *
 * @param items - `[items, dimensions]`
 * @param normBound - the largest Euclidean norm an item may have
 * @throws {VelaturaError} `he/value-out-of-range` on NaN, infinities, an item above the bound, or if all
 *   items are zero
 */
export function quantiseItems(
  items: Float32Array,
  dimensions: number,
  normBound: number,
): QuantisedItems {
  let largest = 0;
  for (let at = 0; at < items.length; at += dimensions) {
    const row = items.subarray(at, at + dimensions);
    if (!(euclideanNorm(row) <= normBound * (1 + FLOAT32_SLACK))) {
      throw new VelaturaError(
        'he/value-out-of-range',
        `item ${at / dimensions} is not finite or above the norm bound ${normBound}`,
        { item: at / dimensions, normBound },
      );
    }
    for (const value of row) largest = Math.max(largest, Math.abs(value));
  }
  if (largest === 0) {
    throw new VelaturaError(
      'he/value-out-of-range',
      'every item is zero: there is nothing to score',
    );
  }
  const scale = 127 / largest;
  const integers = Int8Array.from(items, (value) => Math.round(scale * value));
  return { integers, scale, error: quantisationError(items, integers, scale) };
}

/**
 * Rounds a profile vector to integers under a public scale.
 *
 * @param profile - `[dimensions]`
 * @param scale - integer = round(scale · float)
 * @param normBound - the largest Euclidean norm the profile may have
 * @throws {VelaturaError} `he/value-out-of-range` on NaN, infinities or a norm above the bound; the
 *   details hold the bound, never a value
 */
export function quantiseProfile(
  profile: Float32Array,
  scale: number,
  normBound: number,
): Int32Array {
  if (!(euclideanNorm(profile) <= normBound * (1 + FLOAT32_SLACK))) {
    throw new VelaturaError(
      'he/value-out-of-range',
      `the profile vector is not finite or above the norm bound ${normBound}`,
      { normBound, dimensions: profile.length },
    );
  }
  return Int32Array.from(profile, (value) => Math.round(scale * value));
}

/** Vectors normalised in single precision may pass their bound by the rounding of their coefficients. */
export const FLOAT32_SLACK: number = 2 ** -20;

/** How far `integers / scale` is from `values`. */
export function quantisationError(
  values: Float32Array,
  integers: Int8Array | Int32Array,
  scale: number,
): QuantisationError {
  let max = 0;
  let squares = 0;
  values.forEach((value, i) => {
    const difference = Math.abs((integers[i] as number) / scale - value);
    max = Math.max(max, difference);
    squares += difference * difference;
  });
  return { max, rms: Math.sqrt(squares / Math.max(1, values.length)) };
}

function euclideanNorm(row: Float32Array): number {
  let squares = 0;
  for (const value of row) squares += value * value;
  return Math.sqrt(squares);
}
