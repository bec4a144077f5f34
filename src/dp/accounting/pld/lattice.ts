import { realFft } from '../../../core/fft.ts';
import type { LatticeLaw } from './discretise.ts';

/** Frequencies whose weight in the answer is under e^(−SMALL) are left out, and counted as an error. */
const SMALL = 44;
/** Rotations by recurrence are renewed that often. */
const RENEWAL = 128;

/** One law on the lattice and how often it is used. */
export interface LatticeUse {
  readonly law: LatticeLaw;
  readonly count: number;
}

/** Terms of a lattice. */
export interface LatticeShape {
  readonly step: number;
  /** Number of points, a power of two; losses a period apart fall on the same one. */
  readonly size: number;
  /** Tilt s > 0: masses are weighted by e^(s·loss) before they are transformed. */
  readonly tilt: number;
  /** A larger tilt, to bound what the period folds in from above. */
  readonly farTilt: number;
}

/**
 * δ(ε) of a composition of laws on one lattice, from the discrete Fourier transforms of the tilted laws:
 * powers and products of these, weighted by the transform of e^(−s·loss)·(1 − e^(−loss)). No inverse
 * transform is taken. See lattice.proof.md.
 */
export class LatticeSum {
  readonly #shape: LatticeShape;
  readonly #logMoment: number;
  readonly #farLogMoment: number;
  readonly #logMomentError: number;
  readonly #indices: Uint32Array;
  readonly #real: Float64Array;
  readonly #imaginary: Float64Array;
  /** Σ |coefficients| and the error of their sum. */
  readonly #size: number;
  readonly #error: number;
  readonly #leftOut: number;
  /** Loss of point 0: the origins of all uses. */
  readonly #origin: number;

  constructor(uses: readonly LatticeUse[], shape: LatticeShape) {
    this.#shape = shape;
    const { size, tilt } = shape;
    const half = size / 2;
    const logModulus = new Float64Array(half + 1);
    const angle = new Float64Array(half + 1);
    const relativeError = new Float64Array(half + 1);
    let logMoment = 0;
    let farLogMoment = 0;
    let logMomentError = 0;
    let leftOut = 0;
    let origin = 0;
    for (const { law, count } of uses) {
      const tilted = tiltOnto(law, shape);
      logMoment += count * tilted.logMoment;
      farLogMoment += count * tilted.farLogMoment;
      logMomentError +=
        count *
        Number.EPSILON *
        (64 + 2 * Math.abs(tilted.logMoment) + 2 * tilt * Math.abs(law.origin));
      leftOut += count * law.leftOut;
      origin += count * (law.origin - law.lowered);
      multiplyIn(tilted, count, logModulus, angle, relativeError);
    }
    this.#logMoment = logMoment;
    this.#farLogMoment = farLogMoment;
    this.#logMomentError = logMomentError;
    this.#leftOut = leftOut;
    this.#origin = origin;
    const terms = this.#weigh(logModulus, angle, relativeError);
    this.#indices = terms.indices;
    this.#real = terms.real;
    this.#imaginary = terms.imaginary;
    this.#size = terms.size;
    this.#error = terms.error;
  }

