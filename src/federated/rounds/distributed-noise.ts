import { VelaturaError } from '../../core/errors.ts';
import { nextDown } from '../../core/special/ulp.ts';
import { invalid } from '../../dp/accounting/refuse.ts';
import type { DpEvent } from '../../dp/event.ts';
import { skellamNoise } from '../../dp/mechanisms/additive-noise.ts';
import type { NeighbourRelation, Plan } from '../../dp/plan.ts';
import { paddedDimension } from './block-rotation.ts';
import { roundedNorm } from './conditional-rounding.ts';
import { ROTATION_GUARD, wrapProbability } from './wrap-bound.ts';

/** Every coordinate of every sum together passes the modulus with at most that chance. */
export const MOST_WRAPPING: number = 2 ** -40;

/**
 * How clients make updates into noisy integers, so that nobody ever holds the bare sum: public constants, plain JSON,
 * the same for the server and all clients. From {@link planDistributedNoise}.
 */
export interface DistributedNoise {
  readonly kind: 'distributed-noise';
  /** Coordinates of one update. */
  readonly dimension: number;
  /** Bound on the l2 norm of one update. */
  readonly clippingNorm: number;
  /** See `UpdateEncoderOptions.clippingFlagWeight`. */
  readonly clippingFlagWeight: number;
  /** Most members of one round: more could pass the modulus. */
  readonly cohort: number;
  /** t_min: members who keep their noise to themselves and survive. With fewer there is no sum. */
  readonly honestSurvivors: number;
  /** Coordinates over which the rotation spreads a vector; a power of two. */
  readonly blockSize: number;
  /** Integer length that stands for `clippingNorm`. */
  readonly integerNorm: number;
  /** Variance of the Skellam noise of one member, in lattice units. */
  readonly shareVariance: number;
  /** Sums are modulo 2^modulusBits; 8 … 52. */
  readonly modulusBits: number;
}

/** What follows from the constants alone. */
export interface DistributedFacts {
  /** Coordinates of one encoded update: whole blocks. */
  readonly encodedDimension: number;
  /** Exact bound on the l2 norm of one update before its noise, an integer; so of what one user moves the sum by. */
  readonly integerSensitivity: number;
  /** What one sum costs every user of it. */
  readonly event: DpEvent;
  /** Chance that the sum passes the modulus somewhere. */
  readonly wrapProbability: number;
}

/**
 * Checks constants that may come from outside and works out what follows.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`; `federated/wrap-around` where the sum may pass the modulus
 */
export function distributedFacts(noise: DistributedNoise): DistributedFacts {
  checkConstants(noise);
  const { dimension, blockSize, integerNorm, clippingFlagWeight, honestSurvivors } = noise;
  const { shareVariance, modulusBits, cohort } = noise;
  const flag = clippingFlagWeight > 0 ? 1 : 0;
  const encodedDimension = paddedDimension(dimension + flag, blockSize);
  // Update and flag are one vector; every bound is on its length.
  const norm = integerNorm * Math.sqrt(1 + clippingFlagWeight ** 2);
  const integerSensitivity = roundedNorm(norm * ROTATION_GUARD, encodedDimension);
  const wrapping = wrapProbability({
    ...{ dimension: encodedDimension, modulusBits, cohort, norm, blockSize, shareVariance },
  });
  if (!(wrapping <= MOST_WRAPPING)) {
    throw new VelaturaError(
      'federated/wrap-around',
      `the sum of ${cohort} noisy updates may pass ${modulusBits} bits`,
      { cohort, modulusBits },
    );
  }
  return {
    encodedDimension,
    integerSensitivity,
    event: distributedEvent(
      nextDown(honestSurvivors * shareVariance),
      integerSensitivity,
      encodedDimension,
    ),
    wrapProbability: wrapping,
  };
}

/** Skellam noise of variance mu on integer vectors of that norm. */
export function distributedEvent(mu: number, l2: number, dimension: number): DpEvent {
  return skellamNoise(mu, { l1: l2 * l2, l2, dimension }).event;
}

/**
 * What one round costs: zeroing one user's update moves the sum by that update alone, and the noise stays.
 *
 * @throws {VelaturaError} `dp/relation-mismatch` under any other relation: who is gone adds no noise either
 */
export function distributedPlan(noise: DistributedNoise, relation: NeighbourRelation): Plan {
  if (relation !== 'zero-out-one-user') {
    throw new VelaturaError(
      'dp/relation-mismatch',
      'noise that users add themselves is priced under zero-out-one-user: who is absent adds none',
      { relation },
    );
  }
  return { unit: 'user', relation, event: distributedFacts(noise).event };
}

/**
 * Deviation of one coordinate of a decoded sum, in units of the updates: the noise of all survivors, and their
 * roundings at most.
 */
export function distributedStddev(noise: DistributedNoise, survivors: number): number {
  const { shareVariance, clippingNorm, integerNorm } = noise;
  // A coordinate rounded up with chance p has variance p(1 − p).
  return (Math.sqrt(survivors * (shareVariance + 1 / 4)) * clippingNorm) / integerNorm;
}

/** Deviation of the noise of `honestSurvivors` over the clipping norm: what central noise would be called. */
export function distributedMultiplier(noise: DistributedNoise): number {
  return distributedStddev(noise, noise.honestSurvivors) / noise.clippingNorm;
}

/** The constants in one line, the same for everybody: what clients of a secure sum agree on. */
export function noiseWords(noise: DistributedNoise): string {
  return NAMES.map((name) => `${name}=${noise[name]}`).join(' ');
}

const NAMES = [
  'kind',
  'dimension',
  'clippingNorm',
  'clippingFlagWeight',
  'cohort',
  'honestSurvivors',
  'blockSize',
  'integerNorm',
  'shareVariance',
  'modulusBits',
] as const satisfies readonly (keyof DistributedNoise)[];

function checkConstants(noise: DistributedNoise): void {
  const { dimension, cohort, honestSurvivors, blockSize, integerNorm, modulusBits } = noise;
  requireInteger('dimension', dimension, 1, 2 ** 26);
  requireInteger('cohort', cohort, 1, 2 ** 24);
  requireInteger('honestSurvivors', honestSurvivors, 1, cohort);
  requireInteger('blockSize', blockSize, 1, 2 ** 26);
  if (!Number.isInteger(Math.log2(blockSize))) {
    throw invalid('blockSize', 'a power of two', blockSize);
  }
  // As of every encoder: squares then add up exactly. With the flag the vector is up to √2 times longer.
  requireInteger('integerNorm', integerNorm, 1, 2 ** 24);
  requireInteger('modulusBits', modulusBits, 2, 52);
  const { clippingNorm, clippingFlagWeight, shareVariance } = noise;
  if (!(clippingNorm > 0 && Number.isFinite(integerNorm / clippingNorm))) {
    throw invalid('clippingNorm', 'a positive number', clippingNorm);
  }
  if (!(clippingFlagWeight >= 0 && clippingFlagWeight <= 1)) {
    throw invalid('clippingFlagWeight', 'a number in [0, 1]', clippingFlagWeight);
  }
  if (!(shareVariance >= 2 ** -20 && shareVariance <= 2 ** 40)) {
    throw invalid('shareVariance', 'a number in [2^-20, 2^40]', shareVariance);
  }
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalid(name, `an integer in [${least}, ${most}]`, value);
  }
}
