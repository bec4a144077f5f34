import { VelaturaError } from '../../core/errors.ts';
import { validatePlan } from '../../dp/accounting/index.ts';
import { invalid } from '../../dp/accounting/refuse.ts';
import type { PrivacyBudgetAccountant, Refusal } from '../../dp/budget/budget.ts';
import { isInsecure, type NeighbourRelation, type Plan } from '../../dp/plan.ts';
import { requireHiddenSample, sampledEvent } from './amplified-sampling.ts';
import { type DistributedNoise, distributedFacts, distributedPlan } from './distributed-noise.ts';
import type { EncodedRequest, RoundEnvironment } from './private-round.ts';
import type { SecureSum } from './secure-sum.ts';

/** What became of the charge of a round. */
export type ChargeOutcome =
  /** The round may run; `commit` when it is released. */
  | { readonly kind: 'charged'; commit(): Promise<void> }
  /** It was charged before, and may have been released. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The plan that one round costs. */
export function roundPlan(noiseMultiplier: number, relation: NeighbourRelation): Plan {
  return {
    unit: 'user',
    relation,
    event: noiseMultiplier === 0 ? { kind: 'non-private' } : { kind: 'gaussian', noiseMultiplier },
  };
}

/**
 * The plan of a round with all its options, or why there is none.
 *
 * @throws {VelaturaError} `dp/unsupported-event` for combinations without a proof; `dp/invalid-parameter`,
 * `dp/relation-mismatch`
 */
export function planOfRound(environment: RoundEnvironment, request: EncodedRequest): Plan {
  const { relation, budget, secureSum } = environment;
  const { sampling, shared, robust, noiseMultiplier, clients } = request;
  if (request.encoder.noise !== null) {
    return requireHidingSum(environment, requireLocalNoiseAlone(request, request.encoder.noise));
  }
  const plain = validatePlan(roundPlan(noiseMultiplier, relation));
  if (budget !== null && relation === 'add-or-remove-one-user') {
    throw new VelaturaError(
      'dp/relation-mismatch',
      'a round shows who is asked, so membership is public: book it under zero-out-one-user',
      { relation },
    );
  }
  if (shared !== undefined) {
    if (sampling !== undefined || robust !== undefined) {
      throw new VelaturaError(
        'dp/unsupported-event',
        'correlated noise has no proven bound together with samples or buckets',
      );
    }
    if (shared.plan.relation !== relation) {
      throw new VelaturaError('dp/relation-mismatch', 'the shared plan has another relation', {
        relation,
      });
    }
    return requireTrustedServer(secureSum, validatePlan(shared.plan));
  }
  if (sampling === undefined || plain.event.kind === 'non-private') {
    return requireTrustedServer(secureSum, plain);
  }
  requireHiddenSample(secureSum);
  const event = sampledEvent(sampling, plain.event, clients.length, relation);
  return requireTrustedServer(secureSum, validatePlan({ ...plain, event }));
}

/** @throws {VelaturaError} `dp/unsupported-event`; `dp/invalid-parameter` for central noise besides */
function requireLocalNoiseAlone(
  { sampling, shared, robust, noiseMultiplier }: EncodedRequest,
  noise: DistributedNoise,
): DistributedNoise {
  if (sampling !== undefined || shared !== undefined || robust !== undefined) {
    throw new VelaturaError(
      'dp/unsupported-event',
      'noise of the clients has no proven bound together with samples, buckets or correlation',
    );
  }
  if (noiseMultiplier !== 0)
    throw invalid('noiseMultiplier', '0: the clients add the noise', noiseMultiplier);
  return noise;
}

/** Where single contributions are seen, a share of the noise is all that protects each: fit for simulations only. */
function requireHidingSum(
  { relation, secureSum, budget }: RoundEnvironment,
  noise: DistributedNoise,
): Plan {
  const plan = validatePlan(distributedPlan(noise, relation));
  if (secureSum.name !== 'plain' || budget === null) return plan;
  throw new VelaturaError(
    'dp/unsupported-event',
    'the server of a plain sum sees each contribution with a share of the noise only: ask for a cryptographic sum',
    { secureSum: secureSum.name },
  );
}

