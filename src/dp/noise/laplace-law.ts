import { type CertifiedLaw, LEAST_RELATIVE_ERROR } from './certified-law.ts';
import { type Bounds, expBounds } from './exp-bounds.ts';
import { EXP_BEYOND_LIMIT, EXP_FLOAT_LIMIT, expFloat } from './exp-float.ts';
import { rationalOf } from './rational.ts';

/**
 * Weight e^(−parameter·m) on the integers, for the exact value of the double `parameter`.
 *
 * @param parameter - in [2⁻⁴⁰, 2⁴⁰]
 * @param relativeError - claimed by the float weight; tests widen it to force the exact path
 */
export function laplaceLaw(
  parameter: number,
  relativeError: number = LEAST_RELATIVE_ERROR,
): CertifiedLaw {
  const { numerator, denominator } = rationalOf(parameter);
  return {
    continuous: false,
    spread: 1 / parameter,
    relativeError,
    weightBeyond: EXP_BEYOND_LIMIT,
    weight(point: number): number {
      if (point === 0) return 0.5;
      const x = point * parameter;
      return x <= EXP_FLOAT_LIMIT ? expFloat(x) : Number.NaN;
    },
    weightBounds(point: bigint, _shift: number, precision: number): Bounds {
      const [lower, upper] = expBounds(point * numerator, denominator, precision);
      return point === 0n ? [lower >> 1n, (upper >> 1n) + 1n] : [lower, upper];
    },
  };
}
