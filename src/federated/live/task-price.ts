import { nextUp } from '../../core/special/index.ts';
import { validatePlan } from '../../dp/accounting/index.ts';
import { invalid } from '../../dp/accounting/refuse.ts';
import { MAX_NOISE_STDDEV } from '../../dp/noise/index.ts';
import type { NeighbourRelation, Plan } from '../../dp/plan.ts';
import { distributedFacts, distributedPlan } from '../rounds/distributed-noise.ts';
import { roundPlan } from '../rounds/private-round.ts';
import { UpdateEncoder } from '../rounds/update-encoder.ts';
import type { LiveTask, TrustedSum } from './live-task.ts';

/**
 * Who is asked in a live round is public, so a user's presence is not hidden; what the user sent is.
 */
export const LIVE_RELATION: NeighbourRelation = 'zero-out-one-user';

/** What one round costs each account that was asked. */
export interface TaskPrice {
  readonly plan: Plan;
  /** Chance that a round is not as its plan says: that more than the sum shows, or that it wraps. */
  readonly delta: number;
}

/**
 * Prices one round of a task, from its public constants alone.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `federated/wrap-around` for noise that does not hold
 */
export function taskPrice({ sum }: LiveTask): TaskPrice {
  if (sum.kind === 'plain') {
    return { plan: validatePlan(roundPlan(sum.noiseMultiplier, LIVE_RELATION)), delta: 0 };
  }
  return {
    plan: validatePlan(distributedPlan(sum.noise, LIVE_RELATION)),
    delta: 2 ** -sum.securityBits + distributedFacts(sum.noise).wrapProbability,
  };
}

/** The encoder of a sum whose server adds the noise. */
export function trustedEncoder(sum: TrustedSum, dimension: number): UpdateEncoder {
  const { clippingNorm, integerNorm, clippingFlagWeight } = sum;
  return new UpdateEncoder({ dimension, clippingNorm, integerNorm, clippingFlagWeight });
}

/**
 * Deviation of the noise that the server adds, in lattice units.
 *
 * @throws {VelaturaError} `dp/invalid-parameter` where no sampler reaches that far
 */
export function trustedStddev(sum: TrustedSum, encoder: UpdateEncoder): number {
  const noiseStddev = nextUp(sum.noiseMultiplier * encoder.sensitivity(LIVE_RELATION));
  if (noiseStddev > MAX_NOISE_STDDEV) {
    throw invalid('noiseMultiplier', `a deviation of at most ${MAX_NOISE_STDDEV}`, noiseStddev);
  }
  return noiseStddev;
}
