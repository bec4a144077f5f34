import { type GaussianMixture, logMixtureRatio } from '../rdp/mixture.ts';
import type { TiltedNodes } from './tilted-nodes.ts';

const SQRT_2_PI = 2.5066282746310002;
/**
 * Steps of 2^k units come from k squarings, so all of them together are wrong by some 2⁻⁵⁰ for each unit
 * gone, and no more than a million units are.
 */
const ROTATION_ERROR = 1e-8;
/** Past that many steps the lattice is quicker. */
const MAX_STEPS = 400;

/**
 * A frequency from which on |m(t)| ≤ bound for the tilted law R^power·φ of log R, by partial integration
 * over [x₁, ∞): m(t) is at most the mass below x₁ plus (F(x₁) + variation of F)/t, where F is the density
 * of log R. The best x₁ of a grid is taken. See contour.proof.md, section 4.
 */
export function oscillationLimit(
  mixture: GaussianMixture,
  power: number,
  range: readonly [number, number],
  logMoment: number,
  bound: number,
): number {
  const { samplingRate, shift } = mixture;
  const curvature = 1 + (Math.abs(power) + 1) * shift * shift * 0.25;
  const step = Math.min(0.1, Math.sqrt(0.1 / curvature));
  // Between grid points the logarithms of both densities exceed their chords by at most that.
  const swell = Math.exp((curvature * step * step) / 8);
  const n = Math.ceil((range[1] - range[0]) / step) + 1;
  const density = new Float64Array(n);
  const lossDensity = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    const x = range[0] + j * step;
    const logRatio = logMixtureRatio(mixture, x);
    const slope = shift * samplingRate * Math.exp(shift * (x - shift / 2) - logRatio);
    const f = Math.exp(power * logRatio - 0.5 * x * x - logMoment) / SQRT_2_PI;
    density[j] = f;
    lossDensity[j] = f / slope;
  }
  let massAbove = 0;
  let variation = lossDensity[n - 1] as number;
  let largest = variation;
  let best = Number.POSITIVE_INFINITY;
  for (let j = n - 1; j >= 0; j--) {
    const f = lossDensity[j] as number;
    if (j < n - 1) {
      variation += Math.abs(f - (lossDensity[j + 1] as number));
      massAbove += step * logarithmicMean(density[j] as number, density[j + 1] as number);
    }
    if (f > largest) largest = f;
    // F has at most two maxima and one minimum, each of which may hide between grid points.
    const hidden = 6 * largest * (swell - 1);
    const room = bound - 1 + (massAbove / swell) * (1 - 1e-9);
    if (room > 0) best = Math.min(best, (f + variation + hidden) / room);
  }
  return best;
}

/** Mean of e^x between two values of it. */
function logarithmicMean(a: number, b: number): number {
  const log = Math.log(b / a);
  return Math.abs(log) > 1e-6 ? (b - a) / log : 0.5 * (a + b);
}

/**
 * Checks |m(t)| + error ≤ bound on [from, to] by stepping no further than the slope of |m|, at most
 * Σ weight·|loss|, allows.
 */
export function staysUnder(nodes: TiltedNodes, from: number, to: number, bound: number): boolean {
  const { losses, weights } = nodes;
  const n = losses.length;
  let slope = 0;
  for (let j = 0; j < n; j++) slope += (weights[j] as number) * Math.abs(losses[j] as number);
  const allowed = bound - nodes.errorAt(to, MAX_STEPS) - ROTATION_ERROR;
  const real = new Float64Array(n);
  const imaginary = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    const angle = from * (losses[j] as number);
    real[j] = (weights[j] as number) * Math.cos(angle);
    imaginary[j] = (weights[j] as number) * Math.sin(angle);
  }
  const turns = new Turns(losses);
  let t = from;
  for (let step = 0; step < MAX_STEPS; step++) {
    const room = allowed - modulus(real, imaginary);
    if (!(room > 0)) return false;
    if (t >= to) return true;
    t += turns.apply(real, imaginary, room / slope);
  }
  return false;
}

function modulus(real: Float64Array, imaginary: Float64Array): number {
  let re = 0;
  let im = 0;
  for (let j = 0; j < real.length; j++) {
    re += real[j] as number;
    im += imaginary[j] as number;
  }
  return Math.hypot(re, im);
}

/** Rotations e^(iΔL) for steps Δ that double; each is the square of the one before. */
class Turns {
  readonly #losses: Float64Array;
  readonly #levels: { readonly real: Float64Array; readonly imaginary: Float64Array }[] = [];
  #least = 0;

  constructor(losses: Float64Array) {
    this.#losses = losses;
  }

  /** Turns by the largest known step that is at most `most`, and tells which that was. */
  apply(real: Float64Array, imaginary: Float64Array, most: number): number {
    const n = real.length;
    if (this.#levels.length === 0 || most < this.#least) this.#restart(most);
    let level = 0;
    let step = this.#least;
    while (step * 2 <= most) {
      step *= 2;
      level++;
      if (level === this.#levels.length) this.#square();
    }
    const turn = this.#levels[level] as { real: Float64Array; imaginary: Float64Array };
    for (let j = 0; j < n; j++) {
      const re = real[j] as number;
      const im = imaginary[j] as number;
      const c = turn.real[j] as number;
      const s = turn.imaginary[j] as number;
      real[j] = re * c - im * s;
      imaginary[j] = re * s + im * c;
    }
    return step;
  }

  #restart(step: number): void {
    this.#least = step;
    this.#levels.length = 0;
    this.#levels.push({
      real: this.#losses.map((loss) => Math.cos(step * loss)),
      imaginary: this.#losses.map((loss) => Math.sin(step * loss)),
    });
  }

  #square(): void {
    const { real, imaginary } = this.#levels[this.#levels.length - 1] as {
      real: Float64Array;
      imaginary: Float64Array;
    };
    this.#levels.push({
      real: real.map((c, j) => c * c - (imaginary[j] as number) ** 2),
      imaginary: real.map((c, j) => 2 * c * (imaginary[j] as number)),
    });
  }
}
