import { VelaturaError } from '../../core/errors.ts';
import type { RandomSource } from '../../core/random-source.ts';
import type { CorrelationStrategy } from '../../dp/event.ts';
import { fillRoundedGaussian } from '../../dp/noise/index.ts';
import type { RoundNoise } from '../rounds/round-noise.ts';
import { checkStrategy, inverseColumn } from './correlated-noise-strategy.ts';

/** Up to here products of noise and coefficients, and their sums, are exact in a double. */
const MAX_NOISE = 2 ** 36;
/** Noise of that deviation passes the limit above with a probability under e^(−2000). */
const MAX_NOISE_STDDEV = 2 ** 28;

/** Options of {@link CorrelatedNoise}. */
export interface CorrelatedNoiseOptions {
  readonly strategy: CorrelationStrategy;
  /** Noise deviation over the norm of one participation, as in the event `correlated-gaussian`. */
  readonly noiseMultiplier: number;
  /** Coordinates of one encoded update. */
  readonly dimension: number;
  /** l2 sensitivity of one round under the relation of the plan, in lattice units: an encoder's. */
  readonly sensitivity: number;
}

/**
 * Banded correlated noise, on integers: y_t = ⌊N(0, σ²)⌉ − ⌊Σ_j c_j y_{t−j}⌉, which is close to C⁻¹z and needs only
 * the last bandwidth − 1 noise vectors. Sums over rounds carry far less of it than of independent noise at
 * the same privacy, provided that nobody takes part twice within the band.
 *
 * ## Privacy
 * Unit: user. A run in which each account takes part at most `participations` times, at least `minSeparation` ≥
 * bandwidth rounds apart, costs `correlated-gaussian{noiseMultiplier, participations, minSeparation, strategy}`,
 * also when every update depends on all releases before. Proof: correlated-noise.proof.md. The past noise is
 * as secret as the updates it hides.
 *
 * Source: Choquette-Choo et al. (2023), arXiv 2306.08153; on integers as in the proof.
 */
export class CorrelatedNoise implements RoundNoise {
  readonly strategy: CorrelationStrategy;
  readonly noiseMultiplier: number;
  /** Deviation σ of the fresh noise of each round, in lattice units. */
  readonly freshStddev: number;
  readonly #dimension: number;
  /** Last noise first, at most bandwidth − 1 vectors of exact integers. */
  readonly #history: Float64Array[] = [];
  #rounds = 0;

  /**
   * @throws {VelaturaError} `dp/invalid-parameter` when the noise is too large to stay exact
   * @throws {RangeError} for a strategy that is not on the lattice of the proof
   */
  constructor(options: CorrelatedNoiseOptions) {
    const { strategy, noiseMultiplier, dimension, sensitivity } = options;
    checkStrategy(strategy);
    this.strategy = strategy;
    this.noiseMultiplier = noiseMultiplier;
    this.#dimension = dimension;
    this.freshStddev =
      noiseMultiplier * participationNorm(strategy.coefficients, dimension, sensitivity);
    if (!(this.freshStddev > 0 && this.freshStddev <= MAX_NOISE_STDDEV)) {
      throw new VelaturaError(
        'dp/invalid-parameter',
        `correlated noise expected a deviation in (0, ${MAX_NOISE_STDDEV}] lattice units, got ${this.freshStddev}`,
        { noiseStddev: this.freshStddev },
      );
    }
  }

  get noiseStddev(): number {
    let energy = 0;
    for (const value of inverseColumn(this.strategy.coefficients, this.#rounds + 1)) {
      energy += value * value;
    }
    return this.freshStddev * Math.sqrt(energy);
  }

  fill(target: Float64Array, random: RandomSource): void {
    if (target.length !== this.#dimension) {
      throw new RangeError(`"target" expected ${this.#dimension} numbers, got ${target.length}`);
    }
    const { coefficients } = this.strategy;
    fillRoundedGaussian(target, this.freshStddev, random);
    for (let i = 0; i < target.length; i++) {
      let echo = 0;
      for (let j = 0; j < this.#history.length; j++) {
        echo += (coefficients[j + 1] as number) * ((this.#history[j] as Float64Array)[i] as number);
      }
      const value = (target[i] as number) - Math.round(echo) + 0;
      if (!(Math.abs(value) <= MAX_NOISE)) {
        throw new VelaturaError('dp/invalid-parameter', 'correlated noise left its exact range');
      }
      target[i] = value;
    }
    this.#remember(target.slice());
  }

  /** A round whose noise was lost with its release: later rounds do as if it had had none. */
  skip(): void {
    this.#remember(new Float64Array(this.#dimension));
  }

  /**
   * The past noise, last first, to go on elsewhere.
   *
   * ## Privacy
   * Whoever knows it knows the exact sums of those rounds: keep it as safe as the updates themselves.
   */
  secrets(): { readonly rounds: number; readonly history: readonly Float64Array[] } {
    return { rounds: this.#rounds, history: this.#history.map((noise) => noise.slice()) };
  }

  /**
   * Goes on from {@link CorrelatedNoise.secrets} of another object of the same options.
   *
   * @throws {RangeError} when the vectors do not fit
   */
  restore(secrets: { readonly rounds: number; readonly history: readonly Float64Array[] }): void {
    const kept = Math.min(secrets.rounds, this.strategy.coefficients.length - 1);
    const fits = secrets.history.every(
      (noise) =>
        noise.length === this.#dimension &&
        noise.every((value) => Number.isInteger(value) && Math.abs(value) <= MAX_NOISE),
    );
    if (!fits || secrets.history.length !== kept) {
      throw new RangeError(`"history" expected ${kept} vectors of ${this.#dimension} integers`);
    }
    this.#rounds = secrets.rounds;
    this.#history.splice(0, this.#history.length, ...secrets.history.map((noise) => noise.slice()));
  }

  #remember(noise: Float64Array): void {
    this.#history.unshift(noise);
    this.#history.length = Math.min(this.#history.length, this.strategy.coefficients.length - 1);
    this.#rounds++;
  }
}

/**
 * What one participation may move all rounds by, over ‖c‖, so that noise of noiseMultiplier times it is worth
 * the event. Rounding the echoes adds up to one lattice unit a coordinate in each later round of the band.
 */
function participationNorm(
  coefficients: readonly number[],
  dimension: number,
  sensitivity: number,
): number {
  let moved = 0;
  let square = 0;
  coefficients.forEach((c, j) => {
    moved += (c * sensitivity + (j === 0 ? 0 : Math.sqrt(dimension))) ** 2;
    square += c * c;
  });
  // A few dozen operations are each within 2⁻⁵³: this covers them many times over.
  return Math.sqrt(moved / square) * (1 + 2 ** -40);
}
