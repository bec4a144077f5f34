import type { Release } from '../plan.ts';
import { type AdditiveNoise, latticeNoise } from './additive-noise.ts';
import { granularityOf } from './grid.ts';
import { clipToLattice, latticeBall } from './lattice-clip.ts';
import { ExactCapacity, releaseSum } from './noisy-sum.ts';
import type { ClippingOptions } from './record-options.ts';
import { ballSensitivity } from './relation-sensitivity.ts';
import { sqrtUp } from './rounding.ts';
import { type MechanismOptions, requireCount, termsOf } from './terms.ts';

/** Public constants of a noisy sum of vectors. */
export interface VectorSumOptions extends MechanismOptions, ClippingOptions {
  /** Number of coordinates of a user's vector. */
  readonly dimension: number;
  /** Bound on the norm of one user's vector (l2 for Gaussian, l1 for Laplace); longer ones are scaled down. */
  readonly clippingNorm: number;
  /** Noise over sensitivity: deviation over l2 for Gaussian, scale over l1 for Laplace. */
  readonly noiseMultiplier: number;
  /** Spacing of the grid, a power of two; default: that of `chooseGranularity`. */
  readonly granularity?: number;
}

const MAX_DIMENSION = 2 ** 30;

/**
 * Releases the sum of one real vector a user with Gaussian noise.
 *
 * Each vector is clipped, rounded to a power-of-two grid and checked in exact integers; the sum and the
 * noise (a rounded Gaussian) are exact integers too.
 *
 * ## Privacy
 * Unit: user, one vector each; relation: as given. Costs the event `gaussian{noiseMultiplier}` exactly, in any
 * dimension. `error` speaks of the noise on one coordinate; rounding moves the sum by at most
 * granularity/2 a user besides. A refused contribution is visible: check vectors where they are made.
 *
 * Source: grid.proof.md; Casacuberta et al. (2022) for what floating-point sums leak.
 *
 * @param contributions - `[users][dimension]`, finite; visited once
 * @returns the noisy sum, `[dimension]`
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`
 */
export function gaussianMechanism(
  contributions: Iterable<ArrayLike<number>>,
  options: VectorSumOptions,
): Release<Float64Array> {
  return vectorMechanism(contributions, options, 'l2', {
    kind: 'gaussian',
    noiseMultiplier: options.noiseMultiplier,
  });
}

/**
 * Releases the sum of one real vector a user with Laplace noise: pure epsilon 1/noiseMultiplier.
 *
 * As {@link gaussianMechanism}, with the l1 norm and discrete Laplace noise on the grid.
 *
 * ## Privacy
 * Unit: user, one vector each; relation: as given. Costs the event `laplace{noiseMultiplier}`, in any dimension:
 * discrete-laplace.proof.md.
 *
 * @param contributions - `[users][dimension]`, finite; visited once
 * @returns the noisy sum, `[dimension]`
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`
 */
export function laplaceMechanism(
  contributions: Iterable<ArrayLike<number>>,
  options: VectorSumOptions,
): Release<Float64Array> {
  return vectorMechanism(contributions, options, 'l1', {
    kind: 'laplace',
    noiseMultiplier: options.noiseMultiplier,
  });
}

function vectorMechanism(
  contributions: Iterable<ArrayLike<number>>,
  options: VectorSumOptions,
  norm: 'l1' | 'l2',
  noise: AdditiveNoise,
): Release<Float64Array> {
  const terms = termsOf(options);
  const { dimension, clippingNorm } = options;
  requireCount('dimension', dimension, MAX_DIMENSION);
  const granularity = granularityOf(options.granularity, clippingNorm, noise);
  const ball = latticeBall(norm, clippingNorm, granularity);
  const radius = norm === 'l1' ? ball.limit : sqrtUp(ball.limit);
  const reach = ballSensitivity(terms.relation, radius);
  // Neither law asks for the other norm, but what is stated must hold: l2 ≤ l1 ≤ √dimension · l2.
  const l1 = norm === 'l1' ? reach : Math.ceil(sqrtUp(dimension) * reach) + 1;
  const bounded = latticeNoise(noise, { l1, l2: reach, dimension });
  const capacity = new ExactCapacity(radius);
  const sum = new Float64Array(dimension);
  const vector = new Float64Array(dimension);
  let clipped = 0;
  for (const contribution of contributions) {
    capacity.admit();
    if (clipToLattice(contribution, ball, vector)) clipped++;
    for (let i = 0; i < dimension; i++) sum[i] = (sum[i] as number) + (vector[i] as number);
  }
  options.onClipped?.({ clipped, dropped: 0 });
  return releaseSum(sum, bounded, granularity, terms);
}
