import { VelaturaError } from '../../core/errors.ts';
import type { CertifiedInterval } from '../accountant.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import type { OdometerQuery } from './budget.ts';
import type { Limits } from './limits.ts';
import { decodeRecord } from './log-codec.ts';
import type { LogRecord, ReserveRecord } from './log-record.ts';
import type { Tally } from './scope.ts';
import type { BudgetState } from './state.ts';
import type { BudgetStore } from './store.ts';
import { transcriptEpsilon } from './transcript-epsilon.ts';
import { saturatingSum, unitsDelta } from './units.ts';

/** What was charged in a scope: sums in units, and how often which plan. */
export interface Reading {
  /** Null where it follows from the plans: no balance is kept of one account in one scene for life. */
  readonly cost: Float64Array | null;
  readonly deltaCost: number;
  /** Null where the log has to be searched. */
  readonly plans: readonly (readonly [Plan, number])[] | null;
}

/**
 * The charges of the scope for somebody present in every release, or for one account.
 *
 * @param handle - null for the worst case, −1 for an account nobody knows
 */
export function readingOf(
  state: BudgetState,
  { scene, epoch }: OdometerQuery,
  handle: number | null,
): Reading {
  if (epoch !== undefined && (state.limits?.epochs ?? null)?.start(epoch) == null) {
    throw new VelaturaError('dp/invalid-epoch', `"${epoch}" is no epoch of this budget`, { epoch });
  }
  const epochState = epoch === undefined ? state.life : state.epochs.get(epoch);
  const scope = scene === undefined ? epochState?.total : epochState?.scenes.get(scene);
  const nothing = new Float64Array(state.life.total.width);
  if (handle === null) {
    const lifelong: Tally | undefined =
      scene !== undefined && epoch === undefined ? state.scenes.get(scene)?.tally : scope?.tally;
    const plans = [...(lifelong?.plans ?? [])].map(
      ([number, uses]) => [state.plans[number]?.plan as Plan, uses] as const,
    );
    return { cost: lifelong?.cost.slice() ?? nothing, deltaCost: lifelong?.deltaCost ?? 0, plans };
  }
  if (handle < 0) return { cost: nothing, deltaCost: 0, plans: [] };
  const of = state.classes.of(handle);
  const deltaCost = epochState?.delta.spent(handle, of, 0) ?? 0;
  if (scope === undefined) {
    const isKept = scene === undefined || epoch !== undefined || state.limits?.epochs === null;
    return isKept
      ? { cost: nothing, deltaCost: 0, plans: [] }
      : { cost: null, deltaCost, plans: null };
  }
  return {
    cost: nothing.map((_, k) => scope.spent(handle, of, k)),
    deltaCost,
    plans: null,
  };
}

/** Epsilon of a reading in the currency of the budget, or under another accountant. */
export async function epsilonOfReading(
  { cost, deltaCost, plans }: Reading,
  query: OdometerQuery,
  handle: number | null,
  limits: Limits,
  terms: { readonly unit: PrivacyUnit; readonly relation: NeighbourRelation },
  store: BudgetStore,
): Promise<CertifiedInterval> {
  const delta = limits.policy.delta - unitsDelta(deltaCost);
  if (!(delta > 0)) return { lower: null, upper: Number.POSITIVE_INFINITY };
  const search = (): Promise<readonly (readonly [Plan, number])[]> =>
    plansOf(store, query, handle as number, limits.epochs !== null);
  if (query.accountant !== undefined) {
    return transcriptEpsilon(plans ?? (await search()), terms, delta, query.accountant);
  }
  if (cost === null) return { lower: null, upper: epsilonOfPlans(limits, await search(), delta) };
  const upper = cost.every((units) => units === 0) ? 0 : limits.currency.epsilon(cost, delta);
  return { lower: null, upper };
}

function epsilonOfPlans(
  { currency }: Limits,
  plans: readonly (readonly [Plan, number])[],
  delta: number,
): number {
  const sums = new Float64Array(currency.width);
  for (const [plan, uses] of plans) {
    const cost = currency.cost(plan);
    for (let k = 0; k < sums.length; k++) {
      sums[k] = saturatingSum(sums[k] as number, uses * (cost[k] as number));
    }
  }
  return plans.length === 0 ? 0 : currency.epsilon(sums, delta);
}

/** Plans that one account was charged for, with how often; searches the whole log. */
async function plansOf(
  store: BudgetStore,
  query: OdometerQuery,
  handle: number,
  renews: boolean,
): Promise<readonly (readonly [Plan, number])[]> {
  const transcript = new AccountTranscript(query, handle, renews);
  for await (const entries of store.read(-1)) {
    for (const entry of entries) transcript.add(entry.seq, decodeRecord(entry));
  }
  return transcript.plans();
}

/** The charges of one account, in one scope, as they pass by. */
class AccountTranscript {
  readonly #query: OdometerQuery;
  readonly #handle: number;
  readonly #renews: boolean;
  readonly #plans: Plan[] = [];
  readonly #populations = new Set<string>();
  /** Plan by number of the reservation. */
  readonly #charges = new Map<number, number>();

  constructor(query: OdometerQuery, handle: number, renews: boolean) {
    this.#query = query;
    this.#handle = handle;
    this.#renews = renews;
  }

  add(seq: number, record: LogRecord): void {
    switch (record.kind) {
      case 'plan':
        this.#plans.push(record.plan);
        break;
      case 'reserve':
        if (this.#isCharged(record)) this.#charges.set(seq, record.plan);
        break;
      case 'release':
        this.#charges.delete(record.reservation);
        break;
      case 'join':
        if (record.handles.includes(this.#handle)) this.#populations.add(record.name);
        break;
      case 'leave':
        if (record.handles.includes(this.#handle)) this.#populations.delete(record.name);
        break;
      case 'erase':
        if (record.handles.includes(this.#handle)) this.#populations.clear();
        break;
    }
  }

  plans(): readonly (readonly [Plan, number])[] {
    const uses = new Map<number, number>();
    for (const plan of this.#charges.values()) uses.set(plan, (uses.get(plan) ?? 0) + 1);
    return [...uses].map(([number, count]) => [this.#plans[number] as Plan, count] as const);
  }

  #isCharged({ handles, population, scene, epochs }: ReserveRecord): boolean {
    const { scene: wanted, epoch } = this.#query;
    if (wanted !== undefined && scene !== wanted) return false;
    if (epoch !== undefined && this.#renews && !epochs.includes(epoch)) return false;
    return handles === null
      ? this.#populations.has(population as string)
      : handles.includes(this.#handle);
  }
}
