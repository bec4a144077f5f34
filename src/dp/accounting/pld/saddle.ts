import { findRoot } from '../../../core/special/roots.ts';
import type { Cumulants } from './contour-part.ts';

/** Power of e by which what a period folds in stays under delta. */
export const FOLD = 25;
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
  let mean = 0;
  let variance = 0;
  for (const part of parts) {
    const cumulants = part.cumulants(s);
    logMoment += part.count * cumulants.logMoment;
    mean += part.count * cumulants.mean;
    variance += part.count * cumulants.variance;
  }
  return { logMoment, mean, variance };
}

/** Where the integrand has its saddle, and what is to be found there. */
export interface Saddle {
  readonly s: number;
  readonly epsilon: number;
  /** Variance of the total loss after tilting. */
  readonly variance: number;
}

/** The zero of a falling function of s > 0 to three digits, or the end of the range next to it. */
function solveFalling(f: (s: number) => number): number {
  let low = 1;
  let high = 1;
  if (f(1) > 0) {
    do {
      low = high;
      high *= 2;
      if (high > MOST_TILT) return low;
    } while (f(high) > 0);
  } else {
    do {
      high = low;
      low /= 2;
      if (low < LEAST_TILT) return high;
    } while (!(f(low) > 0));
  }
  return Math.exp(
    findRoot((u) => f(Math.exp(u)), Math.log(low), Math.log(high), {
      tolerance: 1e-3,
      maxIterations: 40,
    }),
  );
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

/**
 * A tilt beyond the saddle and the period from which on it proves that δ(ε + period)·e^(s·period) and
 * its like are e^(−FOLD) of delta; the one that asks for the least period.
 */
export function farTilt(
  parts: readonly Tiltable[],
  saddle: Saddle,
  logDelta: number,
): { s: number; logMoment: number; period: number } {
  const { s, epsilon, variance } = saddle;
  let best = { s: 2 * s, logMoment: 0, period: Number.POSITIVE_INFINITY };
  const unit = Math.sqrt((2 * FOLD) / variance);
  for (const distance of [0.15, 0.3, 0.5, 0.8, 1.2]) {
    const far = s + distance * unit;
    const { logMoment } = totalAt(parts, far);
    const needed = logMoment - far * epsilon - logDelta + FOLD;
    const period = Math.max(needed, 1) / (far - s);
    if (period < best.period) best = { s: far, logMoment, period };
  }
  return best;
}
