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
 * @param coefficientBound - what becomes 127 in place of the largest coefficient, such as that of items to come
 * @throws {VelaturaError} `he/value-out-of-range` on NaN, infinities, an item above a bound, or if all
 *   items are zero
 */
export function quantiseItems(
  items: Float32Array,
  dimensions: number,
  normBound: number,
  coefficientBound?: number,
): QuantisedItems {
  const largest = largestCoefficient(items, dimensions, normBound);
  if (largest === 0) {
    throw new VelaturaError(
      'he/value-out-of-range',
      'every item is zero: there is nothing to score',
    );
  }
  return rounded(items, largest, 127 / (coefficientBound ?? largest));
}

/**
 * Rounds items to bytes with a scale that is given.
 *
 * @param items - `[items, dimensions]`
 * @param normBound - the largest Euclidean norm an item may have
 * @param scale - integer = round(scale · float)
 * @throws {VelaturaError} `he/value-out-of-range` on NaN, infinities, an item above the bound, or a coefficient
 *   that the scale takes beyond a byte
 */
export function quantiseRows(
  items: Float32Array,
  dimensions: number,
  normBound: number,
  scale: number,
): QuantisedItems {
  return rounded(items, largestCoefficient(items, dimensions, normBound), scale);
}

function rounded(items: Float32Array, largest: number, scale: number): QuantisedItems {
  if (!(Math.round(scale * largest) <= 127)) {
    throw new VelaturaError(
      'he/value-out-of-range',
      `a coefficient of an item is above ${127 / scale}, the largest that the scale of the catalogue has room for`,
      { largest: 127 / scale },
    );
  }
  const integers = new Int8Array(items.length);
  for (let i = 0; i < items.length; i++) integers[i] = Math.round(scale * (items[i] as number));
  return { integers, scale, error: quantisationError(items, integers, scale) };
}

function largestCoefficient(items: Float32Array, dimensions: number, normBound: number): number {
  let largest = 0;
  const limit = (normBound * (1 + FLOAT32_SLACK)) ** 2;
  for (let at = 0; at < items.length; at += dimensions) {
    let squares = 0;
    for (let i = at; i < at + dimensions; i++) {
      const value = items[i] as number;
      squares += value * value;
      largest = Math.max(largest, Math.abs(value));
    }
    if (!(squares <= limit)) {
      throw new VelaturaError(
        'he/value-out-of-range',
        `item ${at / dimensions} is not finite or above the norm bound ${normBound}`,
        { item: at / dimensions, normBound },
      );
    }
  }
  return largest;
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
  for (let i = 0; i < values.length; i++) {
    const difference = Math.abs((integers[i] as number) / scale - (values[i] as number));
    max = Math.max(max, difference);
    squares += difference * difference;
  }
  return { max, rms: Math.sqrt(squares / Math.max(1, values.length)) };
}

function euclideanNorm(row: Float32Array): number {
  let squares = 0;
  for (const value of row) squares += value * value;
  return Math.sqrt(squares);
}
