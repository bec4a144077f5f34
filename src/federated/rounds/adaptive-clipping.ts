import type { RandomSource } from '../../core/random-source.ts';
import { invalid } from '../../dp/accounting/refuse.ts';
import { ballSensitivity } from '../../dp/mechanisms/relation-sensitivity.ts';
import { sampleRoundedGaussian } from '../../dp/noise/index.ts';
import type { NeighbourRelation } from '../../dp/plan.ts';

/** Public constants of {@link AdaptiveClipping}; chosen without looking at data. */
export interface AdaptiveClippingOptions {
  readonly initialNorm: number;
  /** Share of contributions that should be under the norm, in (0, 1); 0.5 aims at the median. */
  readonly targetQuantile: number;
  /** How far the logarithm of the norm moves for a share that is off by one; 0.2 in the paper. */
  readonly learningRate: number;
  /** Noise multiplier of the count alone; above that of the whole release, typically 10 or more. */
  readonly countNoiseMultiplier: number;
  /** Public expected number of contributions. */
  readonly divisor: number;
  /** The norm stays in `[initialNorm / range, initialNorm · range]`. Default 2¹⁰. */
  readonly range?: number;
}

/**
 * A clipping norm that follows a quantile of the norms of the contributions, whether those of users or of
 * examples. Each contribution says +1 when it is under the norm and −1 when it is over it; only the noisy
 * sum of these answers, the *balance*, moves the norm.
 *
 * ## Privacy
 * The balance is an integer of sensitivity 1 (2 where a contribution is replaced), noised by a rounded Gaussian
 * of its own. Released beside a vector with noise multiplier {@link AdaptiveClipping.vectorNoiseMultiplier}, both together cost
 * one `gaussian{noiseMultiplier}`: 1/z² = 1/z_vector² + 1/z_count² (Gaussian differential privacy adds up in
 * squares; Dong, Roth, Su 2022, corollary 3.3). The norm is post-processing of earlier balances.
 *
 * Source: Andrew, Thakkar, McMahan, Ramaswamy, "Differentially Private Learning with Adaptive Clipping"
 * (2021), arXiv 1905.03871, algorithm 1 and theorem 1; their b − ½ is half of what is summed here.
 */
export class AdaptiveClipping {
  readonly #options: AdaptiveClippingOptions;
  readonly #range: number;
  #norm: number;

  /** @throws {VelaturaError} `dp/invalid-parameter` */
  constructor(options: AdaptiveClippingOptions) {
    const { initialNorm, targetQuantile, learningRate, divisor, range = 2 ** 10 } = options;
    const { countNoiseMultiplier } = options;
    const positive = { initialNorm, learningRate, divisor, countNoiseMultiplier };
    for (const [name, value] of Object.entries(positive)) {
      if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
        throw invalid(name, 'a positive number', value);
      }
    }
    if (!(targetQuantile > 0 && targetQuantile < 1)) {
      throw invalid('targetQuantile', 'a number in (0, 1)', targetQuantile);
    }
    if (!(range >= 1 && range < Number.POSITIVE_INFINITY)) {
      throw invalid('range', 'a number of at least 1', range);
    }
    this.#options = options;
    this.#range = range;
    this.#norm = initialNorm;
  }

  /** The norm to clip to now. */
  get norm(): number {
    return this.#norm;
  }

  /** Smallest and largest norm there can be. */
  get bounds(): { readonly least: number; readonly most: number } {
    const { initialNorm } = this.#options;
    return { least: initialNorm / this.#range, most: initialNorm * this.#range };
  }

  /**
   * Noise multiplier that the vector beside the count needs for both to cost one Gaussian.
   *
   * @param noiseMultiplier - of vector and count together
   * @throws {VelaturaError} `dp/invalid-parameter` when the count alone costs as much
   */
  vectorNoiseMultiplier(noiseMultiplier: number): number {
    const { countNoiseMultiplier } = this.#options;
    if (noiseMultiplier === 0) return 0;
    // Much closer, and the difference below would lose its digits.
    if (!(countNoiseMultiplier > 1.001 * noiseMultiplier)) {
      const expected = `a number above the noise multiplier ${noiseMultiplier} of the release`;
      throw invalid('countNoiseMultiplier', expected, countNoiseMultiplier);
    }
    // Rounded up: the differences of squares and two roundings move it by less.
    return (1 / Math.sqrt(noiseMultiplier ** -2 - countNoiseMultiplier ** -2)) * (1 + 2 ** -30);
  }

  /** The balance as it may be released. */
  noisyBalance(balance: number, relation: NeighbourRelation, random: RandomSource): number {
    const stddev = this.#options.countNoiseMultiplier * ballSensitivity(relation, 1);
    return balance + sampleRoundedGaussian(stddev, random);
  }

  /**
   * Moves the norm.
   *
   * @param balance - contributions under the norm less those over it; noisy wherever people are protected
   * @returns the share under the norm that it stands for, in [0, 1]
   */
  update(balance: number): number {
    const { targetQuantile, learningRate, divisor } = this.#options;
    const share = Math.min(1, Math.max(0, 0.5 + balance / (2 * divisor)));
    const { least, most } = this.bounds;
    const moved = this.#norm * Math.exp(-learningRate * (share - targetQuantile));
    this.#norm = Math.min(most, Math.max(least, moved));
    return share;
  }
}
