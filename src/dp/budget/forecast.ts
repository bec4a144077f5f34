import type { RoomOf } from './column.ts';
import { admissionFilters, type Charge, roomsOf } from './filters.ts';
import type { HandleList } from './handle-set.ts';
import type { Limits, SceneLimits } from './limits.ts';
import type { BudgetState } from './state.ts';

/** The largest answer: as many or more. */
const MOST = 0xffff_ffff;

/** Whole costs in the room, exactly: a quotient just below an integer may have been rounded up to it. */
function times(room: number, cost: number): number {
  const quotient = Math.floor(room / cost);
  return quotient * cost > room ? quotient - 1 : quotient;
}

/**
 * How many more such charges each account could bear, leaving waiting times aside.
 *
 * @param handles - in any order; those that nobody was given yet stand for new accounts
 */
export function furtherReleases(
  state: BudgetState,
  limits: Limits,
  rules: SceneLimits,
  charge: Charge,
  handles: HandleList,
): Uint32Array {
  const { scene, cost } = charge;
  let scenewide = MOST;
  if (state.scenes.get(scene)?.frozen === true) scenewide = 0;
  for (const epoch of state.limitedEpochs(charge.epochs)) {
    const tally = epoch?.scenes.get(scene)?.tally;
    if (rules.maxReleases !== null) {
      scenewide = Math.min(scenewide, rules.maxReleases - (tally?.releases ?? 0));
    }
    for (let k = 0; rules.worstCase !== null && k < cost.length; k++) {
      const room = (rules.worstCase.units[k] as number) - (tally?.cost[k] ?? 0);
      scenewide = Math.min(scenewide, times(room, cost[k] as number));
    }
  }
  const filters = admissionFilters(state, limits, rules, charge);
  // A filter's room is what is left after one such charge.
  const rooms = filters.map((filter) => roomsOf(state, limits, filter));
  return Uint32Array.from(handles, (handle) => {
    let least = scenewide;
    for (let f = 0; f < filters.length; f++) {
      const { scope, asked } = filters[f] as (typeof filters)[number];
      const room = (rooms[f] as RoomOf)(handle);
      for (let k = 0; k < room.length; k++) {
        const own = scope !== undefined ? scope.own.get(handle, k) : 0;
        const left = (room[k] as number) - own;
        const cost = asked[k] as number;
        if (cost > 0) least = Math.min(least, 1 + times(left, cost));
        else if (left < 0) least = 0;
      }
    }
    return Math.max(0, least);
  });
}