/**
 * Chance that a round is not as its plan says: that its sum shows more than itself, or wraps. What wraps protects
 * no less, being computed from the noisy sum; it is booked so that delta covers all that may go wrong.
 */
export function roundDelta(
  secureSum: Pick<SecureSum, 'disclosure'>,
  noise: DistributedNoise | null,
): number {
  if (noise === null) return 0;
  return secureSum.disclosure + distributedFacts(noise).wrapProbability;
}

/** Noise added behind a cryptographic sum protects nobody from the server that opens the sum. */
function requireTrustedServer(secureSum: SecureSum, plan: Plan): Plan {
  if (plan.event.kind === 'non-private' || secureSum.name === 'plain') return plan;
  throw new VelaturaError(
    'dp/unsupported-event',
    `the server of the sum "${secureSum.name}" would see the exact sum before the noise is added: let the clients add it (planDistributedNoise)`,
    { secureSum: secureSum.name },
  );
}

/**
 * Charges a round before anybody is asked: those who are asked, the whole population of a secret sample, or
 * once for a run.
 *
 * The population of a secret sample is read before the charge and after it, and must be the same both times
 * and as large as what was charged. What this cannot see is one member leaving and another joining before the
 * charge, and both taking it back before the second reading: keep membership still while a round is opened.
 *
 * @throws {VelaturaError} `dp/invalid-accounts` when somebody who may be drawn would not be charged;
 * `federated/volatile-journal`; what the budget throws
 */
export async function chargeRound(
  environment: RoundEnvironment,
  request: EncodedRequest,
  plan: Plan,
): Promise<ChargeOutcome> {
  const { budget, scene, random } = environment;
  const { shared, sampling, roundId } = request;
  const cohort = request.clients.map((client) => client.account);
  if (budget === null) return journalled(request, async () => {});
  if (shared !== undefined && !shared.journal.durable) {
    throw new VelaturaError(
      'federated/volatile-journal',
      'a run that is paid for at once needs a durable record of the rounds that began',
    );
  }
  const delta = roundDelta(environment.secureSum, request.encoder.noise);
  const before =
    sampling === undefined ? null : await populationOf(budget, sampling.population, cohort);
  const decision = await budget.reserve({
    scene,
    ...(sampling === undefined ? { accounts: cohort } : { population: sampling.population }),
    plan,
    idempotencyKey: shared?.idempotencyKey ?? roundId,
    insecure: isInsecure(random),
    ...(delta === 0 ? {} : { delta }),
  });
  if (decision.kind === 'refused') return decision;
  const { id, replayed, accounts } = decision.reservation;
  if (replayed && shared === undefined) return { kind: 'lost' };
  if (sampling !== undefined && before !== null) {
    const after = await budget.members(sampling.population);
    if (before.length !== accounts || !isSame(before, after)) {
      await budget.release(id);
      throw new VelaturaError(
        'dp/invalid-accounts',
        'the population changed while the round was opened: nobody was asked and nobody is charged',
        { population: sampling.population },
      );
    }
  }
  return journalled(request, () => budget.commit(id));
}

/** Whether both lists hold the same members, each once. */
function isSame(before: Uint32Array, after: Uint32Array): boolean {
  const members = new Set(before);
  return before.length === after.length && after.every((handle) => members.has(handle));
}

/** Where no charge tells whether the round has begun, the journal does. */
async function journalled(
  { shared, roundId }: EncodedRequest,
  commit: () => Promise<void>,
): Promise<ChargeOutcome> {
  if (shared !== undefined && !(await shared.journal.begin(roundId))) return { kind: 'lost' };
  return { kind: 'charged', commit };
}

/** Members of the population, after a check that everybody who may be drawn is one. */
async function populationOf(
  budget: PrivacyBudgetAccountant,
  population: string,
  cohort: readonly string[],
): Promise<Uint32Array> {
  const members = await budget.members(population);
  const charged = new Set(members);
  const handles = await budget.intern(cohort);
  const missing = handles.reduce((count, handle) => count + (charged.has(handle) ? 0 : 1), 0);
  if (missing > 0) {
    throw new VelaturaError(
      'dp/invalid-accounts',
      `${missing} of ${cohort.length} clients are not in the population that is charged`,
      { missing, population },
    );
  }
  return members;
}
