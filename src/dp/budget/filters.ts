import { DELTA_COLUMN, TOTAL_COLUMN } from './balances.ts';
import type { LimitName } from './budget.ts';
import type { Limits, SceneLimits } from './limits.ts';
import { type BudgetState, emptyScene, type SceneState } from './state.ts';
import { saturatingSum } from './units.ts';

/** What a request would book, in units. Handles that the state does not know have spent nothing. */
export interface Charge {
  readonly scene: string;
  /** Without duplicates. */
  readonly handles: Uint32Array;
  readonly cost: number;
  readonly deltaCost: number;
  /** Milliseconds since 1970, not before the time of the log. */
  readonly time: number;
}

/**
 * A limit that a charge would pass. The numbers are units for limits in epsilon, units of delta, releases
 * or milliseconds: whatever the limit counts in.
 */
export interface Violation {
  readonly limit: LimitName;
  /** Positions in `handles`, ascending; null for all, where the scene is in the way. */
  readonly blocked: Uint32Array | null;
  readonly spent: number;
  readonly asked: number;
  readonly allowed: number;
}

/** Time from which the scene's interval lets a reserve in; −∞ without one. */
function nextOpening(scene: SceneState, interval: number): number {
  if (interval === 0) return Number.NEGATIVE_INFINITY;
  let end = scene.lastEnd;
  for (const expiresAt of scene.open.values()) end = Math.max(end, expiresAt);
  return end + interval;
}

function sceneViolation(scene: SceneState, limits: SceneLimits, charge: Charge): Violation | null {
  const blocked = null;
  if (scene.frozen) return { limit: 'frozen', blocked, spent: 0, asked: 0, allowed: 0 };
  if (limits.maxReleases !== null && scene.releases >= limits.maxReleases) {
    const { releases: spent } = scene;
    return { limit: 'max-releases', blocked, spent, asked: 1, allowed: limits.maxReleases };
  }
  const opening = nextOpening(scene, limits.interval);
  if (charge.time < opening) {
    const { interval } = limits;
    return {
      limit: 'min-aggregation-interval',
      blocked,
      spent: Math.max(0, charge.time - (opening - interval)),
      asked: 0,
      allowed: interval,
    };
  }
  const { worstCase } = limits;
  if (worstCase !== null && saturatingSum(scene.cost, charge.cost) > worstCase.units) {
    const { cost: spent } = scene;
    return {
      limit: 'scene-worst-case',
      blocked,
      spent,
      asked: charge.cost,
      allowed: worstCase.units,
    };
  }
  return null;
}

/**
 * Asks every filter whether the charge may be booked: first the scene's, then each account's total, scene
 * quota and delta. Changes nothing. Argument: filters.proof.md.
 *
 * @returns null when all admit it. Else the first limit in the way; when it is one of the accounts' own,
 * `blocked` holds every account that would pass any of its limits, and the numbers are those of the
 * account furthest over the named one
 */
export function violationOf(
  state: BudgetState,
  limits: Limits,
  sceneLimits: SceneLimits,
  charge: Charge,
): Violation | null {
  const known = state.scenes.get(charge.scene);
  const scene = known ?? emptyScene(charge.scene, -1);
  const violation = sceneViolation(scene, sceneLimits, charge);
  if (violation !== null) return violation;
  const { handles, cost, deltaCost } = charge;
  // Compared as "spent > room": both sides are exact, and a negative room blocks everyone.
  const totalRoom = limits.user.units - cost;
  const sceneRoom =
    sceneLimits.perUser === null ? Number.POSITIVE_INFINITY : sceneLimits.perUser.units - cost;
  const deltaRoom = deltaCost === 0 ? Number.POSITIVE_INFINITY : limits.additiveDelta - deltaCost;
  const { balances } = state;
  const blocked: number[] = [];
  let worstTotal = -1;
  let worstScene = -1;
  let worstDelta = -1;
  for (let i = 0; i < handles.length; i++) {
    const handle = handles[i] as number;
    const total = balances.get(handle, TOTAL_COLUMN);
    const inScene = known === undefined ? 0 : balances.get(handle, scene.column);
    const delta = balances.get(handle, DELTA_COLUMN);
    if (total <= totalRoom && inScene <= sceneRoom && delta <= deltaRoom) continue;
    blocked.push(i);
    if (total > totalRoom) worstTotal = Math.max(worstTotal, total);
    if (inScene > sceneRoom) worstScene = Math.max(worstScene, inScene);
    if (delta > deltaRoom) worstDelta = Math.max(worstDelta, delta);
  }
  if (blocked.length === 0) return null;
  const positions = Uint32Array.from(blocked);
  if (worstTotal >= 0) {
    return {
      limit: 'user-total',
      blocked: positions,
      spent: worstTotal,
      asked: cost,
      allowed: limits.user.units,
    };
  }
  if (worstScene >= 0) {
    return {
      limit: 'user-scene',
      blocked: positions,
      spent: worstScene,
      asked: cost,
      allowed: sceneLimits.perUser?.units ?? 0,
    };
  }
  return {
    limit: 'delta',
    blocked: positions,
    spent: worstDelta,
    asked: deltaCost,
    allowed: limits.additiveDelta,
  };
}
