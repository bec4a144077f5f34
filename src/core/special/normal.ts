import { erf, erfcx, expOfMinusSquare } from './erf.ts';

/** Below this |z| the distribution function is 1/2 plus a small odd part. */
const CENTRE = 0.66;
const SQRT_2_PI = 2.5066282746310007;

/** Φ(z) for z < 0, relative accuracy kept into the far tail (z/√2 would lose it if rounded first). */
function lowerTail(z: number): number {
  return 0.5 * expOfMinusSquare(z, 0.5) * erfcx(-z * Math.SQRT1_2);
}

/** Density of the standard normal distribution. */
export function normalDensity(z: number): number {
  return expOfMinusSquare(z, 0.5) / SQRT_2_PI;
}

/** Φ(z), the standard normal distribution function. */
export function normalCdf(z: number): number {
  if (Math.abs(z) < CENTRE) return 0.5 + 0.5 * erf(z * Math.SQRT1_2);
  if (z < -38.6) return 0;
  return z < 0 ? lowerTail(z) : 1 - lowerTail(-z);
}

/** log Φ(z): finite for every finite z, and accurate where Φ(z) underflows or is nearly 1. */
export function logNormalCdf(z: number): number {
  if (z > 0) return Math.log1p(-normalCdf(-z));
  if (z > -1) return Math.log(normalCdf(z));
  return Math.log(0.5 * erfcx(-z * Math.SQRT1_2)) - 0.5 * z * z;
}

/** Φ(−z)/φ(z), the Mills ratio: what is left of the tail when the density is taken out. */
export function millsRatio(z: number): number {
  return (SQRT_2_PI / 2) * erfcx(z * Math.SQRT1_2);
}

/**
 * Inverse of {@link normalCdf}.
 *
 * @param p - in (0, 1); 0 and 1 give the infinities
 * @throws {RangeError} when `p` is outside [0, 1]
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`"p" expected a number in [0, 1], got ${p}`);
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  // p − 1/2 is exact here, so small quantiles keep their relative accuracy.
  if (p > 0.25 && p < 0.75) return centralQuantile(p - 0.5);
  return p < 0.5 ? tailQuantile(p) : -tailQuantile(1 - p);
}

/** Solves erf(z/√2)/2 = offset by Halley's rule: the second derivative of Φ is −z·φ. */
function centralQuantile(offset: number): number {
  let z = offset * SQRT_2_PI;
  for (let i = 0; i < 4; i++) {
    const step = (0.5 * erf(z * Math.SQRT1_2) - offset) / normalDensity(z);
    z -= step / (1 + 0.5 * z * step);
  }
  return z;
}

/** Solves log Φ(z) = log p for p ≤ 1/4 from formula 26.2.23 of Abramowitz & Stegun, off by 4.5e-4. */
function tailQuantile(p: number): number {
  const target = Math.log(p);
  const t = Math.sqrt(-2 * target);
  let z =
    (2.515517 + t * (0.802853 + t * 0.010328)) /
      (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) -
    t;
  for (let i = 0; i < 3; i++) {
    const mills = millsRatio(-z);
    const difference = logNormalCdf(z) - target;
    // Halley's rule for log Φ: g' = φ/Φ = 1/mills, g''/g' = −(z + 1/mills).
    const step = difference * mills;
    z -= step / (1 + 0.5 * step * (z + 1 / mills));
  }
  return z;
}
