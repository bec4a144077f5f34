import { findRoot } from '../../../core/special/roots.ts';
import type { CertifiedInterval } from '../../accountant.ts';
import type { ContourPart, TiltedPart } from './contour-part.ts';

/** Powers of e by which what is cut off, folded over or unproven stays under the answer. */
const DECAY = 30;
const FOLD = 25;
/** Share of the decay at the last frequency that must be proven for all beyond it. */
const PROVEN = 0.72;
/** Beyond that many frequencies times points the lattice is quicker. */
const MAX_WORK = 2e7;

/** Sums over parts at one real s. */
interface Total {
  readonly logMoment: number;
  readonly mean: number;
  readonly variance: number;
}

function totalAt(parts: readonly ContourPart[], s: number): Total {
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

/** The zero of a falling function of s > 0, to three digits. */
function solveFalling(f: (s: number) => number): number | undefined {
  let low = 1;
  let high = 1;
  if (f(1) > 0) {
    do {
      low = high;
      high *= 2;
    } while (high < 1e7 && f(high) > 0);
    if (high >= 1e7) return undefined;
  } else {
    do {
      high = low;
      low /= 2;
    } while (low > 1e-7 && !(f(low) > 0));
    if (low <= 1e-7) return undefined;
  }
  return Math.exp(
    findRoot((u) => f(Math.exp(u)), Math.log(low), Math.log(high), {
      tolerance: 1e-3,
      maxIterations: 40,
    }),
  );
}

/** The saddle for a delta, and the epsilon that a Gaussian there would give. */
export function saddleForDelta(parts: readonly ContourPart[], delta: number): Saddle | undefined {
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
  if (s === undefined) return undefined;
  const { epsilon, variance } = at(s);
  if (epsilon < 0) return saddleForEpsilon(parts, 0);
  return { s, epsilon, variance };
}

/** The saddle of the integrand for an epsilon. */
export function saddleForEpsilon(
  parts: readonly ContourPart[],
  epsilon: number,
): Saddle | undefined {
  const s = solveFalling((x) => epsilon + 1 / x + 1 / (x + 1) - totalAt(parts, x).mean);
  if (s === undefined) return undefined;
  return { s, epsilon, variance: totalAt(parts, s).variance };
}

/**
 * δ(ε) = (1/2π)∫ e^(K(s) − sε)/(s(s+1)) dt over s = s₀ + it as a trapezoidal sum whose four errors are
 * bounded: the fold of the sum (never negative, so the sum is an upper bound), the cut at the last
 * frequency, the moments, and rounding. See contour.proof.md.
 */
export class Contour {
  readonly #s: number;
  readonly #logMoment: number;
  readonly #step: number;
  readonly #real: Float64Array;
  readonly #imaginary: Float64Array;
  /** Of Σ terms, relative to e^(logMoment − s·epsilon). */
  readonly #error: number;
  /** Total mean taken out of the phases. */
  readonly #mean: number;
  readonly #logMomentError: number;
  /** A second tilt with its log-moment, to bound the fold from above. */
  readonly #far: { readonly s: number; readonly logMoment: number };

  private constructor(fields: {
    s: number;
    logMoment: number;
    step: number;
    real: Float64Array;
    imaginary: Float64Array;
    error: number;
    mean: number;
    logMomentError: number;
    far: { s: number; logMoment: number };
  }) {
    this.#s = fields.s;
    this.#logMoment = fields.logMoment;
    this.#step = fields.step;
    this.#real = fields.real;
    this.#imaginary = fields.imaginary;
    this.#error = fields.error;
    this.#mean = fields.mean;
    this.#logMomentError = fields.logMomentError;
    this.#far = fields.far;
  }

  /** The contour through a saddle, or undefined where its tail cannot be proven small at a fair price. */
  static through(
    parts: readonly ContourPart[],
    saddle: Saddle,
    logDelta: number,
  ): Contour | undefined {
    const { s } = saddle;
    const far = farTilt(parts, saddle, logDelta);
    const step = (2 * Math.PI) / Math.max(far.period, (FOLD - logDelta) / s);
    let last = 1.3 * Math.sqrt((2 * DECAY) / saddle.variance);
    for (let attempt = 0; attempt < 6; attempt++, last *= 2) {
      const count = Math.ceil(last / step) + 1;
      if (count > 1e5) return undefined;
      const tilted = parts.map((part) => part.tilt(s, count * step));
      const product = multiply(parts, tilted, step, count);
      if (product === undefined) continue;
      const tail = provenTail(parts, tilted, product, step);
      if (tail === undefined) return undefined;
      return Contour.#assemble(parts, tilted, product, tail, s, step, far);
    }
    return undefined;
  }

  static #assemble(
    parts: readonly ContourPart[],
    tilted: readonly TiltedPart[],
    product: Product,
    tail: number,
    s: number,
    step: number,
    far: { s: number; logMoment: number },
  ): Contour {
    const count = product.count;
    let logMoment = 0;
    let mean = 0;
    let logMomentError = 0;
    tilted.forEach((part, i) => {
      const uses = (parts[i] as ContourPart).count;
      logMoment += uses * part.logMoment;
      mean += uses * part.mean;
      logMomentError += uses * (part.error + 2 * Number.EPSILON * Math.abs(part.logMoment));
    });
    const real = new Float64Array(count);
    const imaginary = new Float64Array(count);
    let error = 0;
    for (let k = 0; k < count; k++) {
      const t = k * step;
      // 1/((s + it)(s + 1 + it))
      const a = s * (s + 1) - t * t;
      const b = (2 * s + 1) * t;
      const norm = a * a + b * b;
      const weight = (k === 0 ? 1 : 2) * (step / (2 * Math.PI));
      const re = product.real[k] as number;
      const im = product.imaginary[k] as number;
      real[k] = (weight * (re * a + im * b)) / norm;
      imaginary[k] = (weight * (im * a - re * b)) / norm;
      error += ((product.error[k] as number) * weight) / Math.sqrt(norm);
    }
    return new Contour({
      s,
      logMoment,
      step,
      real,
      imaginary,
      // |Ĝ(t)| ≤ tail/t² beyond, summed over the grid.
      error: error + tail / (Math.PI * (count - 1) * step),
      mean,
      logMomentError,
      far,
    });
  }

  /** Delta at an epsilon: a certified interval. */
  delta(epsilon: number): CertifiedInterval {
    const offset = this.#mean - epsilon;
    const turnReal = Math.cos(this.#step * offset);
    const turnImaginary = Math.sin(this.#step * offset);
    let c = 1;
    let d = 0;
    let sum = 0;
    let size = 0;
    const count = this.#real.length;
    for (let k = 0; k < count; k++) {
      const re = this.#real[k] as number;
      const im = this.#imaginary[k] as number;
      sum += re * c - im * d;
      size += Math.abs(re) + Math.abs(im);
      const next = c * turnReal - d * turnImaginary;
      d = c * turnImaginary + d * turnReal;
      c = next;
    }
    const exponent = this.#logMoment - this.#s * epsilon;
    const scale = Math.exp(exponent);
    const scaleError =
      this.#logMomentError +
      4 * Number.EPSILON * (1 + Math.abs(exponent) + Math.abs(this.#s * epsilon));
    const phase = this.#step * (Math.abs(this.#mean) + Math.abs(epsilon)) * count;
    const rounding = Number.EPSILON * (8 * count + 4 * phase) * size;
    const upper = scale * (sum + this.#error + rounding) * (1 + 2 * scaleError);
    const period = (2 * Math.PI) / this.#step;
    const { s: farS, logMoment } = this.#far;
    const peak = farS * Math.log(farS) - (1 + farS) * Math.log1p(farS);
    const fold =
      1 / Math.expm1(this.#s * period) +
      Math.exp(peak + logMoment + 1e-6 - farS * epsilon) / Math.expm1((farS - this.#s) * period);
    const lower =
      scale * (sum - this.#error - rounding) * (1 - 2 * scaleError) - fold - 1e-12 * upper;
    return { lower: Math.max(0, lower), upper: Math.min(1, Math.max(0, upper)) };
  }
}

/**
 * A tilt beyond the saddle and the period from which on it proves that δ(ε + period)·e^(s·period) and
 * its like are e^(−FOLD) of delta; the one that asks for the least period.
 */
function farTilt(
  parts: readonly ContourPart[],
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

/** ∏ m(t)^count on the grid, up to where it has decayed. */
interface Product {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
  readonly error: Float64Array;
  readonly count: number;
  /** log |m(t)| of each part at the last frequency. */
  readonly logModuli: readonly number[];
}

function multiply(
  parts: readonly ContourPart[],
  tilted: readonly TiltedPart[],
  step: number,
  limit: number,
): Product | undefined {
  const transforms = tilted.map((part) => part.transform(step, limit));
  const real = new Float64Array(limit);
  const imaginary = new Float64Array(limit);
  const error = new Float64Array(limit);
  for (let k = 0; k < limit; k++) {
    let logModulus = 0;
    let angle = 0;
    let relative = 0;
    let phaseRounding = 0;
    for (let i = 0; i < parts.length; i++) {
      const { count } = parts[i] as ContourPart;
      const transform = transforms[i] as (typeof transforms)[number];
      const re = transform.real[k] as number;
      const im = transform.imaginary[k] as number;
      const modulus = Math.hypot(re, im);
      const turn = Math.atan2(im, re);
      logModulus += count * Math.log(modulus);
      angle += count * turn;
      relative += count * Math.log1p((transform.error[k] as number) / modulus);
      phaseRounding += count * (Math.abs(turn) + Math.abs(Math.log(modulus)) + 1);
    }
    const modulus = Math.exp(logModulus);
    real[k] = modulus * Math.cos(angle);
    imaginary[k] = modulus * Math.sin(angle);
    error[k] = modulus * (Math.expm1(relative) + 4 * Number.EPSILON * phaseRounding);
    if (logModulus <= -DECAY / PROVEN && k > 0) {
      const logModuli = transforms.map((transform) =>
        Math.log(Math.hypot(transform.real[k] as number, transform.imaginary[k] as number)),
      );
      return { real, imaginary, error, count: k + 1, logModuli };
    }
  }
  return undefined;
}

/** A bound on ∏ |m(t)|^count for all t at or beyond the last frequency. */
function provenTail(
  parts: readonly ContourPart[],
  tilted: readonly TiltedPart[],
  product: Product,
  step: number,
): number | undefined {
  const from = (product.count - 1) * step;
  let log = 0;
  tilted.forEach((part, i) => {
    const target = PROVEN * (product.logModuli[i] as number);
    const bound = Math.exp(target);
    if (bound < 1 && part.staysUnder(from, bound)) {
      log += (parts[i] as ContourPart).count * target;
    }
  });
  return log <= -0.9 * DECAY ? Math.exp(log) * (1 + 1e-9) : undefined;
}
