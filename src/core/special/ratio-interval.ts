/** Two sums with jointly Gaussian noise. */
export interface NoisyRatio {
  readonly numerator: number;
  readonly numeratorStddev: number;
  readonly denominator: number;
  readonly denominatorStddev: number;
  /** Of the two noises, as where one sum is a part of the other; default 0. */
  readonly covariance?: number;
}

/** All ratios that the noise does not rule out. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Confidence interval of the ratio θ of the true sums: all θ with
 * (numerator − θ·denominator)² ≤ z²(σ_n² − 2θ·cov + θ²σ_d²), which holds the truth exactly as often as z says.
 *
 * @param z - two-sided normal quantile
 * @returns null where the denominator is too noisy to bound the ratio on both sides
 * @see E. C. Fieller, "Some problems in interval estimation", 1954
 */
export function ratioInterval(ratio: NoisyRatio, z: number): Interval | null {
  const { numerator: n, denominator: d } = ratio;
  const varianceN = (z * ratio.numeratorStddev) ** 2;
  const varianceD = (z * ratio.denominatorStddev) ** 2;
  const covariance = z * z * (ratio.covariance ?? 0);
  const leading = d * d - varianceD;
  if (!(d > 0 && leading > 0)) return null;
  // Between 0 and rounding where there is no noise.
  const spread = Math.sqrt(
    Math.max(
      0,
      varianceN * d * d +
        varianceD * n * n -
        varianceN * varianceD -
        2 * n * d * covariance +
        covariance * covariance,
    ),
  );
  const middle = n * d - covariance;
  return { low: (middle - spread) / leading, high: (middle + spread) / leading };
}
