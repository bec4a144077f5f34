import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import { yieldToEventLoop } from '../../core/event-loop.ts';
import type { RandomSource } from '../../core/random-source.ts';
import { normalQuantile } from '../../core/special/index.ts';
import type { PrivacyBudgetAccountant, Refusal } from '../../dp/budget/budget.ts';
import { fillRoundedGaussian } from '../../dp/noise/index.ts';
import { isInsecure, type NeighbourRelation, type Plan, type Release } from '../../dp/plan.ts';
import { drawBuckets } from '../robust/buckets.ts';
import { combineBuckets, noiseInflation, type RobustRule } from '../robust/robust-rule.ts';
import { type AmplifiedSampling, drawSample, expectedSample } from './amplified-sampling.ts';
import type { FederatedClient, LocalComputation } from './client.ts';
import { DistributedEncoder } from './distributed-encoder.ts';
import { type DistributedNoise, distributedFacts, distributedStddev } from './distributed-noise.ts';
import { NormBoundedSum } from './norm-bound.ts';
import { chargeRound, planOfRound } from './round-charge.ts';
import { checkEnvironment, checkedNoise, requireCohort } from './round-checks.ts';
import type { RoundNoise, SharedCharge } from './round-noise.ts';
import { closeSums, openSums, type PartSums, requireModulus, type SumPart } from './round-sums.ts';
import type { SecureSum } from './secure-sum.ts';
import { signalToNoise } from './signal-to-noise.ts';
import { UpdateEncoder } from './update-encoder.ts';

export { roundPlan } from './round-charge.ts';

/** Where a round runs: the sum, the noise, the budget that must agree, and the terms of the guarantee. */
export interface RoundEnvironment {
  readonly scene: string;
  readonly relation: NeighbourRelation;
  readonly secureSum: SecureSum;
  readonly random: RandomSource;
  /** Null only for simulations on data declared public: nothing is then charged. */
  readonly budget: PrivacyBudgetAccountant | null;
  /** Fewer accounts abort a round; at least 1. */
  readonly minimumCohort: number;
  readonly signal?: AbortSignal;
  /**
   * For simulations and tests: hears why a client's contribution was zero. That is a fact about one person
   * without noise, so it is refused beside a budget.
   */
  readonly onClientError?: (error: unknown) => void;
}

/** One reserve → compute → sum → noise → commit. */
export interface RoundRequest {
  /** Unique within the budget; a repeat of it returns the first reservation instead of a second charge. */
  readonly roundId: string;
  /** All who may be asked. */
  readonly clients: readonly FederatedClient[];
  readonly compute: LocalComputation;
  /** How updates become integers; or the noise that clients add to them, over a sum that hides contributions. */
  readonly encoder: UpdateEncoder | DistributedNoise;
  /**
   * Of the noise added to the sum: its deviation over the sensitivity, under the relation of the environment. 0 adds
   * none: non-private, unless the clients add it.
   */
  readonly noiseMultiplier: number;
  /** Asks only a secret sample and charges the whole population. Default: all clients are asked and charged. */
  readonly sampling?: AmplifiedSampling;
  /** Sums public random buckets of clients apart, each with the whole noise. Default: one sum. */
  readonly robust?: RobustRule;
  /** Charge and noise of a run that is paid for at once, in place of `noiseMultiplier`'s. */
  readonly shared?: SharedCharge;
}

/** A request with the encoder of its round. */
export interface EncodedRequest extends RoundRequest {
  readonly encoder: UpdateEncoder;
}

/**
 * What a round reports besides its value. Shares and ratios come from the noisy sum alone and cost nothing
 * more; the counts are facts about public membership.
 */
