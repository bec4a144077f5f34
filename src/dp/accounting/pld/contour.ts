import type { ContourPart, TiltedPart } from './contour-part.ts';
import { farTilt, type Saddle } from './saddle.ts';

/** Power of e by which what the period folds in stays under delta. */
const FOLD = 25;
/** Power of e by which the product must have decayed where the sum is cut. */
const DECAY = 30;
/** Frequencies times points beyond which a lattice is quicker. */
const MAX_WORK = 8e6;

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
  /** Total mean taken out of the phases, and the sum of its parts without their signs. */
  readonly #mean: number;
  readonly #meanSize: number;
  readonly #logMomentError: number;
  /** A second tilt with its log-moment, to bound the fold from above. */
  readonly #far: { readonly s: number; readonly logMoment: number };
  readonly #leftOut: number;

  private constructor(fields: {
    s: number;
    logMoment: number;
    step: number;
    real: Float64Array;
    imaginary: Float64Array;
    error: number;
    mean: number;
    meanSize: number;
    logMomentError: number;
    far: { s: number; logMoment: number };
    leftOut: number;
  }) {
    this.#s = fields.s;
    this.#logMoment = fields.logMoment;
    this.#step = fields.step;
    this.#real = fields.real;
    this.#imaginary = fields.imaginary;
    this.#error = fields.error;
    this.#mean = fields.mean;
    this.#meanSize = fields.meanSize;
    this.#logMomentError = fields.logMomentError;
    this.#far = fields.far;
    this.#leftOut = fields.leftOut;
  }

  /** The contour through a saddle, or undefined where its tail cannot be proven small at a fair price. */
  static through(
    parts: readonly ContourPart[],
    saddle: Saddle,
    logDelta: number,
  ): Contour | undefined {
    const { s } = saddle;
    const far = farTilt(parts, saddle, logDelta, FOLD);
    const step = (2 * Math.PI) / far.period;
    let last = 1.3 * Math.sqrt((2 * DECAY) / saddle.variance);
    for (let attempt = 0; attempt < 6; attempt++, last *= 2) {
      const count = Math.ceil(last / step) + 1;
      const work = parts.reduce((sum, part) => sum + part.size(s, count * step), 0) * count;
      if (!(work < MAX_WORK)) return undefined;
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
    let meanSize = 0;
    let logMomentError = 0;
    let leftOut = 0;
    tilted.forEach((part, i) => {
      const uses = (parts[i] as ContourPart).count;
      logMoment += uses * part.logMoment;
      mean += uses * part.mean;
      meanSize += uses * Math.abs(part.mean);
      leftOut += uses * (parts[i] as ContourPart).leftOut;
      logMomentError +=
        uses * (part.logMomentError + 2 * Number.EPSILON * Math.abs(part.logMoment));
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
      meanSize,
      logMomentError,
      far,
      leftOut,
    });
  }

  upper(epsilon: number): number {
    return this.delta(epsilon).upper;
  }

  lower(epsilon: number): number {
    return this.delta(epsilon).lower;
  }

  /** Delta at an epsilon: a certified interval. */
  delta(epsilon: number): { readonly lower: number; readonly upper: number } {
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
    const phase = this.#step * (this.#meanSize + Math.abs(epsilon)) * count;
    const rounding = Number.EPSILON * (8 * count + 4 * phase) * size;
    const upper = scale * (sum + this.#error + rounding) * (1 + 2 * scaleError);
    const period = (2 * Math.PI) / this.#step;
    const { s: farS, logMoment } = this.#far;
    const peak = farS * Math.log(farS) - (1 + farS) * Math.log1p(farS);
    const between = (farS - this.#s) * period;
    const fold =
      1 / Math.expm1(this.#s * period) +
      Math.exp(peak + logMoment + 1e-9 - farS * epsilon - between) / -Math.expm1(-between);
    const lower =
      scale * (sum - this.#error - rounding) * (1 - 2 * scaleError) - fold - 1e-12 * upper;
    return { lower: Math.max(0, lower), upper: Math.min(1, Math.max(0, upper) + this.#leftOut) };
  }
}

/** ∏ m(t)^count on the grid, up to where it has decayed. */
interface Product {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
  readonly error: Float64Array;
  readonly count: number;
  /** Bounds on log |m(t)| of each part that are hoped for beyond the last frequency. */
  readonly decays: readonly number[];
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
  const decays = parts.map(() => 0);
  for (let k = 0; k < limit; k++) {
    let logProduct = 0;
    let provable = 0;
    let angle = 0;
    let relative = 0;
    let rounding = 0;
    for (let i = 0; i < parts.length; i++) {
      const { count } = parts[i] as ContourPart;
      const transform = transforms[i] as (typeof transforms)[number];
      const logModulus = transform.logModulus[k] as number;
      const turn = transform.angle[k] as number;
      logProduct += count * logModulus;
      const decay = (tilted[i] as TiltedPart).decay(k * step, logModulus);
      decays[i] = decay;
      provable += count * decay;
      angle += count * turn;
      relative += count * Math.log1p(transform.error[k] as number);
      rounding += count * (Math.abs(turn) + Math.abs(logModulus));
    }
    const modulus = Math.exp(logProduct);
    real[k] = modulus * Math.cos(angle);
    imaginary[k] = modulus * Math.sin(angle);
    error[k] = modulus * (Math.expm1(relative) + 4 * Number.EPSILON * (rounding + 2));
    if (provable <= -DECAY && k > 0) {
      return { real, imaginary, error, count: k + 1, decays };
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
  let uses = 0;
  tilted.forEach((part, i) => {
    const decay = product.decays[i] as number;
    const { count } = parts[i] as ContourPart;
    uses += count;
    if (decay < 0 && part.staysUnder(from, Math.exp(decay))) log += count * decay;
  });
  // Each part is proven to a part in 10⁹.
  return log <= -0.9 * DECAY ? Math.exp(log + 2e-9 * uses) : undefined;
}
