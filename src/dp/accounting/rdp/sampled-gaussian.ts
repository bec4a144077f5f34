import { nextUp } from '../../../core/special/ulp.ts';
import { type GaussianMixture, logMixtureRatio } from './mixture.ts';
import { logOnePlusExp, logPowerAboveTangent, logSum } from './power-tangent.ts';

const HALF_LOG_2_PI = 0.9189385332046727;
/** e^(−60) is what the quadrature may leave out: far under the slack that the curve adds. */
const PRECISION = 60;
/** Φ(−12) < 2e-33. */
const REACH = 12;

/**
 * Width of a trapezoidal rule for e^(−x²/2) times something analytic and bounded by `growth` powers of e
 * in |Im x| < strip. See sampled-gaussian.proof.md.
 */
function stepWidth(strip: number, growth: number): number {
  const digits = PRECISION + growth;
  const free = Math.PI * Math.sqrt(2 / digits);
  // The free optimum shifts the line by 2π/h; it may not leave the strip.
  if ((2 * Math.PI) / free <= strip) return free;
  return (2 * Math.PI * strip) / (digits + (strip * strip) / 2);
}

/** A rule of more nodes is not worth its time: hardly any noise is left, and sampling hardly helps. */
const MOST_NODES = 1 << 16;

/**
 * (1/(α−1))·log(1 + E[e^(logTerm)]) for x ~ N(0, 1).
 *
 * @param unsampled - the divergence without sampling, which bounds it: Rényi divergence is jointly
 * quasi-convex (van Erven & Harremoës 2014, theorem 13), and the pair is a mixture of equal laws and these
 */
function divergence(
  logTerm: (x: number) => number,
  order: number,
  from: number,
  to: number,
  step: number,
  unsampled: number,
): number {
  if (!((to - from) / step <= MOST_NODES)) return unsampled;
  const terms: number[] = [];
  for (let x = from; x <= to; x += step) terms.push(logTerm(x) - 0.5 * x * x);
  const logExcess = logSum(terms) + Math.log(step) - HALF_LOG_2_PI;
  return logOnePlusExp(logExcess) / (order - 1);
}

/**
 * Rényi divergence of order α of the Poisson-sampled Gaussian under add-or-remove, for every real α > 1:
 * that of the mixture from the plain Gaussian, which is the larger of the two directions.
 *
 * A(α) − 1 = E[(1+u)^α − 1 − αu] with u = R − 1 and E[u] = 0: an integrand that is never negative, so
 * nothing cancels where an alternating series loses its signs.
 *
 * Source: Mironov, Talwar & Zhang, Rényi differential privacy of the sampled Gaussian mechanism (2019),
 * theorem 5 for the direction, section 3.3 for A(α).
 */
export function sampledGaussianDivergence(mixture: GaussianMixture, order: number): number {
  const { shift } = mixture;
  // The mixture vanishes at |Im x| = π/shift.
  return divergence(
    (x) => logPowerAboveTangent(logMixtureRatio(mixture, x), order),
    order,
    -REACH,
    REACH + order * shift,
    stepWidth((0.9 * Math.PI) / shift, 0),
    nextUp(nextUp(order * shift * shift) / 2),
  );
}

/**
 * The same under replace-one: (1−q)N(0,1) + qN(shift,1) from (1−q)N(0,1) + qN(−shift,1). See
 * sampling.proof.md for why that pair is the worst.
 */
export function replacedGaussianDivergence(mixture: GaussianMixture, order: number): number {
  const { shift } = mixture;
  const reach = REACH + order * shift;
  return divergence(
    (x) => {
      const below = logMixtureRatio(mixture, -x);
      return below + logPowerAboveTangent(logMixtureRatio(mixture, x) - below, order);
    },
    order,
    -reach,
    reach,
    // On half the strip |R| is at least cos(π/4) of its size on the real line.
    stepWidth((0.5 * Math.PI) / shift, 0.5 * order),
    nextUp(nextUp(order * shift * shift) * 2),
  );
}
