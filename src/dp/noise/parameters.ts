import { VelaturaError } from '../../core/errors.ts';

/** What the bulk samplers fill. */
export type NoiseTarget = Float64Array | Int32Array;

/**
 * Largest standard deviation: 128 of them end where a number stops to hold every integer. Noise beyond that
 * end, of a probability under e^(−8000), is answered by an error and never by a wrong number.
 */
export const MAX_NOISE_STDDEV: number = 2 ** 46;

/** The same limit for targets of 32-bit integers. */
export const MAX_INT32_NOISE_STDDEV: number = 2 ** 24;

/**
 * Refuses what is no parameter of a noise law.
 *
 * @throws {VelaturaError} `dp/invalid-parameter` unless `value` is in [least, largest] and over 0
 */
export function assertNoiseParameter(
  name: string,
  value: number,
  largest: number,
  least: number = Number.MIN_VALUE,
): void {
  if (typeof value === 'number' && value >= least && value <= largest) return;
  throw new VelaturaError(
    'dp/invalid-parameter',
    `"${name}" expected a number in [${least}, ${largest}], got ${value}`,
    { parameter: name, least, largest },
  );
}

/**
 * Refuses a target of 32-bit integers for noise that may not fit into it.
 *
 * @throws {RangeError} when the target is an Int32Array and `fitsInt32` is false
 */
export function assertTarget(target: NoiseTarget, fitsInt32: boolean, parameter: string): void {
  if (target instanceof Int32Array && !fitsInt32) {
    throw new RangeError(
      `"target" expected a Float64Array for this ${parameter}, got an Int32Array that may not hold the noise`,
    );
  }
}

/** The largest magnitude that a target holds exactly. */
export function largestOf(target: NoiseTarget): number {
  return target instanceof Int32Array ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER;
}

/**
 * The value, unless a target would round or wrap it.
 *
 * @throws {RangeError} when the magnitude is over `largest`
 */
export function assertMagnitude(value: number, largest: number): number {
  if (Math.abs(value) <= largest) return value;
  throw new RangeError('the noise passed what its target holds, of a probability under e^(-8000)');
}

/** An integer as a number, or an error where a number would silently round it. */
export function safeIntegerOf(value: bigint): number {
  return assertMagnitude(Number(value), Number.MAX_SAFE_INTEGER);
}

/** Fills `target` one sample at a time. */
export function fillEach(target: NoiseTarget, sample: () => number): void {
  const largest = largestOf(target);
  for (let i = 0; i < target.length; i++) target[i] = assertMagnitude(sample(), largest);
}
