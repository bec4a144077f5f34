import { VelaturaError } from '../../core/errors.ts';
import type { DpEvent, Plan, PrivacyBudgetAccountant, Refusal } from '../../dp/index.ts';
import { openBudgetFile, openExistingBudgetFile } from '../../node/budget-file.ts';
import { budgetSource, tryOut } from '../budget/source.ts';
import { readJson } from '../input.ts';

/** Which budget pays, and for what. */
export interface BudgetCharge {
  /** SQLite file of the budget; begun with the policy where there is none. */
  readonly budget: string;
  readonly scene: string;
  /** Policy file; may be left out where the budget exists. */
  readonly policy?: string;
  /** Epochs of the data that is read, where the policy has epochs. */
  readonly epochs?: readonly string[];
  /** Name of the model that the release feeds, for its limit in the policy. */
  readonly model?: string;
}

/**
 * Opens the budget, or begins it under the policy.
 *
 * @throws {VelaturaError} `cli/usage`, `data/*`, `dp/*` of `openBudgetFile`
 */
export async function openRunBudget(
  charge: BudgetCharge,
  attempt: number,
): Promise<PrivacyBudgetAccountant> {
  if (/^[a-z]+:\/\//iu.test(charge.budget)) {
    throw new VelaturaError('cli/usage', '--budget expected a file: databases pay for services', {
      option: '--budget',
    });
  }
  const budget =
    charge.policy === undefined
      ? await openExistingBudgetFile(charge.budget)
      : await openBudgetFile(charge.budget, {
          policy: readJson(charge.policy) as PrivacyBudgetAccountant['policy'],
          unit: 'user',
          relation: 'zero-out-one-user',
        });
  return scoped(budget, charge, attempt);
}

/**
 * The same budget, every charge of which names the epochs of the data, the model and the attempt: a release
 * that is made again after a stop is another release, and charged as one.
 */
function scoped(
  budget: PrivacyBudgetAccountant,
  { epochs, model }: BudgetCharge,
  attempt: number,
): PrivacyBudgetAccountant {
  const scope = {
    ...(epochs === undefined ? {} : { epochs }),
    ...(model === undefined ? {} : { model }),
  };
  return new Proxy(budget, {
    get(target, key) {
      if (key === 'reserve') {
        const reserve: PrivacyBudgetAccountant['reserve'] = (request) =>
          target.reserve({
            ...request,
            ...scope,
            idempotencyKey:
              attempt === 0 ? request.idempotencyKey : `${request.idempotencyKey}#${attempt}`,
          });
        return reserve;
      }
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** What a run would meet. */
export interface Admission {
  /** Null when every release would be admitted. */
  readonly refusal: Refusal | null;
  /** Releases of the run, and the first that would be refused, counted from 1. */
  readonly releases: number;
  readonly refusedAt: number;
}

/**
 * Tries a whole run out on a copy of the budget, release by release as it would be charged, so that none is
 * begun that would be refused half-way. Nothing is written.
 */
export async function rehearse(
  charge: BudgetCharge,
  accounts: readonly string[],
  plan: Plan,
): Promise<Admission> {
  const budget = scoped(await tryOut(budgetSource({ budget: charge.budget })), charge, 0);
  try {
    const handles = await budget.intern(accounts);
    const events = releasesOf(plan.event);
    for (const [i, event] of events.entries()) {
      const decision = await budget.reserve({
        scene: charge.scene,
        accounts: handles,
        plan: { ...plan, event },
        idempotencyKey: `rehearsal/${i}`,
      });
      if (decision.kind === 'refused') {
        return { refusal: decision.refusal, releases: events.length, refusedAt: i + 1 };
      }
      await budget.commit(decision.reservation.id);
    }
    return { refusal: null, releases: events.length, refusedAt: 0 };
  } finally {
    await budget.close();
  }
}

/** The releases of a run one by one. */
export function releasesOf(event: DpEvent): readonly DpEvent[] {
  if (event.kind === 'composed') return event.events.flatMap(releasesOf);
  if (event.kind === 'repeated') {
    const one = releasesOf(event.event);
    return Array.from({ length: event.count }, () => one).flat();
  }
  return [event];
}

/** True for limits on how often a scene is released, which fewer releases would keep. */
export function isQuota({ limit }: Refusal): boolean {
  return limit === 'min-aggregation-interval' || limit === 'max-releases';
}

/** The refusal as the error that ends the command with exit code 2. */
export function refusedRun(
  { scene, budget }: BudgetCharge,
  { refusal, releases, refusedAt }: Admission & { readonly refusal: Refusal },
  users: number,
): VelaturaError {
  const place = releases === 1 ? '' : `release ${refusedAt} of ${releases} would be refused: `;
  const hint =
    releases > 2 && isQuota(refusal)
      ? ' (--method one-shot releases least often)'
      : refusal.blocked.length < users
        ? ' (--leave-out-refused trains on the others)'
        : '';
  return new VelaturaError(
    refusal.limit === 'frozen' ? 'dp/scene-frozen' : 'dp/budget-exceeded',
    `${place}${refusal.message}; nothing was charged in ${budget}${hint}`,
    { scene, limit: refusal.limit, blocked: refusal.blocked.length, users, releases, refusedAt },
  );
}
