import { VelaturaError } from '../../core/errors.ts';
import type { RandomSource } from '../../core/random-source.ts';
import { SecureRandom } from '../../core/secure-random.ts';
import { epsilonOfPlan } from '../../dp/accounting/index.ts';
import type { PrivacyBudgetAccountant, Refusal } from '../../dp/budget/budget.ts';
import { checkDelta } from '../../dp/delta-check.ts';
import type { DpEvent } from '../../dp/event.ts';
import { isInsecure, type NeighbourRelation, type Plan, type Release } from '../../dp/plan.ts';
import { type PrivacyStatement, UNCOVERED_SIDE_CHANNELS } from '../../dp/statement.ts';

/** Who pays for an audit, and how it is noised. Every number is a public constant. */
export interface AuditTerms {
  /**
   * The budget that everybody asked is charged in; null when the people are declared public, as users of a
   * benchmark are. Then nobody is charged, the counts are noised all the same, and the statement says so.
   */
  readonly budget: PrivacyBudgetAccountant | null;
  readonly scene: string;
  readonly relation: NeighbourRelation;
  /** Unique within the budget; must not name a person. */
  readonly auditId: string;
  /** Noise deviation over sensitivity. */
  readonly noiseMultiplier: number;
  /** At which the statement gives epsilon. */
  readonly delta: number;
  /** Public guess of the number of people, for the check of delta. */
  readonly population: number;
  /** With which all intervals of the audit hold at once, in (0, 1). */
  readonly confidence: number;
  /** Epochs of the data that is read; needed where the budget's policy has epochs. */
  readonly epochs?: readonly string[];
  /** Default: the platform's generator; a budget accepts no other. */
  readonly random?: RandomSource;
}

/** One person in an audit. */
export interface AuditedPerson {
  /** Account id, for the budget alone. */
  readonly account: string;
}

/** What an audit costs. */
export interface AuditCost {
  readonly plan: Plan;
  readonly statement: PrivacyStatement;
}

/** An audit that was made, or why the budget refused it. */
export type AuditOutcome<T> =
  | { readonly kind: 'released'; readonly audit: T }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What every audit costs, before anything is charged: one Gaussian release over all people asked. */
export function auditPlan(terms: Pick<AuditTerms, 'relation' | 'noiseMultiplier'>): Plan {
  const event: DpEvent = { kind: 'gaussian', noiseMultiplier: terms.noiseMultiplier };
  return { unit: 'user', relation: terms.relation, event };
}

/**
 * Reserves, releases and commits: no number of an audit exists before everybody was charged for it. What fails
 * in between stays charged.
 *
 * @param bounds - public constants that bound what one person adds
 * @param release - computes the noisy sums from the people's data
 * @throws {VelaturaError} `dp/idempotency-conflict` for an audit id that was used before, because its noise
 * would be drawn again; `dp/insecure-release`, `dp/delta-too-large`, `dp/invalid-parameter`; as `reserve`
 */
export async function chargedRelease<T>(
  terms: AuditTerms,
  people: readonly AuditedPerson[],
  bounds: readonly string[],
  release: (random: RandomSource) => Release<T>,
): Promise<
  | { readonly kind: 'released'; readonly release: Release<T>; readonly cost: AuditCost }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
> {
  const { budget, scene, auditId, epochs, confidence } = terms;
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`"confidence" expected a number in (0, 1), got ${confidence}`);
  }
  const random = terms.random ?? new SecureRandom();
  const plan = auditPlan(terms);
  const statement = auditStatement(terms, plan, bounds, isInsecure(random));
  if (budget === null)
    return { kind: 'released', release: release(random), cost: { plan, statement } };
  const decision = await budget.reserve({
    scene,
    accounts: people.map(({ account }) => account),
    plan,
    idempotencyKey: auditId,
    insecure: isInsecure(random),
    ...(epochs === undefined ? {} : { epochs }),
  });
  if (decision.kind === 'refused') return decision;
  const { reservation } = decision;
  if (reservation.replayed) {
    throw new VelaturaError(
      'dp/idempotency-conflict',
      'the audit id was used before: new noise over the same counts would be a second release',
      { auditId },
    );
  }
  const released = release(random);
  await budget.commit(reservation.id);
  return { kind: 'released', release: released, cost: { plan, statement } };
}

function auditStatement(
  { delta, population, budget }: AuditTerms,
  plan: Plan,
  bounds: readonly string[],
  insecure: boolean,
): PrivacyStatement {
  const warning = checkDelta(delta, population);
  return {
    unit: plan.unit,
    relation: plan.relation,
    epsilon: epsilonOfPlan(plan, delta, 'gdp'),
    delta,
    accountant: 'gdp',
    trustModel: {
      server: 'whoever runs the audit sees the rows and is trusted with them, and adds the noise',
      otherClients: 'see what is published: the noise protects against them',
      modelReaders: 'see what is published: the noise protects against them',
    },
    sybilAssumption: 'one person holds one account; whoever enrols accounts vouches for that',
    bounds: [...bounds, `population taken as ${population}`],
    sideChannelsNotCovered: UNCOVERED_SIDE_CHANNELS,
    insecure,
    simulation: budget === null ? 'Audit of people declared public: nothing was charged' : null,
    warnings: warning === null ? [] : [warning],
  };
}
