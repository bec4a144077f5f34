import { VelaturaError } from '../../core/errors.ts';
import { validatePlan } from '../../dp/accounting/index.ts';
import type { PrivacyBudgetAccountant, Refusal } from '../../dp/budget/budget.ts';
import { isInsecure, type NeighbourRelation, type Plan } from '../../dp/plan.ts';
import { requireHiddenSample, sampledEvent } from './amplified-sampling.ts';
import type { RoundEnvironment, RoundRequest } from './private-round.ts';

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
export function planOfRound(environment: RoundEnvironment, request: RoundRequest): Plan {
  const { relation, budget, secureSum } = environment;
  const { sampling, shared, robust, noiseMultiplier, clients } = request;
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
    return validatePlan(shared.plan);
  }
  if (sampling === undefined || plain.event.kind === 'non-private') return plain;
  requireHiddenSample(secureSum);
  const event = sampledEvent(sampling, plain.event, clients.length, relation);
  return validatePlan({ ...plain, event });
}

/**
 * Charges a round before anybody is asked: those who are asked, the whole population of a secret sample, or
 * once for a run.
 *
 * @throws {VelaturaError} `dp/invalid-accounts` when somebody who may be drawn would not be charged;
 * `federated/volatile-journal`; what the budget throws
 */
export async function chargeRound(
  environment: RoundEnvironment,
  request: RoundRequest,
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
  const members =
    sampling === undefined ? null : await populationOf(budget, sampling.population, cohort);
  const decision = await budget.reserve({
    scene,
    ...(sampling === undefined ? { accounts: cohort } : { population: sampling.population }),
    plan,
    idempotencyKey: shared?.idempotencyKey ?? roundId,
    insecure: isInsecure(random),
  });
  if (decision.kind === 'refused') return decision;
  const { id, replayed, accounts } = decision.reservation;
  if (replayed && shared === undefined) return { kind: 'lost' };
  if (members !== null && members.length !== accounts) {
    await budget.release(id);
    throw new VelaturaError(
      'dp/invalid-accounts',
      'the population changed while the round was opened: nobody was asked and nobody is charged',
      { population: sampling?.population ?? null },
    );
  }
  return journalled(request, () => budget.commit(id));
}

/** Where no charge tells whether the round has begun, the journal does. */
async function journalled(
  { shared, roundId }: RoundRequest,
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
