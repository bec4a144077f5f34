import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import { yieldToEventLoop } from '../../core/event-loop.ts';
import { l2Norm } from '../../core/linear-algebra.ts';
import type { RandomSource } from '../../core/random-source.ts';
import { nextUp, normalQuantile } from '../../core/special/index.ts';
import { validatePlan } from '../../dp/accounting/index.ts';
import type { PrivacyBudgetAccountant, Refusal } from '../../dp/budget/budget.ts';
import { fillRoundedGaussian, MAX_NOISE_STDDEV } from '../../dp/noise/index.ts';
import { isInsecure, type NeighbourRelation, type Plan, type Release } from '../../dp/plan.ts';
import type { FederatedClient, LocalComputation } from './client.ts';
import type { SecureSum } from './secure-sum.ts';
import type { UpdateEncoder } from './update-encoder.ts';

/** Where a round runs: the sum, the noise, the budget that must agree, and the terms of the guarantee. */
export interface RoundEnvironment {
  readonly scene: string;
  readonly relation: NeighbourRelation;
  readonly secureSum: SecureSum;
  readonly random: RandomSource;
  /** Null only for simulations on data declared public: nothing is then charged. */
  readonly budget: PrivacyBudgetAccountant | null;
  readonly minimumCohort: number;
  readonly signal?: AbortSignal;
  /** For simulations and tests: hears why a client's contribution was zero. */
  readonly onClientError?: (error: unknown) => void;
}

/** One reserve → compute → sum → noise → commit. */
export interface RoundRequest {
  /** Unique within the budget; a repeat of it returns the first reservation instead of a second charge. */
  readonly roundId: string;
  readonly clients: readonly FederatedClient[];
  readonly compute: LocalComputation;
  readonly encoder: UpdateEncoder;
  /** Noise deviation over sensitivity, under the relation of the environment; 0 is non-private. */
  readonly noiseMultiplier: number;
}

/**
 * What a round reports besides its value. Shares and ratios come from the noisy sum alone and cost nothing
 * more; the counts are facts about public membership.
 */
export interface RoundMetrics {
  readonly cohort: number;
  readonly survivors: number;
  /** Noisy share of clipped updates; null when the encoder carries no flag. */
  readonly clippedShare: number | null;
  /** Deviation of the noise in `clippedShare`. */
  readonly clippedShareStddev: number | null;
  /** Estimated ‖sum‖ over the expected norm of the noise; Infinity without noise. */
  readonly signalToNoise: number;
}

export type RoundOutcome =
  | {
      readonly kind: 'released';
      readonly release: Release<Float64Array>;
      readonly metrics: RoundMetrics;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Bits of the modulus of the sum: large enough for every cohort and noise this library calibrates. */
const MODULUS_BITS = 52;

/** The plan that one round costs. */
export function roundPlan(noiseMultiplier: number, relation: NeighbourRelation): Plan {
  return {
    unit: 'user',
    relation,
    event: noiseMultiplier === 0 ? { kind: 'non-private' } : { kind: 'gaussian', noiseMultiplier },
  };
}

/**
 * Runs one private sum over the clients: asks the budget, sums clipped integer updates, adds rounded
 * Gaussian noise, and commits. The sum is released, never the mean: normalisers are the caller's public
 * constants.
 *
 * ## Privacy
 * Unit: user; relation: of the environment. The release costs `gaussian{noiseMultiplier}` exactly
 * (update-encoder.proof.md). All clients given are charged, whether they answer or not. A crash after the
 * reserve leaves them charged.
 *
 * @returns the noisy sum in units of the updates, `[dimension]`; or why the budget refused
 * @throws {VelaturaError} `federated/cohort-too-small`, `federated/wrap-around`, `federated/round-closed`
 * for a round id that was used before, `core/aborted`, and what the budget throws
 */
export async function runPrivateRound(
  environment: RoundEnvironment,
  request: RoundRequest,
): Promise<RoundOutcome> {
  const { relation, random, budget, scene, secureSum, signal } = environment;
  const { encoder, noiseMultiplier, clients } = request;
  await yieldToEventLoop();
  throwIfAborted(signal);
  const plan = validatePlan(roundPlan(noiseMultiplier, relation));
  if (budget !== null && relation === 'add-or-remove-one-user') {
    throw new VelaturaError(
      'dp/relation-mismatch',
      'a round shows who is asked, so membership is public: book it under zero-out-one-user',
      { relation },
    );
  }
  const noiseStddev =
    noiseMultiplier === 0 ? 0 : nextUp(noiseMultiplier * encoder.sensitivity(relation));
  if (noiseStddev > MAX_NOISE_STDDEV) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `the noise expected a deviation of at most ${MAX_NOISE_STDDEV} lattice units, got ${noiseStddev}`,
      { noiseStddev },
    );
  }
  const cohort = clients.map((client) => client.account);
  const session = await secureSum.open({
    roundId: request.roundId,
    dimension: encoder.encodedDimension,
    modulusBits: MODULUS_BITS,
    contributionBound: encoder.integerSensitivity,
    cohort,
    minimumSurvivors: environment.minimumCohort,
  });

  let reservationId: string | null = null;
  if (budget !== null) {
    const decision = await budget.reserve({
      scene,
      accounts: cohort,
      plan,
      idempotencyKey: request.roundId,
      insecure: isInsecure(random),
    });
    if (decision.kind === 'refused') return decision;
    // The first run may have released its sum already; another one with new noise would be unpaid for.
    if (decision.reservation.replayed) {
      throw new VelaturaError('federated/round-closed', `round ${request.roundId} was run before`, {
        roundId: request.roundId,
      });
    }
    reservationId = decision.reservation.id;
  }

  for (const client of clients) {
    throwIfAborted(signal);
    await session.contribute(
      client.account,
      client.contribute(request.compute, encoder, environment.onClientError).vector,
    );
  }
  const { sum, survivors } = await session.close();
  if (noiseMultiplier !== 0) {
    const noise = new Float64Array(sum.length);
    fillRoundedGaussian(noise, noiseStddev, random);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (noise[i] as number);
  }
  if (budget !== null && reservationId !== null) await budget.commit(reservationId);

  const unit = encoder.clippingNorm / encoder.integerNorm;
  const { sum: value, clippedCount } = encoder.decodeSum(sum);
  const confidence = 0.95;
  return {
    kind: 'released',
    release: {
      value,
      plan,
      error: {
        noiseStddev: noiseStddev * unit,
        halfWidth: noiseStddev * unit * normalQuantile((1 + confidence) / 2),
        confidence,
      },
      insecure: isInsecure(random),
    },
    metrics: {
      cohort: cohort.length,
      survivors,
      clippedShare: clippedCount === null ? null : clippedCount / cohort.length,
      clippedShareStddev:
        clippedCount === null ? null : noiseStddev / encoder.integerFlag / cohort.length,
      signalToNoise: signalToNoise(value, noiseStddev * unit),
    },
  };
}

/** ‖signal‖ estimated by taking the expected noise energy out of the observed one. */
function signalToNoise(noisySum: Float64Array, noiseStddev: number): number {
  const noiseEnergy = noisySum.length * noiseStddev ** 2;
  if (noiseEnergy === 0) return Number.POSITIVE_INFINITY;
  return Math.sqrt(Math.max(0, l2Norm(noisySum) ** 2 - noiseEnergy) / noiseEnergy);
}
