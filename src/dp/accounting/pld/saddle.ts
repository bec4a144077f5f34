import { findRoot } from '../../../core/special/roots.ts';
import type { Cumulants } from './contour-part.ts';

/** Tilts beyond which losses times tilt would cost too many digits; bounded losses may ask for more. */
const MOST_TILT = 1e6;
const LEAST_TILT = 1e-7;

/** A law, used so many times, whose cumulants are known. */
export interface Tiltable {
  readonly count: number;
  cumulants(s: number): Cumulants;
}

/** Cumulants of the sum of all losses. */
export function totalAt(parts: readonly Tiltable[], s: number): Cumulants {
  let logMoment = 0;
  let logMomentError = 0;
  let mean = 0;
  let variance = 0;
  for (const part of parts) {
    const cumulants = part.cumulants(s);
    logMomentError += part.count * cumulants.logMomentError;
    logMoment += part.count * cumulants.logMoment;
    mean += part.count * cumulants.mean;
    variance += part.count * cumulants.variance;
  }
  return { logMoment, logMomentError, mean, variance };
}

/** False for the saddle of losses so extreme that their cumulants overflow. */
export function isUsable({ s, epsilon, variance }: Saddle): boolean {
  return s > 0 && Number.isFinite(epsilon) && Number.isFinite(variance);
}

/** Where the integrand has its saddle, and what is to be found there. */
export interface Saddle {
  readonly s: number;
  readonly epsilon: number;
  /** Variance of the total loss after tilting. */
  readonly variance: number;
}

/**
 * The zero of a falling function of s > 0 to three digits, or the end of the range next to it; NaN where
 * the function is that.
 */
function solveFalling(f: (s: number) => number): number {
  if (Number.isNaN(f(1))) return Number.NaN;
  // Exponents of 2, so that both ends of the bracket are exact.
  let low = 0;
  let high = 0;
  if (f(1) > 0) {
    do {
      low = high;
      high++;
      if (2 ** high > MOST_TILT) return 2 ** low;
    } while (f(2 ** high) > 0);
  } else {
    do {
      high = low;
      low--;
      if (2 ** low < LEAST_TILT) return 2 ** high;
    } while (!(f(2 ** low) > 0));
  }
  if (Number.isNaN(f(2 ** low)) || Number.isNaN(f(2 ** high))) return Number.NaN;
  const options = { tolerance: 1e-3, maxIterations: 40 };
  return 2 ** findRoot((exponent) => f(2 ** exponent), low, high, options);
}

/** The saddle for a delta, and the epsilon that a Gaussian there would give. */
export function saddleForDelta(parts: readonly Tiltable[], delta: number): Saddle {
  const at = (s: number): { log: number; epsilon: number; variance: number } => {
    const { logMoment, mean, variance } = totalAt(parts, s);
    const epsilon = mean - 1 / s - 1 / (s + 1);
    const curvature = variance + 1 / (s * s) + 1 / ((s + 1) * (s + 1));
    const log =
      logMoment - s * epsilon - Math.log(s * (s + 1)) - 0.5 * Math.log(2 * Math.PI * curvature);
    return { log, epsilon, variance };
  };
  const logDelta = Math.log(delta);
  const s = solveFalling((x) => at(x).log - logDelta);
  const { epsilon, variance } = at(s);
  if (epsilon < 0) return saddleForEpsilon(parts, 0);
  return { s, epsilon, variance };
}

/** The saddle of the integrand for an epsilon. */
export function saddleForEpsilon(parts: readonly Tiltable[], epsilon: number): Saddle {
  const s = solveFalling((x) => epsilon + 1 / x + 1 / (x + 1) - totalAt(parts, x).mean);
  return { s, epsilon, variance: totalAt(parts, s).variance };
}

/** A larger tilt with its log-moment, and the period that the two of them ask for. */
export interface FarTilt {
  readonly s: number;
  /** Rounded up by its error. */
  readonly logMoment: number;
  readonly period: number;
}

/** Larger tilts tried: at these multiples of the natural distance, and of the tilt itself, beyond it. */
const DISTANCES = [0.15, 0.4, 1];
const FACTORS = [0.1, 0.2, 0.35, 0.6, 1];

/**
 * The least period that proves that what a sum over it folds in, δ(ε + m·period)·e^(s·m·period) from
 * above and e^(−s·m·period) from below, stays under e^(−fold) of delta, and the larger tilt that proves it.
 */
export function farTilt(
  parts: readonly Tiltable[],
  saddle: Saddle,
  logDelta: number,
  fold: number,
): FarTilt {
  const { s, epsilon, variance } = saddle;
  // Next to the end of a bounded loss the variance is nothing, and no distance is too far.
  const unit = Math.min(Math.sqrt((2 * fold) / variance), 10 * s);
  const fromBelow = (fold - logDelta) / s;
  let best: FarTilt = { s: 2 * s, logMoment: 0, period: Number.POSITIVE_INFINITY };
  for (const distance of [...DISTANCES.map((d) => d * unit), ...FACTORS.map((f) => f * s)]) {
    const far = s + distance;
    const { logMoment, logMomentError } = totalAt(parts, far);
    const needed = logMoment - far * epsilon - logDelta + fold;
    const period = Math.max(needed / (far - s), fromBelow);
    if (period < best.period) best = { s: far, logMoment: logMoment + logMomentError, period };
  }
  return best;
}
