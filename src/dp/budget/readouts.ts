import type { BudgetLine, BudgetSummary } from './budget.ts';
import { limitOfUser } from './filters.ts';
import { type Limit, type Limits, noLimit } from './limits.ts';
import type { EpochState, Scope, Tally } from './scope.ts';
import type { BudgetState } from './state.ts';

const HISTOGRAM_BINS = 10;

/** What one account has spent in one scope, and may: a row of an export. */
export interface BalanceRow {
  readonly handle: number;
  /** Scene, or null for the total. */
  readonly scene: string | null;
  /** Epoch of the data, or null for life. */
  readonly epoch: string | null;
  readonly epsilon: number;
  /** Infinity where nothing limits it. */
  readonly allowed: number;
}

/** Scenes the policy names, then those the log has met through the policy's default. */
export function sceneNames(state: BudgetState, limits: Limits): readonly string[] {
  const named = Object.keys(limits.policy.scenes).filter((name) => name !== 'default');
  return [...new Set([...named, ...state.scenes.keys()])];
}

/** Epochs that have limits: those of the data by name, or the whole life where none renew. */
function limitedEpochs(state: BudgetState, limits: Limits): readonly EpochState[] {
  if (limits.epochs === null) return [state.life];
  return [...state.epochs.values()].sort((a, b) =>
    (a.name as string) < (b.name as string) ? -1 : 1,
  );
}

/** What the account has spent in the scope: one sum an order. */
function spentOf(state: BudgetState, scope: Scope | undefined, handle: number): Float64Array {
  const spent = new Float64Array(state.life.total.width);
  if (scope === undefined || handle < 0) return spent;
  const of = state.classes.of(handle);
  for (let k = 0; k < spent.length; k++) spent[k] = scope.spent(handle, of, k);
  return spent;
}

/** What an account has used: the total first, then its quotas. `handle` −1 stands for a new account. */
export function linesOf(
  state: BudgetState,
  limits: Limits,
  handle: number,
  scenes: readonly string[],
): readonly BudgetLine[] {
  const of = state.classes.of(Math.max(0, handle));
  const total = handle < 0 ? limits.user : limitOfUser(limits, of);
  const line = (
    limit: BudgetLine['limit'],
    scene: string | null,
    epoch: string | null,
    spent: Float64Array,
    within: Limit,
  ): BudgetLine => ({
    limit,
    scene,
    epoch,
    spent: limits.epsilon(spent, within),
    allowed: within.epsilon,
  });
  const lines: BudgetLine[] = [];
  if (limits.epochs !== null) {
    const life = spentOf(state, state.life.total, handle);
    lines.push(line('user-total', null, null, life, noLimit(life.length)));
  }
  for (const epoch of limitedEpochs(state, limits)) {
    const { name } = epoch;
    lines.push(line('user-total', null, name, spentOf(state, epoch.total, handle), total));
    for (const scene of scenes) {
      const rules = limits.scene(scene);
      const scope = epoch.scenes.get(scene);
      if (rules?.perUser) {
        lines.push(line('user-scene', scene, name, spentOf(state, scope, handle), rules.perUser));
      }
      if (rules?.worstCase) {
        const worst = scope?.tally.cost ?? new Float64Array(state.life.total.width);
        lines.push(line('scene-worst-case', scene, name, worst, rules.worstCase));
      }
    }
    for (const [model, scope] of epoch.models) {
      const within = limits.model(model);
      if (within === null) continue;
      lines.push(line('model', model, name, spentOf(state, scope, handle), within));
    }
  }
  return lines;
}

/** Epsilon of sums; balances are few distinct sums of few distinct costs, and a conversion solves an equation. */
function rememberedEpsilon(limits: Limits, within: Limit): (spent: Float64Array) => number {
  const known = new Map<string | number, number>();
  return (spent) => {
    const key = spent.length === 1 ? (spent[0] as number) : spent.join();
    let epsilon = known.get(key);
    if (epsilon === undefined) {
      epsilon = limits.epsilon(spent, within);
      known.set(key, epsilon);
    }
    return epsilon;
  };
}

/**
 * Everyone who has spent anything in the scope.
 *
 * @returns pairs of handle and sums; the sums are overwritten with the next pair
 */
function* spenders(
  state: BudgetState,
  scope: Scope,
): Generator<readonly [handle: number, spent: Float64Array]> {
  const { classes } = state;
  const spent = new Float64Array(scope.width);
  for (let handle = 0; handle < state.size; handle++) {
    const of = classes.of(handle);
    let any = false;
    for (let k = 0; k < spent.length; k++) {
      const sum = scope.spent(handle, of, k);
      spent[k] = sum;
      any ||= sum > 0;
    }
    if (any) yield [handle, spent];
  }
}

