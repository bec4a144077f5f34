import type { CertifiedInterval } from '../accountant.ts';
import { TOTAL_COLUMN } from './balances.ts';
import type { BudgetLine, BudgetSummary } from './budget.ts';
import type { Limit, Limits } from './limits.ts';
import type { BudgetState } from './state.ts';
import { unitsDelta } from './units.ts';

const HISTOGRAM_BINS = 10;

/** Scenes the policy names, then those the log has met through the policy's default. */
export function sceneNames(state: BudgetState, limits: Limits): readonly string[] {
  const named = Object.keys(limits.policy.scenes).filter((name) => name !== 'default');
  return [...new Set([...named, ...state.scenes.keys()])];
}

/** What an account has used: the total first, then its quotas. `handle` −1 stands for a new account. */
export function linesOf(
  state: BudgetState,
  limits: Limits,
  handle: number,
  scenes: readonly string[],
): readonly BudgetLine[] {
  const spent = (column: number | undefined): number =>
    handle < 0 || column === undefined ? 0 : state.balances.get(handle, column);
  const line = (
    limit: BudgetLine['limit'],
    scene: string | null,
    units: number,
    within: Limit,
  ): BudgetLine => ({
    limit,
    scene,
    spent: limits.epsilon(units, within),
    allowed: within.epsilon,
  });
  const lines = [line('user-total', null, spent(TOTAL_COLUMN), limits.user)];
  for (const name of scenes) {
    const rules = limits.scene(name);
    const scene = state.scenes.get(name);
    if (rules?.perUser) lines.push(line('user-scene', name, spent(scene?.column), rules.perUser));
    if (rules?.worstCase) {
      lines.push(line('scene-worst-case', name, scene?.cost ?? 0, rules.worstCase));
    }
  }
  return lines;
}

/** How many more charges of `cost` units the account could bear; 2³² − 1 for more than that. */
export function furtherReleases(
  state: BudgetState,
  limits: Limits,
  sceneName: string,
  handle: number,
  cost: number,
): number {
  const rules = limits.scene(sceneName);
  const scene = state.scenes.get(sceneName);
  if (rules === undefined || scene?.frozen === true) return 0;
  const times = (limit: Limit | null, spent: number): number =>
    limit === null ? Number.POSITIVE_INFINITY : Math.floor((limit.units - spent) / cost);
  const balance = (column: number | undefined): number =>
    handle < 0 || column === undefined ? 0 : state.balances.get(handle, column);
  const least = Math.min(
    times(limits.user, balance(TOTAL_COLUMN)),
    times(rules.perUser, balance(scene?.column)),
    times(rules.worstCase, scene?.cost ?? 0),
    (rules.maxReleases ?? Number.POSITIVE_INFINITY) - (scene?.releases ?? 0),
  );
  return Math.max(0, Math.min(least, 0xffff_ffff));
}

/** Numbers over all accounts that have spent anything in the scope. */
export function summaryOf(
  state: BudgetState,
  limits: Limits,
  sceneName: string | null,
): BudgetSummary {
  const scene = sceneName === null ? undefined : state.scenes.get(sceneName);
  const totals = sceneName === null ? state.total : scene;
  const column = sceneName === null ? TOTAL_COLUMN : scene?.column;
  const limit = (sceneName === null ? null : limits.scene(sceneName)?.perUser) ?? limits.user;
  const edges = Array.from(
    { length: HISTOGRAM_BINS + 1 },
    (_, i) => (limit.epsilon * i) / HISTOGRAM_BINS,
  );
  const upper = edges
    .slice(1)
    .map((epsilon, i) =>
      i === HISTOGRAM_BINS - 1
        ? limit.units
        : limits.currency.capacity(epsilon, limits.conversionDelta),
    );
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0);
  // Balances are few distinct sums of few distinct costs, and a conversion solves an equation.
  const epsilons = new Map<number, number>();
  let accounts = 0;
  let sum = 0;
  let max = 0;
  for (let handle = 0; column !== undefined && handle < state.balances.rows; handle++) {
    const units = state.balances.get(handle, column);
    if (units === 0) continue;
    let epsilon = epsilons.get(units);
    if (epsilon === undefined) {
      epsilon = limits.epsilon(units, limit);
      epsilons.set(units, epsilon);
    }
    accounts++;
    sum += epsilon;
    max = Math.max(max, epsilon);
    const bin = upper.findIndex((most) => units <= most);
    (counts[bin] as number)++;
  }
  return {
    scene: sceneName,
    accounts,
    releases: totals?.releases ?? 0,
    refused: totals?.refused ?? 0,
    frozen: scene?.frozen ?? false,
    epsilonMax: max,
    epsilonMean: accounts === 0 ? 0 : sum / accounts,
    allowed: limit.epsilon,
    histogram: { edges, counts },
  };
}

/**
 * Epsilon of one account that was in every release of the scope, at the delta of the policy: what the
 * charges spent of delta by themselves is taken off before the conversion.
 */
export function odometerOf(
  state: BudgetState,
  limits: Limits,
  sceneName: string | null,
): CertifiedInterval {
  const totals = sceneName === null ? state.total : state.scenes.get(sceneName);
  if (totals === undefined || totals.cost === 0) return { lower: null, upper: 0 };
  const delta = limits.policy.delta - unitsDelta(totals.deltaCost);
  const upper = delta > 0 ? limits.currency.epsilon(totals.cost, delta) : Number.POSITIVE_INFINITY;
  return { lower: null, upper };
}
