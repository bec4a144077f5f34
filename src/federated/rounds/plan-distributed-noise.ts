import { VelaturaError } from '../../core/errors.ts';
import { calibrateNoise, epsilonOfPlan } from '../../dp/accounting/index.ts';
import type { DpEvent } from '../../dp/event.ts';
import type { Plan } from '../../dp/plan.ts';
import { paddedDimension } from './block-rotation.ts';
import { roundedNorm } from './conditional-rounding.ts';
import {
  type DistributedNoise,
  distributedEvent,
  distributedFacts,
  distributedMultiplier,
  MOST_WRAPPING,
} from './distributed-noise.ts';
import { ROTATION_GUARD, wrapProbability } from './wrap-bound.ts';

/** What distributed noise has to achieve. All of it public. */
export interface DistributedNoiseTarget {
  readonly dimension: number;
  readonly clippingNorm: number;
  /** See `UpdateEncoderOptions.clippingFlagWeight`. Default 0. */
  readonly clippingFlagWeight?: number;
  /** Most members of one round. */
  readonly cohort: number;
  /** t_min: members who are honest and survive, at least. */
  readonly honestSurvivors: number;
  /** Rounds that one user takes part in and that share epsilon. */
  readonly rounds: number;
  readonly epsilon: number;
  /** At which epsilon is converted. What a secure sum may fail with comes on top. */
  readonly delta: number;
  /**
   * Deviation of the sum, over that of central Gaussian noise of the same price in Rényi terms, at most. Default 1.05.
   * More of it needs fewer bits.
   */
  readonly mostError?: number;
  /** Bits of a coordinate, 8 … 52. Default: the fewest bytes within `mostError`. */
  readonly modulusBits?: number;
}

/** Constants that meet a target, and what they mean. */
export interface PlannedDistributedNoise {
  readonly noise: DistributedNoise;
  /** Of all rounds together. */
  readonly plan: Plan;
  /** Of all rounds at the delta of the target. */
  readonly epsilon: number;
  /** Of one round: what the noise of `honestSurvivors` and their roundings amount to, over the clipping norm. */
  readonly noiseMultiplier: number;
  /** The same over that of central Gaussian noise of the same price in Rényi terms. */
  readonly error: number;
  /** Chance that one sum passes the modulus somewhere. */
  readonly wrapProbability: number;
  /** Bytes of one masked vector. */
  readonly vectorBytes: number;
}

const LEAST_BITS = 8;
const MOST_BITS = 52;
const MOST_INTEGER_NORM = 2 ** 24;
const DEFAULT_ERROR = 1.05;
const SPARE_BITS = 6;
/** Beyond it noise is drawn slowly. */
const MOST_VARIANCE = 2 ** 32;
/** Skellam noise is calibrated for a lattice; across lattices it hardly differs from this much Gaussian noise. */
const CALIBRATION_MARGIN = 1 + 2 ** -7;

/**
 * Chooses lattice, rotation and modulus for the fewest bytes: whatever all members send, a sum passes the modulus
 * with a chance of at most 2⁻⁴⁰, and the error is within `mostError` of central noise.
 *
 * ## Privacy
 * Unit user, relation `zero-out-one-user`: rounds of the noise together cost `plan`, of at most `epsilon`, against
 * whoever sees the sums and knows the noise of all but `honestSurvivors` members. Priced in Rényi terms on integer
 * orders (Agarwal, Kairouz & Liu 2021) with the sensitivity after rounding. Proof: `distributed-noise.proof.md`.
 *
 * @throws {VelaturaError} `dp/no-solution` where no modulus of at most 52 bits does; `dp/invalid-parameter`
 */
export function planDistributedNoise(target: DistributedNoiseTarget): PlannedDistributedNoise {
  const central = calibrateNoise(priceOf(target), (noiseMultiplier) =>
    composed(target, { kind: 'gaussian', noiseMultiplier }),
  ).noiseMultiplier;
  const { mostError = DEFAULT_ERROR } = target;
  for (const candidate of candidates(target, central * CALIBRATION_MARGIN)) {
    const planned = finish(target, candidate, central);
    if (planned !== null && planned.error <= mostError) return planned;
  }
  throw new VelaturaError(
    'dp/no-solution',
    `no lattice and modulus of at most ${target.modulusBits ?? MOST_BITS} bits stay within ${mostError} of central noise`,
    { dimension: target.dimension, cohort: target.cohort, mostError },
  );
}

type Lattice = Pick<DistributedNoise, 'blockSize' | 'modulusBits' | 'integerNorm'>;

