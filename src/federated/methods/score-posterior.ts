import { addScaled } from '../../core/linear-algebra.ts';
import type { MomentDirections } from './second-moment.ts';

/** Curvature of the logistic loss is at most this (Böhning and Lindsay 1988): steps by it never overshoot. */
const CURVATURE = 1 / 4;

/**
 * Share of the spread that the noise in the directions multiplies. All of it would be right if the change were
 * spread over all directions alike; it lies mostly along strong ones. Set on splits that evaluation does not use:
 * between 0 and 0.3 nothing changes by more than .003.
 */
const MISDIRECTED = 0.1;

/** Searched in steps of a quarter of a doubling. */
const SPREADS = { least: 2 ** -12, most: 2 ** 9, ratio: 2 ** 0.25 } as const;

/**
 * What noisy scores (negative gradients of a logistic loss) say about the parameters, as a posterior mean.
 *
 * In direction k of the second moment, with eigenvalue e and curvature h, a score at a change Δ from the start
 * is s = h·e·(Δ* − Δ) + noise, so z = s + h·e·Δ observes Δ* with the variance of the privacy noise, of sampling
 * (h·e, the Fisher information) and of the noise in the directions themselves. With Δ* ~ N(0, τ²) the posterior
 * mean is h·e·τ² z̄ / (h²e²τ² + all variances), z̄ the mean of the observations; τ² is the one under which what
 * was observed is most likely (empirical Bayes: Robbins 1956, Morris 1983). So directions that the noise drowns
 * stay where they started, and nothing has to be tuned to the noise.
 *
 * ## Privacy
 * Looks at released sums alone: post-processing.
 */
export class ScorePosterior {
  readonly #directions: MomentDirections;
  readonly #outputs: number;
  /** Sum of the observations z. `[outputs, dimension]`, in directions */
  readonly #observed: Float64Array;
  /** `[outputs, dimension]`, in directions */
  readonly #change: Float64Array;
  #observations = 0;
  #noiseVariance = 0;
  #filter: Float64Array;

  constructor(directions: MomentDirections, outputs: number) {
    this.#directions = directions;
    this.#outputs = outputs;
    this.#observed = new Float64Array(outputs * directions.dimension);
    this.#change = new Float64Array(outputs * directions.dimension);
    this.#filter = new Float64Array(directions.dimension);
  }

  /**
   * Takes in a score at the present mean.
   *
   * @param score - sum over the users of x (y − p) plus noise, `[outputs, dimension]`
   * @param noiseStddev - on each coordinate, the same each time; at 0 the newest score alone counts, since
   * older ones are only linearised further off
   */
  observe(score: ArrayLike<number>, noiseStddev: number): void {
    const { dimension, values, vectors } = this.#directions;
    if (noiseStddev === 0) {
      this.#observed.fill(0);
      this.#observations = 0;
    }
    for (let output = 0; output < this.#outputs; output++) {
      for (let k = 0; k < dimension; k++) {
        let along = 0;
        for (let i = 0; i < dimension; i++) {
          along +=
            (vectors[k * dimension + i] as number) * (score[output * dimension + i] as number);
        }
        const at = output * dimension + k;
        const predicted = CURVATURE * (values[k] as number) * (this.#change[at] as number);
        this.#observed[at] = (this.#observed[at] as number) + along + predicted;
      }
    }
    this.#observations++;
    this.#noiseVariance = noiseStddev ** 2 / this.#observations;
    const spread = this.#likeliestSpread();
    this.#filter = values.map((value) => {
      const variance = this.#variance(value, spread);
      return variance === 0 ? 0 : (CURVATURE * value * spread) / variance;
    });
    for (let at = 0; at < this.#change.length; at++) {
      const observed = (this.#observed[at] as number) / this.#observations;
      this.#change[at] = (this.#filter[at % dimension] as number) * observed;
    }
  }

  /** Posterior mean of the change of the parameters. `[outputs, dimension]`, in features */
  mean(): Float64Array {
    const { dimension, vectors } = this.#directions;
    const mean = new Float64Array(this.#change.length);
    for (let output = 0; output < this.#outputs; output++) {
      const own = mean.subarray(output * dimension, (output + 1) * dimension);
      for (let k = 0; k < dimension; k++) {
        const direction = vectors.subarray(k * dimension, (k + 1) * dimension);
        addScaled(own, direction, this.#change[output * dimension + k] as number);
      }
    }
    return mean;
  }

  /** Root mean square over the parameters of the deviation that the privacy noise of the scores implies. */
  noiseStddev(): number {
    const gain = this.#filter.reduce((sum, factor) => sum + factor * factor, 0);
    return Math.sqrt((this.#noiseVariance * gain) / this.#directions.dimension);
  }

  /** Variance of an observation along a direction of eigenvalue `value`. */
  #variance(value: number, spread: number): number {
    const { dimension, entryNoise } = this.#directions;
    const signal = CURVATURE ** 2 * value ** 2 * spread;
    const directions = CURVATURE ** 2 * MISDIRECTED * spread * dimension * entryNoise ** 2;
    return signal + CURVATURE * value + this.#noiseVariance + directions;
  }

  #likeliestSpread(): number {
    const { dimension, values } = this.#directions;
    const energies = new Float64Array(dimension);
    for (let at = 0; at < this.#observed.length; at++) {
      const observed = (this.#observed[at] as number) / this.#observations;
      energies[at % dimension] = (energies[at % dimension] as number) + observed ** 2;
    }
    let best: number = SPREADS.least;
    let least = Number.POSITIVE_INFINITY;
    for (let spread: number = SPREADS.least; spread <= SPREADS.most; spread *= SPREADS.ratio) {
      let surprise = 0;
      for (let k = 0; k < dimension; k++) {
        const variance = this.#variance(values[k] as number, spread);
        if (variance === 0) continue; // nothing moves along it
        surprise += this.#outputs * Math.log(variance) + (energies[k] as number) / variance;
      }
      if (surprise < least) {
        least = surprise;
        best = spread;
      }
    }
    return best;
  }
}
