import type { RandomSource } from '../../core/random-source.ts';
import { nextUp } from '../../core/special/ulp.ts';
import { unsupported } from '../accounting/refuse.ts';
import type { DpEvent } from '../event.ts';
import {
  fillDiscreteGaussian,
  fillDiscreteLaplace,
  fillRoundedGaussian,
  fillSkellam,
} from '../noise/index.ts';
import {
  discreteGaussianDeviation,
  discreteGaussianHalfWidth,
  discreteLaplaceDeviation,
  discreteLaplaceHalfWidth,
  roundedGaussianDeviation,
  roundedGaussianHalfWidth,
  skellamHalfWidth,
} from './noise-tails.ts';
import { productUp } from './rounding.ts';
import { requirePositive } from './terms.ts';

/**
 * Which integer noise is added to a statistic, and how much of it.
 *
 * - `gaussian`: rounded Gaussian; costs the event `gaussian` exactly. The default choice.
 * - `laplace`: discrete Laplace on a fine grid; costs the event `laplace`. For pure epsilon 1/noiseMultiplier
 *   on real numbers.
 * - `discrete-laplace`: the same law at its own cost; for pure epsilon on small integers, such as counts.
 * - `discrete-gaussian`, `skellam`: where their own guarantees are wanted.
 */
export interface AdditiveNoise {
  readonly kind: 'gaussian' | 'laplace' | 'discrete-gaussian' | 'discrete-laplace' | 'skellam';
  /**
   * Noise over sensitivity: the deviation over the l2 sensitivity, for the two Laplace kinds the scale over
   * the l1 sensitivity.
   */
  readonly noiseMultiplier: number;
}

const KINDS: readonly string[] = [
  'gaussian',
  'laplace',
  'discrete-gaussian',
  'discrete-laplace',
  'skellam',
] satisfies readonly AdditiveNoise['kind'][];

/** @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event` for an unknown law */
export function requireNoise({ kind, noiseMultiplier }: AdditiveNoise): void {
  if (!KINDS.includes(kind)) {
    throw unsupported('noise.kind', `unknown noise "${String(kind).slice(0, 40)}"`);
  }
  requirePositive('noise.noiseMultiplier', noiseMultiplier);
}

/** How far one user can move a vector of integers, under the relation of a plan. */
export interface LatticeSensitivity {
  /** An integer. */
  readonly l1: number;
  /** Never under the exact value. */
  readonly l2: number;
  readonly dimension: number;
}

/** A law of noise on integers with what it costs and how wide it is. */
export interface LatticeNoise {
  readonly event: DpEvent;
  /** Standard deviation, in steps. */
  readonly deviation: number;
  /** An integer h with P[|K| ≤ h] ≥ confidence. */
  halfWidth(confidence: number): number;
  fill(target: Float64Array, random: RandomSource): void;
}

/** Rounded Gaussian noise. @param noiseStddev - at least noiseMultiplier times the l2 sensitivity */
function roundedGaussianNoise(noiseMultiplier: number, noiseStddev: number): LatticeNoise {
  return {
    event: { kind: 'gaussian', noiseMultiplier },
    deviation: roundedGaussianDeviation(noiseStddev),
    halfWidth: (confidence) => roundedGaussianHalfWidth(noiseStddev, confidence),
    fill: (target, random) => fillRoundedGaussian(target, noiseStddev, random),
  };
}

/** Discrete Gaussian noise on integers of that sensitivity. */
export function discreteGaussianNoise(
  sigma: number,
  { l2, dimension }: LatticeSensitivity,
): LatticeNoise {
  const event = { kind: 'discrete-gaussian', sigma, l2Sensitivity: l2 } as const;
  return {
    event: dimension === 1 ? event : { ...event, dimension },
    deviation: discreteGaussianDeviation(sigma),
    halfWidth: (confidence) => discreteGaussianHalfWidth(sigma, confidence),
    fill: (target, random) => fillDiscreteGaussian(target, sigma, random),
  };
}

/** Discrete Laplace noise; the event is the caller's. */
function laplaceNoise(parameter: number, event: DpEvent): LatticeNoise {
  return {
    event,
    deviation: discreteLaplaceDeviation(parameter),
    halfWidth: (confidence) => discreteLaplaceHalfWidth(parameter, confidence),
    fill: (target, random) => fillDiscreteLaplace(target, parameter, random),
  };
}

/** Discrete Laplace noise at its own cost, in any dimension: discrete-laplace.proof.md §1. */
export function discreteLaplaceNoise(parameter: number, { l1 }: LatticeSensitivity): LatticeNoise {
  return laplaceNoise(parameter, { kind: 'discrete-laplace', parameter, sensitivity: l1 });
}

/** Skellam noise on integers of that sensitivity; |k| ≤ k² and Cauchy and Schwarz bound its l1 part. */
export function skellamNoise(mu: number, { l1, l2, dimension }: LatticeSensitivity): LatticeNoise {
  const l1Sensitivity = Math.min(l1, nextUp(nextUp(Math.sqrt(dimension)) * l2), nextUp(l2 * l2));
  const event = { kind: 'skellam', mu, l1Sensitivity, l2Sensitivity: l2 } as const;
  return {
    event: dimension === 1 ? event : { ...event, dimension },
    deviation: Math.sqrt(mu),
    halfWidth: (confidence) => skellamHalfWidth(mu, confidence),
    fill: (target, random) => fillSkellam(target, mu, random),
  };
}

/** Keeps a computed epsilon under its target however the few operations of it round. */
const ROUNDING = 1 - 2 ** -48;

/**
 * The noise that a choice means at a sensitivity.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event` for an unknown law
 */
export function latticeNoise(noise: AdditiveNoise, sensitivity: LatticeSensitivity): LatticeNoise {
  requireNoise(noise);
  const { kind, noiseMultiplier } = noise;
  const { l1, l2 } = sensitivity;
  switch (kind) {
    case 'gaussian':
      return roundedGaussianNoise(noiseMultiplier, productUp(noiseMultiplier, l2));
    case 'discrete-gaussian':
      return discreteGaussianNoise(productUp(noiseMultiplier, l2), sensitivity);
    case 'discrete-laplace':
      return discreteLaplaceNoise(ROUNDING / (noiseMultiplier * l1), sensitivity);
    case 'laplace': {
      // The root of parameter·l1 + parameter²/4 = epsilon: discrete-laplace.proof.md §2.
      const epsilon = 1 / noiseMultiplier;
      const parameter = (2 * epsilon * ROUNDING) / (l1 + Math.sqrt(l1 * l1 + epsilon));
      return laplaceNoise(parameter, { kind: 'laplace', noiseMultiplier });
    }
    case 'skellam': {
      const deviation = productUp(noiseMultiplier, l2);
      return skellamNoise(productUp(deviation, deviation), sensitivity);
    }
  }
}
