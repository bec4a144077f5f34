import { type CertifiedLaw, LEAST_RELATIVE_ERROR } from './certified-law.ts';
import type { Bounds } from './exp-bounds.ts';
import { EXP_BEYOND_LIMIT, EXP_FLOAT_LIMIT, expFloat } from './exp-float.ts';
import { dyadicOf } from './rational.ts';

/** From this mode on the series of the logarithm is used; its terms of Stirling are exact to 2⁻⁶⁰. */
const LEAST_SERIES_MODE = 2048;
/** The series is proven up to this share of the mode. */
const LARGEST_RATIO = 1 / 8;
/** So many factors may be multiplied one by one in doubles. */
const MOST_FACTORS = 256;
/** Under this a double might lose digits on its way to 0. */
const LEAST_WEIGHT = 2 ** -200;
const TERMS = 16;
/** Coefficients of ((1+x)ln(1+x) − x) / x² and ln(1+x) / x by powers of −x. */
const CURVE = Float64Array.from({ length: TERMS }, (_, j) => 1 / ((j + 1) * (j + 2)));
const SLOPE = Float64Array.from({ length: TERMS }, (_, j) => 1 / (j + 1));

/**
 * One side of the Poisson law as a law of the distance d from its mode m = ⌊lambda⌋: the weight is
 * P[m ± d] / P[m]. Proof of the errors: `poisson.proof.md`.
 *
 * @param lambda - in (0, 2⁴⁰]
 * @param side - 1 for values over the mode, −1 for those under it
 * @param relativeError - claimed by the float weight; tests widen it to force the exact path
 */
export function poissonSideLaw(
  lambda: number,
  side: 1 | -1,
  relativeError: number = LEAST_RELATIVE_ERROR,
): CertifiedLaw {
  const mode = Math.floor(lambda);
  const serial = mode >= LEAST_SERIES_MODE;
  const lastProven = serial ? Math.floor(mode * LARGEST_RATIO) : MOST_FACTORS;
  const weight = (distance: number): number => {
    if (distance > lastProven) return Number.NaN;
    const value = serial
      ? seriesWeight(lambda, mode, side * distance)
      : productWeight(lambda, mode, side, distance);
    return value >= LEAST_WEIGHT ? value : Number.NaN;
  };
  const atLast = weight(lastProven);
  return {
    continuous: false,
    spread: Math.sqrt(lambda),
    relativeError,
    weightBeyond: atLast > EXP_BEYOND_LIMIT ? 2 * atLast : EXP_BEYOND_LIMIT,
    weight,
    weightBounds(distance: bigint, _shift: number, precision: number): Bounds {
      return productBounds(lambda, mode, side, Number(distance), precision);
    },
  };
}

function productWeight(lambda: number, mode: number, side: 1 | -1, distance: number): number {
  let weight = 1;
  for (let i = 1; i <= distance; i++) {
    weight *= side > 0 ? lambda / (mode + i) : (mode - i + 1) / lambda;
  }
  return weight;
}

/** exp of d·ln(λ/m) − m·h(x) − ln(1+x)/2 + s(m) − s(m+d), x = d/m, h(x) = (1+x)ln(1+x) − x, s of Stirling. */
function seriesWeight(lambda: number, mode: number, d: number): number {
  const x = d / mode;
  let curve = 0;
  let slope = 0;
  for (let j = TERMS - 1; j >= 0; j--) {
    curve = (CURVE[j] as number) - x * curve;
    slope = (SLOPE[j] as number) - x * slope;
  }
  const f = (lambda - mode) / mode;
  const logRatio = f * (1 - f * (1 / 2 - f * (1 / 3 - f / 4)));
  const exponent =
    d * x * curve + (x * slope) / 2 - d * logRatio - stirling(mode) + stirling(mode + d);
  return exponent <= EXP_FLOAT_LIMIT ? expFloat(Math.max(0, exponent)) : Number.NaN;
}

/** ln n! less its leading terms; the next term is under n⁻⁵/1260. */
function stirling(n: number): number {
  return (1 / 12 - 1 / (360 * n * n)) / n;
}

/** The product of the exact factors, each step rounded outwards. */
function productBounds(
  lambda: number,
  mode: number,
  side: 1 | -1,
  distance: number,
  precision: number,
): Bounds {
  if (side < 0 && distance > mode) return [0n, 0n];
  const { mantissa, exponent } = dyadicOf(lambda);
  const top = mantissa << BigInt(Math.max(exponent, 0));
  const bottom = 1n << BigInt(Math.max(-exponent, 0));
  const guard = 64n;
  let lower = 1n << (BigInt(precision) + guard);
  let upper = lower;
  for (let i = 1; i <= distance; i++) {
    const numerator = side > 0 ? top : BigInt(mode - i + 1) * bottom;
    const denominator = side > 0 ? BigInt(mode + i) * bottom : top;
    lower = (lower * numerator) / denominator;
    upper = (upper * numerator) / denominator + 1n;
  }
  return [lower >> guard, (upper >> guard) + 1n];
}
