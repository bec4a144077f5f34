import { type CertifiedLaw, LEAST_RELATIVE_ERROR } from './certified-law.ts';
import { type Bounds, expBounds } from './exp-bounds.ts';
import { EXP_BEYOND_LIMIT, EXP_FLOAT_LIMIT, expFloat } from './exp-float.ts';
import { dyadicOf } from './rational.ts';

/**
 * Weight e^(−y²/(2σ²)) for the exact value of the double σ: on the reals for the rounded Gaussian, on the
 * integers for the discrete one.
 *
 * @param sigma - in [2⁻⁴⁰, 2⁴⁰], so that no intermediate double overflows or loses digits
 * @param relativeError - claimed by the float weight; tests widen it to force the exact path
 */
export function gaussianLaw(
  sigma: number,
  continuous: boolean,
  relativeError: number = LEAST_RELATIVE_ERROR,
): CertifiedLaw {
  const rate = 1 / (2 * sigma * sigma);
  const { mantissa, exponent } = dyadicOf(sigma);
  const square = mantissa * mantissa;
  return {
    continuous,
    spread: sigma,
    relativeError,
    weightBeyond: EXP_BEYOND_LIMIT,
    weight(point: number): number {
      if (point === 0) return continuous ? 1 : 0.5;
      const x = point * point * rate;
      return x <= EXP_FLOAT_LIMIT ? expFloat(x) : Number.NaN;
    },
    weightBounds(numerator: bigint, shift: number, precision: number): Bounds {
      // y²/(2σ²) = numerator² / (square · 2^power)
      const power = 2 * shift + 1 + 2 * exponent;
      const top = power >= 0 ? numerator * numerator : (numerator * numerator) << BigInt(-power);
      const bottom = power >= 0 ? square << BigInt(power) : square;
      const [lower, upper] = expBounds(top, bottom, precision);
      return continuous || numerator !== 0n ? [lower, upper] : [lower >> 1n, (upper >> 1n) + 1n];
    },
  };
}
