import { invalid } from '../accounting/refuse.ts';
import type { NeighbourRelation, Release } from '../plan.ts';
import {
  discreteGaussianNoise,
  discreteLaplaceNoise,
  type LatticeNoise,
  type LatticeSensitivity,
  skellamNoise,
} from './additive-noise.ts';
import { releaseSum } from './noisy-sum.ts';
import { ballSensitivity } from './relation-sensitivity.ts';
import {
  invalidContribution,
  type MechanismOptions,
  requireCount,
  requirePositive,
  termsOf,
} from './terms.ts';

/** Bound on what one user adds to a vector of integers, in the l2 norm. */
export interface L2Contribution {
  /** Positive; at least 1 where a user adds anything at all. */
  readonly l2Contribution: number;
}

/** The same in the l1 norm. */
export interface L1Contribution {
  /** A positive integer. */
  readonly l1Contribution: number;
}

const MAX_CONTRIBUTION = 2 ** 50;

/** Options of {@link discreteGaussianMechanism}. */
export interface DiscreteGaussianOptions extends MechanismOptions, L2Contribution {
  /** Parameter of the law, in (0, 2⁴⁶]. */
  readonly sigma: number;
}

/**
 * Releases a vector of integers with discrete Gaussian noise.
 *
 * ## Privacy
 * Unit: user; relation: as given. Costs `discrete-gaussian{sigma, l2Sensitivity, dimension}`, provided that the
 * vector is a sum to which **one user adds at most** `l2Contribution`; the sensitivity under the relation (twice
 * that, if users are replaced) is worked out here.
 *
 * Source: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (2020), theorem 14.
 *
 * @param sum - `[dimension]`, integers of at most 2⁵³
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`
 */
export function discreteGaussianMechanism(
  sum: ArrayLike<number>,
  options: DiscreteGaussianOptions,
): Release<Float64Array> {
  requirePositive('sigma', options.sigma);
  return latticeMechanism(sum, options, l2Reach(options), (sensitivity) =>
    discreteGaussianNoise(options.sigma, sensitivity),
  );
}

/** Options of {@link discreteLaplaceMechanism}. */
export interface DiscreteLaplaceOptions extends MechanismOptions, L1Contribution {
  /** Parameter of the law, at least 2⁻⁴⁰: P[k] ∝ e^(−parameter·|k|). */
  readonly parameter: number;
}

/**
 * Releases a vector of integers with discrete Laplace noise: pure epsilon parameter · l1 sensitivity.
 *
 * ## Privacy
 * Unit: user; relation: as given. Costs `discrete-laplace{parameter, sensitivity}`, in any dimension
 * (discrete-laplace.proof.md §1), provided that the vector is a sum to which **one user adds at most**
 * `l1Contribution`.
 *
 * @param sum - `[dimension]`, integers of at most 2⁵³
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`
 */
export function discreteLaplaceMechanism(
  sum: ArrayLike<number>,
  options: DiscreteLaplaceOptions,
): Release<Float64Array> {
  requirePositive('parameter', options.parameter);
  return latticeMechanism(sum, options, l1Reach(options), (sensitivity) =>
    discreteLaplaceNoise(options.parameter, sensitivity),
  );
}

/** Options of {@link skellamMechanism}. */
export interface SkellamOptions extends MechanismOptions, L1Contribution, L2Contribution {
  /** Variance of the noise, in [2⁻¹⁰⁰⁰, 2⁴¹]. */
  readonly mu: number;
}

/**
 * Releases a vector of integers with Skellam noise, the law of a sum of shares that many parties drew.
 *
 * ## Privacy
 * Unit: user; relation: as given. Costs `skellam{mu, l1Sensitivity, l2Sensitivity, dimension}`, provided that
 * the vector is a sum to which **one user adds at most** the two contributions.
 *
 * Source: Agarwal, Kairouz, Liu, "The Skellam Mechanism for Differentially Private Federated Learning" (2021).
 *
 * @param sum - `[dimension]`, integers of at most 2⁵³
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`
 */
export function skellamMechanism(
  sum: ArrayLike<number>,
  options: SkellamOptions,
): Release<Float64Array> {
  requirePositive('mu', options.mu);
  const reach = { ...l2Reach(options), l1: l1Reach(options).l1 };
  return latticeMechanism(sum, options, reach, (sensitivity) =>
    skellamNoise(options.mu, sensitivity),
  );
}

type Reach = Pick<LatticeSensitivity, 'l1' | 'l2'>;

/** |k| ≤ k² for integers, so that an l2 bound is an l1 bound too. */
function l2Reach(options: L2Contribution & { readonly relation: NeighbourRelation }): Reach {
  const { l2Contribution, relation } = options;
  if (!(l2Contribution > 0 && l2Contribution <= MAX_CONTRIBUTION)) {
    throw invalid('l2Contribution', 'a number in (0, 2^50]', l2Contribution);
  }
  const l2 = ballSensitivity(relation, l2Contribution);
  return { l1: l2 * l2, l2 };
}

function l1Reach(options: L1Contribution & { readonly relation: NeighbourRelation }): Reach {
  const { l1Contribution, relation } = options;
  requireCount('l1Contribution', l1Contribution, MAX_CONTRIBUTION);
  const l1 = ballSensitivity(relation, l1Contribution);
  return { l1, l2: l1 };
}

function latticeMechanism(
  sum: ArrayLike<number>,
  options: MechanismOptions,
  reach: Reach,
  noiseOf: (sensitivity: LatticeSensitivity) => LatticeNoise,
): Release<Float64Array> {
  const terms = termsOf(options);
  const exact = Float64Array.from(sum, (value) => {
    if (!Number.isSafeInteger(value)) throw invalidContribution('integers of at most 2^53');
    return value;
  });
  if (exact.length === 0) throw invalidContribution('at least one coordinate');
  return releaseSum(exact, noiseOf({ ...reach, dimension: exact.length }), 1, terms);
}
