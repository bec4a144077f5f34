import { VelaturaError } from '../../core/errors.ts';
import { gaussLegendre } from '../../core/special/gauss-legendre.ts';
import { millsRatio, normalCdf, normalDensity } from '../../core/special/normal.ts';
import { lastHolding } from '../../core/special/roots.ts';
import { nextDown, nextUp } from '../../core/special/ulp.ts';
import { gaussianPrecision } from './leaves.ts';
import { invalid, requireDelta, requireEpsilon } from './refuse.ts';

const HALF_LOG_2_PI = 0.9189385332046728;
/** Where the search for µ stops: no epsilon that a double holds needs more. */
const MOST_MU = 2 ** 520;
/** Under this µ the two tails are so alike that their difference is integrated instead. */
const QUADRATURE_LIMIT = 0.5;

/** log delta as computed, and by how much it may be wrong. See gdp.proof.md. */
interface LogDelta {
  readonly value: number;
  readonly error: number;
}

/**
 * log of δ(ε) = Φ(µ/2 − ε/µ) − e^ε Φ(−µ/2 − ε/µ) (Balle & Wang 2018, theorem 8), as
 * log φ(a) + log(m(a) − m(b)) with a, b = ε/µ ∓ µ/2 and Mills ratios m, because e^ε φ(b) = φ(a).
 */
function logDelta(mu: number, epsilon: number): LogDelta {
  const centre = epsilon / mu;
  const a = centre - mu / 2;
  const b = centre + mu / 2;
  // Both a and b carry rounding errors of that many units.
  const shift = 2 * b;
  let value: number;
  let cancellation = 1;
  if (a < 0 && mu >= QUADRATURE_LIMIT) {
    const first = normalCdf(-a);
    value = Math.log(first - normalDensity(a) * millsRatio(b));
    cancellation = first / Math.exp(value);
  } else if (mu >= QUADRATURE_LIMIT) {
    const first = millsRatio(a);
    const difference = first - millsRatio(b);
    cancellation = first / difference;
    value = Math.log(difference) - 0.5 * a * a - HALF_LOG_2_PI;
  } else {
    value = Math.log(millsDifference(a, mu)) - 0.5 * a * a - HALF_LOG_2_PI;
  }
  const error =
    Number.EPSILON *
    (64 + 4 * Math.abs(value) + 2 * (1 + Math.abs(a)) * shift + 16 * cancellation * (1 + shift));
  return { value, error };
}

/** m(a) − m(a + µ) = ∫₀^∞ e^(−t²/2 − at)(1 − e^(−µt)) dt for a > −1: no cancellation. */
function millsDifference(a: number, mu: number): number {
  // Beyond the end the integrand is under e^(−50) of its size.
  const end = Math.sqrt(a * a + 100) - a;
  const { nodes, weights } = gaussLegendre(48);
  let sum = 0;
  for (let i = 0; i < nodes.length; i++) {
    const t = 0.5 * end * (1 + (nodes[i] as number));
    sum -= (weights[i] as number) * Math.exp(-t * (0.5 * t + a)) * Math.expm1(-mu * t);
  }
  return 0.5 * end * sum;
}

/** True only when δ(ε) ≤ delta for certain. */
function isCovered(mu: number, epsilon: number, logTarget: number): boolean {
  const { value, error } = logDelta(mu, epsilon);
  return value + error <= logTarget || logTailBound(mu, epsilon) <= logTarget;
}

/**
 * log of φ(a)/a ≥ Φ(−a) ≥ δ(ε) for a = ε/µ − µ/2 of at least 1, rounded up: certain also where the two
 * Mills ratios of {@link logDelta} can no longer be told apart.
 */
function logTailBound(mu: number, epsilon: number): number {
  const centre = epsilon / mu;
  const a = centre - mu / 2 - 4 * Number.EPSILON * (centre + mu / 2);
  if (!(a >= 1)) return Number.POSITIVE_INFINITY;
  return (-0.5 * a * a - HALF_LOG_2_PI - Math.log(a)) * (1 - 8 * Number.EPSILON);
}

