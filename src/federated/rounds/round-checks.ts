import { VelaturaError } from '../../core/errors.ts';
import { nextUp } from '../../core/special/index.ts';
import { MAX_NOISE_STDDEV } from '../../dp/noise/index.ts';
import { checkRobustRule } from '../robust/robust-rule.ts';
import type { EncodedRequest, RoundEnvironment } from './private-round.ts';
import type { SharedCharge } from './round-noise.ts';

/**
 * @throws RangeError for a minimum cohort that is no positive integer
 * @throws TypeError for a listener to the errors of clients beside a budget
 */
export function checkEnvironment({ minimumCohort, budget, onClientError }: RoundEnvironment): void {
  if (!Number.isSafeInteger(minimumCohort) || minimumCohort < 1) {
    throw new RangeError(`"minimumCohort" expected a positive integer, got ${minimumCohort}`);
  }
  if (budget !== null && onClientError !== undefined) {
    throw new TypeError(
      '"onClientError" expected a simulation without a budget: it would tell about people what nobody paid for',
    );
  }
}

/**
 * Deviation of the noise of one sum in lattice units.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function checkedNoise({ relation }: RoundEnvironment, request: EncodedRequest): number {
  const { noiseMultiplier, encoder, shared } = request;
  if (shared !== undefined) return sharedNoise(shared);
  const noiseStddev =
    noiseMultiplier === 0 ? 0 : nextUp(noiseMultiplier * encoder.sensitivity(relation));
  if (noiseStddev > MAX_NOISE_STDDEV) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `the noise expected a deviation of at most ${MAX_NOISE_STDDEV} lattice units, got ${noiseStddev}`,
      { noiseStddev },
    );
  }
  return noiseStddev;
}

/** Noise of zero under a plan that claims some would be a release in the clear. */
function sharedNoise({ plan, noise: { noiseStddev } }: SharedCharge): number {
  const isNoise = noiseStddev > 0 && Number.isFinite(noiseStddev);
  if (isNoise || (noiseStddev === 0 && plan.event.kind === 'non-private')) return noiseStddev;
  throw new VelaturaError(
    'dp/invalid-parameter',
    `the noise of the run expected a positive deviation, got ${noiseStddev}`,
    { noiseStddev },
  );
}

/**
 * What a single sum checks by itself, for clients that will be split up or drawn from.
 *
 * @throws {VelaturaError} `federated/duplicate-contribution`, `federated/cohort-too-small`
 */
export function requireCohort({ minimumCohort }: RoundEnvironment, request: EncodedRequest): void {
  const { clients, sampling, robust } = request;
  if (sampling === undefined && robust === undefined) return;
  if (robust !== undefined) checkRobustRule(robust);
  if (new Set(clients.map((client) => client.account)).size !== clients.length) {
    throw new VelaturaError(
      'federated/duplicate-contribution',
      'an account is in the cohort twice',
    );
  }
  const smallest = Math.floor(clients.length / (robust?.buckets ?? 1));
  if (smallest < minimumCohort) {
    throw new VelaturaError(
      'federated/cohort-too-small',
      `the smallest sum would be over ${smallest} accounts, the minimum is ${minimumCohort}`,
      { cohort: smallest, minimum: minimumCohort },
    );
  }
}
