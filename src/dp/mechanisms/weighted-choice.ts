import { type RandomSource, uniformInteger } from '../../core/random-source.ts';
import { expBounds } from '../noise/exp-bounds.ts';
import { EXP_FLOAT_LIMIT, expFloat } from '../noise/exp-float.ts';
import { LazyUniform } from '../noise/lazy-uniform.ts';
import type { Rational } from '../noise/rational.ts';

/** Groups of equal candidates: `sizes[i]` of them, each of weight e^(−costs[i]·rate). */
export interface WeightedGroups {
  /** Integers ≥ 0, at most 2⁵³; one of them is 0. */
  readonly costs: Float64Array;
  /** Integers ≥ 1 that sum to at most 2⁵³. */
  readonly sizes: Float64Array;
}

/** How finely weights become whole numbers; changes the time of a draw and never its law. */
export interface ChoicePrecision {
  /** Bound on the relative error of a weight in doubles: weighted-choice.proof.md §2. Tests widen it. */
  readonly relativeError: number;
  /** All weights together become up to 2^totalBits units; at most 50. Tests take few. */
  readonly totalBits: number;
}

const PRECISION: ChoicePrecision = { relativeError: 2 ** -40, totalBits: 50 };

/**
 * Draws a group with probability proportional to size · e^(−cost·rate), **exactly**: a float proposes, and inside
 * its proven error integers decide. Proof: weighted-choice.proof.md.
 *
 * Cost: linear in the number of groups.
 *
 * @param rate - exact, > 0
 * @returns an index
 */
export function chooseWeighted(
  { costs, sizes }: WeightedGroups,
  rate: Rational,
  random: RandomSource,
  { relativeError, totalBits }: ChoicePrecision = PRECISION,
): number {
  const perCost = quotient(rate);
  const weights = costs.map((cost, i) => {
    const exponent = cost * perCost;
    return exponent <= EXP_FLOAT_LIMIT ? (sizes[i] as number) * expFloat(exponent) : 0;
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scaleBits = totalBits - Math.ceil(Math.log2(total));
  const scale = 2 ** scaleBits;
  // Each group gets a whole number of units, more than its weight.
  const ends = new Float64Array(costs.length);
  let end = 0;
  for (let i = 0; i < ends.length; i++) {
    end += Math.floor((weights[i] as number) * scale * (1 + relativeError)) + 1;
    ends[i] = end;
  }
  for (;;) {
    const unit = uniformInteger(random, end);
    const index = firstOver(ends, unit);
    const height = unit - (index === 0 ? 0 : (ends[index - 1] as number));
    const fraction = new LazyUniform(random);
    const drawn = height + fraction.word(0) * 2 ** -32;
    const weight = (weights[index] as number) * scale;
    if (drawn + 2 ** -32 <= weight * (1 - relativeError)) return index;
    const group = { cost: BigInt(costs[index] as number), size: BigInt(sizes[index] as number) };
    if (isUnder(BigInt(height), fraction, group, rate, scaleBits)) return index;
  }
}

/** Index of the first entry over `value`. */
function firstOver(ends: Float64Array, value: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether height + fraction < size · e^(−cost·rate) · 2^scaleBits: ever more digits until integers decide. */
function isUnder(
  height: bigint,
  fraction: LazyUniform,
  group: { readonly cost: bigint; readonly size: bigint },
  { numerator, denominator }: Rational,
  scaleBits: number,
): boolean {
  for (let words = 1; ; words *= 2) {
    const digits = 32 * words;
    const precision = digits + 64;
    const drawn = (height << BigInt(digits)) | fraction.prefix(words);
    const [lower, upper] = expBounds(group.cost * numerator, denominator, precision);
    // Both sides in units of 2^(−precision) or, where the scale is under 1, of that times the scale.
    const raise = BigInt(precision - digits) + BigInt(Math.max(0, -scaleBits));
    const factor = group.size << BigInt(Math.max(0, scaleBits));
    if ((drawn + 1n) << raise <= lower * factor) return true;
    if (drawn << raise >= upper * factor) return false;
  }
}

/** The nearest double, to a few units in the last place, of a fraction whose parts may be past all doubles. */
function quotient({ numerator, denominator }: Rational): number {
  const shift = numerator.toString(2).length - denominator.toString(2).length - 64;
  const whole =
    shift >= 0
      ? numerator / (denominator << BigInt(shift))
      : (numerator << BigInt(-shift)) / denominator;
  return Number(whole) * 2 ** shift;
}