/** log delta, rounded down. */
function logFloor(delta: number): number {
  return nextDown(nextDown(Math.log(delta)));
}

/**
 * Delta of a Gaussian mechanism: exact, rounded up.
 *
 * @param mu - positive: 1/noiseMultiplier; √Σ 1/noiseMultiplier² for several
 * @param epsilon - at least 0
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function deltaOfGdp(mu: number, epsilon: number): number {
  requireMu(mu);
  requireEpsilon(epsilon);
  if (mu === 0) return 0;
  const { value, error } = logDelta(mu, epsilon);
  return Math.min(1, nextUp(nextUp(Math.exp(value + error))));
}

/**
 * Epsilon of a Gaussian mechanism: exact, rounded up; never under the truth.
 *
 * @param mu - at least 0: 1/noiseMultiplier; √Σ 1/noiseMultiplier² for several
 * @param delta - in (0, 1)
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function epsilonOfGdp(mu: number, delta: number): number {
  requireMu(mu);
  requireDelta(delta);
  const target = logFloor(delta);
  if (mu === 0 || isCovered(mu, 0, target)) return 0;
  // Φ(µ/2 − ε/µ) ≤ delta there, by the Chernoff bound of the normal tail.
  let high = mu * (mu / 2 + Math.sqrt(-2 * target));
  if (!Number.isFinite(high)) return Number.POSITIVE_INFINITY;
  while (!isCovered(mu, high, target)) {
    high *= 1.5;
    if (high === Number.POSITIVE_INFINITY) return high;
  }
  return lastHolding((epsilon) => isCovered(mu, epsilon, target), high, 0);
}

/**
 * The most µ that stays within (epsilon, delta), rounded down: the capacity of a budget in the currency
 * of Gaussian differential privacy is its square. 0 where no positive µ does.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function muOfEpsilon(epsilon: number, delta: number): number {
  requireEpsilon(epsilon);
  requireDelta(delta);
  const target = logFloor(delta);
  let low = 1;
  while (!isCovered(low, epsilon, target)) {
    low /= 2;
    if (low === 0) return 0;
  }
  let high = low * 2;
  while (high < MOST_MU && isCovered(high, epsilon, target)) high *= 2;
  if (isCovered(high, epsilon, target)) return high;
  return lastHolding((mu) => isCovered(mu, epsilon, target), low, high);
}

/** What {@link calibrateGaussian} is to reach. */
export interface GaussianTarget {
  readonly epsilon: number;
  readonly delta: number;
  /** Number of releases with that noise; default 1. */
  readonly count?: number;
}

/**
 * Least noise multiplier of each of `count` Gaussian releases that together stay within
 * (epsilon, delta), rounded up.
 *
 * Source: Balle & Wang, Improving the Gaussian mechanism (2018), theorem 8, solved for the noise.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function calibrateGaussian(target: GaussianTarget): number {
  const { epsilon, delta, count = 1 } = target;
  if (!(Number.isSafeInteger(count) && count >= 1))
    throw invalid('count', 'a positive integer', count);
  const mu = muOfEpsilon(epsilon, delta);
  if (mu === 0) {
    throw new VelaturaError('dp/no-solution', 'no noise reaches so small an epsilon and delta', {
      epsilon,
      delta,
    });
  }
  let noiseMultiplier = nextUp(nextUp(Math.sqrt(count)) / mu);
  // Whoever adds the costs up again rounds them upwards, and must not pass the target by that.
  const priced = (): number =>
    epsilonOfGdp(muOfCost(gaussianPrecision(noiseMultiplier, count)), delta);
  while (priced() > epsilon) noiseMultiplier *= 1 + Number.EPSILON;
  return noiseMultiplier;
}

/** µ of a cost Σ 1/noiseMultiplier², rounded up. */
export function muOfCost(cost: number): number {
  return cost === 0 ? 0 : nextUp(Math.sqrt(cost));
}

function requireMu(mu: number): void {
  if (!(mu >= 0 && mu < Number.POSITIVE_INFINITY)) {
    throw invalid('mu', 'a finite number of at least 0', mu);
  }
}