/** Lattices that may do, those of the fewest bytes first. */
function candidates(target: DistributedNoiseTarget, noiseMultiplier: number): readonly Lattice[] {
  const { dimension, clippingFlagWeight = 0, modulusBits, mostError = DEFAULT_ERROR } = target;
  const whole = dimension + (clippingFlagWeight > 0 ? 1 : 0);
  const found: (Lattice & { readonly bytes: number; readonly error: number })[] = [];
  for (let blockSize = 1; blockSize < 2 * whole; blockSize *= 2) {
    const padded = paddedDimension(whole, blockSize);
    let last = modulusBits ?? MOST_BITS;
    for (let bits = modulusBits ?? LEAST_BITS; bits <= last; bits++) {
      const integerNorm = largestNorm(target, blockSize, bits, noiseMultiplier);
      if (integerNorm === 0) continue;
      const error = estimate(target, integerNorm, padded, noiseMultiplier);
      if (error > mostError) continue;
      // What a coarse lattice costs more than a Gaussian is not in the estimate: a few bits more may be needed.
      last = Math.min(last, bits + SPARE_BITS);
      found.push({ blockSize, modulusBits: bits, integerNorm, error, bytes: padded * bits });
    }
  }
  return found.sort((a, b) => a.bytes - b.bytes || a.error - b.error);
}

/** Error of such a lattice over that of a real Gaussian, roundings at their worst. */
function estimate(
  { clippingFlagWeight = 0, honestSurvivors }: DistributedNoiseTarget,
  integerNorm: number,
  dimension: number,
  noiseMultiplier: number,
): number {
  const sensitivity = sensitivityOf(integerNorm, clippingFlagWeight, dimension);
  const variance = (noiseMultiplier * sensitivity) ** 2 + honestSurvivors / 4;
  return Math.sqrt(variance) / (noiseMultiplier * integerNorm);
}

function sensitivityOf(integerNorm: number, flagWeight: number, dimension: number): number {
  return roundedNorm(integerNorm * Math.sqrt(1 + flagWeight ** 2) * ROTATION_GUARD, dimension);
}

/** The finest lattice that a modulus has room for; 0 where there is none. */
function largestNorm(
  target: DistributedNoiseTarget,
  blockSize: number,
  modulusBits: number,
  noiseMultiplier: number,
): number {
  const { clippingFlagWeight = 0, cohort, honestSurvivors } = target;
  const whole = target.dimension + (clippingFlagWeight > 0 ? 1 : 0);
  const dimension = paddedDimension(whole, blockSize);
  const fits = (integerNorm: number): boolean => {
    const sensitivity = sensitivityOf(integerNorm, clippingFlagWeight, dimension);
    const norm = integerNorm * Math.sqrt(1 + clippingFlagWeight ** 2);
    const shareVariance = (noiseMultiplier * sensitivity) ** 2 / honestSurvivors;
    return (
      shareVariance <= MOST_VARIANCE &&
      wrapProbability({ dimension, modulusBits, cohort, norm, blockSize, shareVariance }) <=
        MOST_WRAPPING
    );
  };
  let [low, high] = [0, Math.min(MOST_INTEGER_NORM, 2 ** modulusBits)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Calibrates the noise for one lattice; null where it then has no room. */
function finish(
  target: DistributedNoiseTarget,
  { blockSize, modulusBits, integerNorm }: Lattice,
  central: number,
): PlannedDistributedNoise | null {
  const { dimension, clippingNorm, clippingFlagWeight = 0, cohort, honestSurvivors } = target;
  const padded = paddedDimension(dimension + (clippingFlagWeight > 0 ? 1 : 0), blockSize);
  const sensitivity = sensitivityOf(integerNorm, clippingFlagWeight, padded);
  const { noiseMultiplier } = calibrateNoise(
    priceOf(target),
    (multiplier) =>
      composed(target, distributedEvent((multiplier * sensitivity) ** 2, sensitivity, padded)),
    central,
  );
  const noise: DistributedNoise = {
    kind: 'distributed-noise',
    ...{ dimension, clippingNorm, clippingFlagWeight, cohort, honestSurvivors, blockSize },
    integerNorm,
    // Up by more than the shares of all survivors could lose in rounding.
    shareVariance: ((noiseMultiplier * sensitivity) ** 2 / honestSurvivors) * (1 + 2 ** -40),
    modulusBits,
  };
  const facts = factsIfTheyFit(noise);
  if (facts === null) return null;
  const plan: Plan = {
    unit: 'user',
    relation: 'zero-out-one-user',
    event: composed(target, facts.event),
  };
  const multiplier = distributedMultiplier(noise);
  return {
    noise,
    plan,
    epsilon: epsilonOfPlan(plan, target.delta, 'rdp').upper,
    noiseMultiplier: multiplier,
    error: multiplier / central,
    wrapProbability: facts.wrapProbability,
    vectorBytes: Math.ceil((padded * modulusBits) / 8),
  };
}

function factsIfTheyFit(noise: DistributedNoise): ReturnType<typeof distributedFacts> | null {
  try {
    return distributedFacts(noise);
  } catch (error) {
    if (error instanceof VelaturaError && error.code === 'federated/wrap-around') return null;
    throw error;
  }
}

function priceOf({ epsilon, delta }: DistributedNoiseTarget): Parameters<typeof calibrateNoise>[0] {
  return { epsilon, delta, relation: 'zero-out-one-user', accountant: 'rdp' };
}

function composed({ rounds }: DistributedNoiseTarget, event: DpEvent): DpEvent {
  return rounds === 1 ? event : { kind: 'repeated', count: rounds, event };
}