export interface RoundMetrics {
  /** Clients given: all of them are charged. */
  readonly cohort: number;
  /** Those who answered; of a secret sample, whose size is not public, the whole cohort. */
  readonly survivors: number;
  /** Contributions that the sum would not take: of clients that do not run this code. */
  readonly refusedContributions: number;
  /** Noisy share of clipped updates; null when the encoder carries no flag. */
  readonly clippedShare: number | null;
  /** Deviation of the noise in `clippedShare`. */
  readonly clippedShareStddev: number | null;
  /** Estimated ‖sum‖ over the expected norm of the noise; Infinity without noise. */
  readonly signalToNoise: number;
  /** Chance that the sum passed the modulus; 0 where it cannot. */
  readonly wrapProbability: number;
}

export type RoundOutcome =
  | {
      readonly kind: 'released';
      readonly release: Release<Float64Array>;
      readonly metrics: RoundMetrics;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A round that was charged before: it may have been released, and must not run again. */
export interface LostRound {
  readonly kind: 'lost';
}

/**
 * Runs one private sum over the clients: asks the budget, sums clipped integer updates, adds rounded
 * Gaussian noise, and commits. The sum is released, never the mean: normalisers are the caller's public
 * constants.
 *
 * ## Privacy
 * Unit: user; relation: of the environment. The release costs `gaussian{noiseMultiplier}` exactly
 * (update-encoder.proof.md), also over buckets (robust-rule.proof.md); that event on a sample with
 * `sampling`; `shared.plan`, once for the run, with `shared`; with noise of the clients the `skellam` event of
 * `distributedPlan` (distributed-noise.proof.md). All clients given are charged, whether they are
 * drawn and answer or not. A crash after the reserve leaves them charged.
 *
 * @returns the noisy sum in units of the updates, `[dimension]`; or why the budget refused
 * @throws {VelaturaError} `federated/cohort-too-small`, `federated/wrap-around`, `federated/round-closed`
 * for a round id that was used before, `core/aborted`, `dp/unsupported-event` for a combination of options
 * without a proof or over a sum whose server is not trusted, `dp/invalid-parameter`, and what the budget throws
 * @throws RangeError for a minimum cohort that is no positive integer
 * @throws TypeError for a listener to the errors of clients beside a budget, and for an encoder that adds noise itself
 */
export async function runPrivateRound(
  environment: RoundEnvironment,
  request: RoundRequest,
): Promise<RoundOutcome> {
  const outcome = await attemptPrivateRound(environment, request);
  // The first run may have released its sum already; another one with new noise would be unpaid for.
  if (outcome.kind === 'lost') {
    throw new VelaturaError('federated/round-closed', `round ${request.roundId} was run before`, {
      roundId: request.roundId,
    });
  }
  return outcome;
}

/** {@link runPrivateRound} for callers who know what to do when the round was run before. */
export async function attemptPrivateRound(
  environment: RoundEnvironment,
  asks: RoundRequest,
): Promise<RoundOutcome | LostRound> {
  const { random, signal } = environment;
  const request = { ...asks, encoder: encoderOf(environment, asks) };
  const { encoder, sampling, robust } = request;
  const secureSum = checkedSum(environment.secureSum);
  await yieldToEventLoop();
  throwIfAborted(signal);
  checkEnvironment(environment);
  const plan = planOfRound(environment, request);
  const noiseStddev = checkedNoise(environment, request);
  requireCohort(environment, request);
  // Buckets before the sample: see robust-rule.proof.md.
  const parts = partsOf(environment, request);
  for (const { clients } of parts) requireModulus(encoder, clients.length);
  const opened = sampling === undefined ? await openSums(secureSum, encoder, parts) : null;

  const charge = await chargeRound(environment, request, plan);
  if (charge.kind !== 'charged') return charge;

  const asked =
    opened ?? (await openSums(secureSum, encoder, sampledParts(parts, request, random)));
  const result = await closeSums(asked, encoder, request.compute, {
    signal,
    onClientError: environment.onClientError,
  });
  addNoise(result.sums, request.shared?.noise ?? null, noiseStddev, random);
  await charge.commit();

  const sum = robust === undefined ? firstOf(result) : combineBuckets(robust, result.sums);
  const inflation = robust === undefined ? 1 : noiseInflation(robust);
  return report(environment, request, plan, result, sum, noiseStddev * inflation);
}

/** Noise of the clients comes with the randomness of the environment, and a rotation of its own for each round. */
function encoderOf(
  { random }: RoundEnvironment,
  { encoder, roundId }: RoundRequest,
): UpdateEncoder {
  if (encoder instanceof UpdateEncoder) {
    if (encoder.noise === null) return encoder;
    // Ready made it keeps one rotation for all rounds, and noise from who knows where.
    throw new TypeError(
      `"encoder" expected an UpdateEncoder without noise or a DistributedNoise, got ${encoder.constructor.name}`,
    );
  }
  return new DistributedEncoder(encoder, { roundId, random });
}

/** Where the server sees contributions it checks their norm, whatever the clients run. */
function checkedSum(secureSum: SecureSum): SecureSum {
  return secureSum.name === 'plain' ? new NormBoundedSum(secureSum) : secureSum;
}

function partsOf(
  { minimumCohort, random }: RoundEnvironment,
  { roundId, clients, robust }: EncodedRequest,
): SumPart[] {
  if (robust === undefined) return [{ roundId, clients, minimumSurvivors: minimumCohort }];
  const bucketOf = drawBuckets(clients.length, robust.buckets, random);
  return Array.from({ length: robust.buckets }, (_, bucket) => ({
    roundId: `${roundId}/bucket-${bucket}`,
    clients: clients.filter((_, i) => bucketOf[i] === bucket),
    minimumSurvivors: minimumCohort,
  }));
}

/**
 * The same parts with only those who were drawn. A sample may be small or empty without an abort, which
 * would tell something about it; that the population is large enough was checked before.
 */
function sampledParts(
  parts: readonly SumPart[],
  { sampling, clients }: EncodedRequest,
  random: RandomSource,
): SumPart[] {
  const drawn = new Set(
    drawSample(sampling as AmplifiedSampling, clients.length, random).map((i) => clients[i]),
  );
  return parts.map((part) => ({
    ...part,
    clients: part.clients.filter((client) => drawn.has(client)),
    minimumSurvivors: 0,
  }));
}

function addNoise(
  sums: readonly Float64Array[],
  correlated: RoundNoise | null,
  noiseStddev: number,
  random: RandomSource,
): void {
  if (noiseStddev === 0) return;
  for (const sum of sums) {
    const noise = new Float64Array(sum.length);
    if (correlated === null) fillRoundedGaussian(noise, noiseStddev, random);
    else correlated.fill(noise, random);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (noise[i] as number);
  }
}

function firstOf({ sums }: PartSums): Float64Array {
  return sums[0] as Float64Array;
}

/** What leaves the round, in units of the updates. */
function report(
  environment: RoundEnvironment,
  { encoder, clients, sampling }: EncodedRequest,
  plan: Plan,
  result: PartSums,
  sum: Float64Array,
  centralStddev: number,
): RoundOutcome {
  const unit = encoder.clippingNorm / encoder.integerNorm;
  const noiseStddev =
    encoder.noise === null
      ? centralStddev * unit
      : distributedStddev(encoder.noise, result.survivors);
  const { sum: value, clippedCount } = encoder.decodeSum(sum);
  const contributions =
    sampling === undefined ? clients.length : expectedSample(sampling, clients.length);
  const confidence = 0.95;
  return {
    kind: 'released',
    release: {
      value,
      plan,
      error: {
        noiseStddev,
        halfWidth: noiseStddev * normalQuantile((1 + confidence) / 2),
        confidence,
      },
      insecure: isInsecure(environment.random),
    },
    metrics: {
      cohort: clients.length,
      survivors: sampling === undefined ? result.survivors : clients.length,
      refusedContributions: result.refused,
      clippedShare: clippedCount === null ? null : clippedCount / contributions,
      clippedShareStddev:
        clippedCount === null ? null : noiseStddev / unit / encoder.integerFlag / contributions,
      signalToNoise: signalToNoise(value, noiseStddev),
      wrapProbability: encoder.noise === null ? 0 : distributedFacts(encoder.noise).wrapProbability,
    },
  };
}