  #weigh(
    logModulus: Float64Array,
    angle: Float64Array,
    relativeError: Float64Array,
  ): {
    indices: Uint32Array;
    real: Float64Array;
    imaginary: Float64Array;
    size: number;
    error: number;
  } {
    const { step, size, tilt } = this.#shape;
    const half = size / 2;
    const indices: number[] = [];
    const real: number[] = [];
    const imaginary: number[] = [];
    let total = 0;
    let error = 0;
    const rise = -Math.expm1(-tilt * step);
    const fall = Math.exp(-tilt * step);
    const drop = -Math.expm1(-step);
    const rest = Math.exp(-step);
    const riseMore = -Math.expm1(-(tilt + 1) * step);
    let largest = 0;
    // The weight is largest at frequency 0, where it is that over two.
    const mostWeight = (2 * fall * drop) / (size * rise * riseMore);
    for (let k = 0; k <= half; k++) {
      const log = logModulus[k] as number;
      if (log < -2 * SMALL) {
        error += mostWeight * Math.exp(log + (relativeError[k] as number));
        continue;
      }
      const omega = (2 * Math.PI * k) / size;
      const haversine = 2 * Math.sin(omega / 2) ** 2;
      const sine = Math.sin(omega);
      // 1 − z and 1 − z·e^(−step) for z = e^(−s·step + iω); the weight is z·drop over their product.
      const aR = rise + fall * haversine;
      const aI = -fall * sine;
      const bR = riseMore + rest * fall * haversine;
      const bI = -rest * fall * sine;
      const weight =
        ((k === 0 || k === half ? 1 : 2) * fall * drop) /
        (size * Math.hypot(aR, aI) * Math.hypot(bR, bI));
      const modulus = Math.exp(log);
      const share = modulus * weight;
      // What rounding and the transforms may have changed, also where nothing is left of the product.
      error += weight * (modulus * Math.expm1(Math.min(relativeError[k] as number, 600)));
      if (share > largest) largest = share;
      if (share < largest * Math.exp(-SMALL)) {
        error += share;
        continue;
      }
      const phase = (angle[k] as number) + omega - Math.atan2(aI, aR) - Math.atan2(bI, bR);
      indices.push(k);
      real.push(share * Math.cos(phase));
      imaginary.push(share * Math.sin(phase));
      total += share;
    }
    return {
      indices: Uint32Array.from(indices),
      real: Float64Array.from(real),
      imaginary: Float64Array.from(imaginary),
      size: total,
      error,
    };
  }

  /** Σ coefficient·e^(2πi·k·point/size): delta at a lattice point over e^(logMoment − s·point·step). */
  #sumAt(point: number): number {
    const { size } = this.#shape;
    const place = ((point % size) + size) % size;
    const unit = (2 * Math.PI * place) / size;
    const turnR = Math.cos(unit);
    const turnI = Math.sin(unit);
    const indices = this.#indices;
    let sum = 0;
    let c = 1;
    let s = 0;
    let since = RENEWAL;
    let previous = -2;
    for (let i = 0; i < indices.length; i++) {
      const k = indices[i] as number;
      if (k === previous + 1 && since < RENEWAL) {
        const next = c * turnR - s * turnI;
        s = c * turnI + s * turnR;
        c = next;
        since++;
      } else {
        // The product is exact, so the angle is good to its last bit.
        const angle = (2 * Math.PI * ((k * place) % size)) / size;
        c = Math.cos(angle);
        s = Math.sin(angle);
        since = 0;
      }
      previous = k;
      sum += (this.#real[i] as number) * c - (this.#imaginary[i] as number) * s;
    }
    return sum;
  }

  /** Delta at a lattice point with the error of everything but the fold: [value, error]. */
  #atPoint(point: number): readonly [value: number, error: number] {
    const { step, tilt } = this.#shape;
    const exponent = this.#logMoment - tilt * point * step;
    // So far under the saddle nothing is left to be seen.
    if (exponent > 600) return [1, 1];
    const scale = Math.exp(exponent);
    const value = scale * this.#sumAt(point);
    const relative =
      this.#logMomentError +
      4 * Number.EPSILON * (1 + Math.abs(exponent) + Math.abs(tilt * point * step));
    const rounding = Number.EPSILON * (4 * RENEWAL + this.#indices.length + 64) * this.#size;
    return [
      value,
      scale * (this.#error + rounding) * (1 + relative) + 2 * relative * Math.abs(value),
    ];
  }

  /** Between points delta is linear in e^ε: a law on the lattice has no kinks elsewhere. */
  #interpolated(epsilon: number, sign: 1 | -1): number {
    const { step } = this.#shape;
    const above = epsilon - this.#origin;
    const point = Math.floor(above / step);
    const share = Math.min(1, Math.max(0, Math.expm1(above - point * step) / Math.expm1(step)));
    const [low, lowError] = this.#atPoint(point);
    const [high, highError] = this.#atPoint(point + 1);
    return (1 - share) * (low + sign * lowError) + share * (high + sign * highError);
  }

  /** An upper bound on delta when the laws were raised to the lattice: what folds in only adds. */
  upper(epsilon: number): number {
    return Math.min(1, Math.max(0, this.#interpolated(epsilon, 1)) + this.#leftOut);
  }

  /** A lower bound on delta when the laws were lowered to the lattice. */
  lower(epsilon: number): number {
    const { step, size, tilt, farTilt } = this.#shape;
    const period = step * size;
    const peak = farTilt * Math.log(farTilt) - (1 + farTilt) * Math.log1p(farTilt);
    // A point further down, so that the bound covers both neighbours.
    const at = epsilon - this.#origin - step;
    const between = (farTilt - tilt) * period;
    const fold =
      1 / Math.expm1(tilt * period) +
      Math.exp(peak + this.#farLogMoment - farTilt * at - between) / -Math.expm1(-between);
    // The last factor is for parameters such as 1/noiseMultiplier, which were rounded upwards.
    return Math.max(0, this.#interpolated(epsilon, -1) - fold * (1 + 1e-9)) * (1 - 1e-12);
  }
}

/** A law tilted, scaled to sum 1 and wrapped round the lattice. */
interface TiltedLaw {
  readonly values: Float64Array;
  readonly logMoment: number;
  readonly farLogMoment: number;
  /** Bound on the error of each frequency. */
  readonly error: number;
}

function tiltOnto(law: LatticeLaw, shape: LatticeShape): TiltedLaw {
  const { step, size, tilt, farTilt } = shape;
  const { first, masses } = law;
  const n = masses.length;
  const exponents = new Float64Array(n);
  let peak = Number.NEGATIVE_INFINITY;
  let farPeak = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    const log = Math.log(masses[i] as number);
    const loss = (first + i) * step;
    exponents[i] = log + tilt * loss;
    peak = Math.max(peak, exponents[i] as number);
    farPeak = Math.max(farPeak, log + farTilt * loss);
  }
  const values = new Float64Array(size);
  let sum = 0;
  let far = 0;
  let roundings = 0;
  for (let i = 0; i < n; i++) {
    const exponent = exponents[i] as number;
    if (exponent === Number.NEGATIVE_INFINITY) continue;
    const loss = (first + i) * step;
    const weight = Math.exp(exponent - peak);
    const place = (((first + i) % size) + size) % size;
    values[place] = (values[place] as number) + weight;
    sum += weight;
    roundings += weight * (8 + 2 * Math.abs(exponent) + 2 * Math.abs(tilt * loss));
    far += Math.exp(exponent + (farTilt - tilt) * loss - farPeak);
  }
  for (let i = 0; i < size; i++) values[i] = (values[i] as number) / sum;
  return {
    values,
    logMoment: peak + Math.log(sum),
    farLogMoment: farPeak + Math.log(far),
    error: Number.EPSILON * (8 * Math.log2(size) + 2 * Math.abs(peak) + roundings / sum),
  };
}

/** Adds count·log of the transform to the logarithms of the product. */
function multiplyIn(
  tilted: TiltedLaw,
  count: number,
  logModulus: Float64Array,
  angle: Float64Array,
  relativeError: Float64Array,
): void {
  const { real, imaginary } = realFft(tilted.values);
  const negligible = Math.exp((-2 * 60) / count);
  for (let k = 0; k < real.length; k++) {
    const re = real[k] as number;
    const im = imaginary[k] as number;
    const square = re * re + im * im;
    if (square < negligible) {
      // The power is under e^(−60): its size is kept, its direction does not matter.
      const bound = Math.sqrt(square) + tilted.error;
      logModulus[k] = (logModulus[k] as number) + Math.max(count * Math.log(bound), -700);
      relativeError[k] = (relativeError[k] as number) + Math.LN2;
      continue;
    }
    const logSize = 0.5 * Math.log(square);
    const turn = Math.atan2(im, re);
    logModulus[k] = (logModulus[k] as number) + count * logSize;
    angle[k] = (angle[k] as number) + count * turn;
    relativeError[k] =
      (relativeError[k] as number) +
      count * Math.log1p(tilted.error / Math.exp(logSize)) +
      4 * Number.EPSILON * count * (1 + Math.abs(logSize) + Math.abs(turn));
  }
}
