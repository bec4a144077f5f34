/**
 * The Gaussian mixture behind Poisson sampling, in units in which the noise has deviation 1 and the
 * sampled record moves the mean by `shift`:
 * R(x) = 1 − q + q·e^(shift·x − shift²/2) is the density of (1−q)N(0,1) + qN(shift,1) over that of N(0,1).
 */
export interface GaussianMixture {
  readonly samplingRate: number;
  /** 1/noiseMultiplier for add-or-remove and zero-out, half of that for replace-one. */
  readonly shift: number;
}

/** log R(x): accurate where R is nearly 1, finite where R overflows. */
export function logMixtureRatio(mixture: GaussianMixture, x: number): number {
  const { samplingRate, shift } = mixture;
  const exponent = shift * (x - shift / 2);
  if (exponent < 600) return Math.log1p(samplingRate * Math.expm1(exponent));
  return exponent + Math.log(samplingRate);
}