function summaryOf(
  state: BudgetState,
  limits: Limits,
  where: { readonly scene: string | null; readonly epoch: string | null },
  scope: Scope | undefined,
  tally: Tally | undefined,
  limit: Limit | null,
): BudgetSummary {
  const within = limit ?? noLimit(state.life.total.width);
  const epsilonOf = rememberedEpsilon(limits, within);
  const epsilons: number[] = [];
  let sum = 0;
  let max = 0;
  if (scope !== undefined) {
    for (const [, spent] of spenders(state, scope)) {
      const epsilon = epsilonOf(spent);
      epsilons.push(epsilon);
      sum += epsilon;
      max = Math.max(max, epsilon);
    }
  }
  const top = Number.isFinite(within.epsilon) ? Math.max(within.epsilon, max) : max;
  const edges = Array.from({ length: HISTOGRAM_BINS + 1 }, (_, i) => (top * i) / HISTOGRAM_BINS);
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0);
  for (const epsilon of epsilons) {
    const bin = edges.findIndex((edge, i) => i > 0 && epsilon <= edge) - 1;
    (counts[bin < 0 ? HISTOGRAM_BINS - 1 : bin] as number)++;
  }
  return {
    ...where,
    accounts: epsilons.length,
    releases: tally?.releases ?? 0,
    refused: tally?.refused ?? 0,
    frozen: where.scene !== null && state.scenes.get(where.scene)?.frozen === true,
    epsilonMax: max,
    epsilonMean: epsilons.length === 0 ? 0 : sum / epsilons.length,
    allowed: within.epsilon,
    histogram: { edges, counts },
  };
}

/** Numbers over all accounts: everyone for life, everyone by epoch, then the scenes by epoch. */
export function summariesOf(state: BudgetState, limits: Limits): readonly BudgetSummary[] {
  const renews = limits.epochs !== null;
  const { total } = state.life;
  const rows = [
    summaryOf(
      state,
      limits,
      { scene: null, epoch: null },
      total,
      total.tally,
      renews ? null : limits.user,
    ),
  ];
  const epochs = limitedEpochs(state, limits);
  if (renews) {
    for (const { name: epoch, total: scope } of epochs) {
      rows.push(summaryOf(state, limits, { scene: null, epoch }, scope, scope.tally, limits.user));
    }
  }
  for (const scene of sceneNames(state, limits)) {
    const limit = limits.scene(scene)?.perUser ?? limits.user;
    const refused = state.scenes.get(scene)?.tally;
    for (const epoch of renews ? epochs : [state.life]) {
      const scope = epoch.scenes.get(scene);
      if (renews && scope === undefined) continue;
      const tally = renews ? scope?.tally : refused;
      rows.push(summaryOf(state, limits, { scene, epoch: epoch.name }, scope, tally, limit));
    }
    if (renews && !rows.some((row) => row.scene === scene)) {
      rows.push(summaryOf(state, limits, { scene, epoch: null }, undefined, refused, limit));
    }
  }
  return rows;
}

/** What everyone has spent, by handle within each scope: total and scenes of each epoch. */
export function* balanceRows(state: BudgetState, limits: Limits): Generator<BalanceRow> {
  const epochs =
    limits.epochs === null ? [state.life] : [state.life, ...limitedEpochs(state, limits)];
  for (const epoch of epochs) {
    const unlimited = epoch === state.life && limits.epochs !== null;
    const scopes: (readonly [string | null, Scope])[] = [[null, epoch.total]];
    if (!unlimited) scopes.push(...epoch.scenes);
    for (const [scene, scope] of scopes) {
      const perUser = scene === null ? null : (limits.scene(scene)?.perUser ?? null);
      const free = unlimited || (scene !== null && perUser === null);
      const conversions = new Map<Limit, (spent: Float64Array) => number>();
      const none = noLimit(scope.width);
      for (const [handle, spent] of spenders(state, scope)) {
        const within = free ? none : (perUser ?? limitOfUser(limits, state.classes.of(handle)));
        let epsilonOf = conversions.get(within);
        if (epsilonOf === undefined) {
          epsilonOf = rememberedEpsilon(limits, within);
          conversions.set(within, epsilonOf);
        }
        const epsilon = epsilonOf(spent);
        yield { handle, scene, epoch: epoch.name, epsilon, allowed: within.epsilon };
      }
    }
  }
}
