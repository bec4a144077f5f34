import type { AccountClass, Population } from './account-classes.ts';
import type { LimitName } from './budget.ts';
import type { RoomOf } from './column.ts';
import type { HandleList } from './handle-set.ts';
import type { Limit, Limits, SceneLimits } from './limits.ts';
import type { Scope } from './scope.ts';
import type { BudgetState, SceneState } from './state.ts';
import { saturatingSum } from './units.ts';

/** What a request would book, in units. Accounts that have no balance yet have spent nothing. */
export interface Charge {
  readonly scene: string;
  /** Ascending, without duplicates: the accounts asked. Null where a population is charged. */
  readonly handles: HandleList | null;
  readonly population: Population | null;
  readonly model: string | null;
  /** Epochs that are read; none where nothing renews. */
  readonly epochs: readonly string[];
  /** One sum an order. */
  readonly cost: Float64Array;
  readonly deltaCost: number;
  /** Milliseconds since 1970, not before the time of the log. */
  readonly time: number;
}

/** A limit that a charge would pass. */
export interface Violation {
  readonly limit: LimitName;
  /** Epoch of the limit, or null for life. */
  readonly epoch: string | null;
  /** Handles in the way, ascending; null for all, where the scene is in the way. */
  readonly blocked: Uint32Array | null;
  /** Units, one sum an order; or one number in what the limit counts: units of delta, releases, milliseconds. */
  readonly spent: Float64Array;
  readonly asked: Float64Array;
  /** The limit in epsilon that is in the way; null where it counts something else. */
  readonly within: Limit | null;
  /** What the limit allows, where it counts something else. */
  readonly allowed: number;
}

/** A limit of each account in one scope. */
export interface Filter {
  readonly limit: LimitName;
  readonly epoch: string | null;
  /** Undefined where nothing was charged yet. */
  readonly scope: Scope | undefined;
  /** One sum an order. */
  readonly asked: Float64Array;
  /** The limit in epsilon; null where the account's group decides, and where delta is counted. */
  readonly within: Limit | null;
}

function countViolation(
  limit: LimitName,
  epoch: string | null,
  spent: number,
  asked: number,
  allowed: number,
): Violation {
  return {
    limit,
    epoch,
    blocked: null,
    spent: Float64Array.of(spent),
    asked: Float64Array.of(asked),
    within: null,
    allowed,
  };
}

/** Time from which the scene's interval lets a reserve in; −∞ without one. */
function nextOpening(state: BudgetState, scene: SceneState | undefined, interval: number): number {
  if (interval === 0 || scene === undefined) return Number.NEGATIVE_INFINITY;
  if (scene.lastExpiry === null) {
    scene.lastExpiry = Number.NEGATIVE_INFINITY;
    for (const { terms, expiresAt } of state.open) {
      if (terms.scene === scene.name) scene.lastExpiry = Math.max(scene.lastExpiry, expiresAt);
    }
  }
  const end = Math.max(scene.lastEnd, scene.lastExpiry);
  return end + interval;
}

function passes(spent: Float64Array | undefined, asked: Float64Array, most: Float64Array): boolean {
  for (let k = 0; k < asked.length; k++) {
    const sum = saturatingSum(spent?.[k] ?? 0, asked[k] as number);
    if (!(sum <= (most[k] as number))) return false;
  }
  return true;
}

/** What stands in the way of everyone in the scene. */
function sceneViolation(
  state: BudgetState,
  limits: Limits,
  rules: SceneLimits,
  { scene: name, cost, time, epochs }: Charge,
): Violation | null {
  const scene = state.scenes.get(name);
  if (scene?.frozen === true) return countViolation('frozen', null, 0, 0, 0);
  const { maxReleases, interval, worstCase } = rules;
  const opening = nextOpening(state, scene, interval);
  if (time < opening) {
    const since = Math.max(0, time - (opening - interval));
    return countViolation('min-aggregation-interval', null, since, 0, interval);
  }
  if (maxReleases === null && worstCase === null) return null;
  for (const [i, charged] of state.limitedEpochs(epochs).entries()) {
    const epoch = limits.epochs === null ? null : (epochs[i] as string);
    const tally = charged?.scenes.get(name)?.tally;
    const releases = tally?.releases ?? 0;
    if (maxReleases !== null && releases >= maxReleases) {
      return countViolation('max-releases', epoch, releases, 1, maxReleases);
    }
    if (worstCase === null || passes(tally?.cost, cost, worstCase.units)) continue;
    return {
      limit: 'scene-worst-case',
      epoch,
      blocked: null,
      spent: tally?.cost.slice() ?? new Float64Array(cost.length),
      asked: cost,
      within: worstCase,
      allowed: worstCase.epsilon,
    };
  }
  return null;
}

/** The total that a user of the class may spend. */
export function limitOfUser(limits: Limits, { group }: AccountClass): Limit {
  return (group === '' ? undefined : limits.group(group)) ?? limits.user;
}

/** The limits of each account that a charge meets: total, scene, model and delta of every epoch. */
export function admissionFilters(
  state: BudgetState,
  limits: Limits,
  rules: SceneLimits,
  { scene, model, epochs, cost, deltaCost }: Charge,
): readonly Filter[] {
  const filters: Filter[] = [];
  const modelLimit = model === null ? null : limits.model(model);
  const epochsMet = state.limitedEpochs(epochs);
  for (let i = 0; i < epochsMet.length; i++) {
    const charged = epochsMet[i];
    const epoch = limits.epochs === null ? null : (epochs[i] as string);
    filters.push({
      limit: 'user-total',
      epoch,
      scope: charged?.total,
      asked: cost,
      within: null,
    });
    if (rules.perUser !== null) {
      const scope = charged?.scenes.get(scene);
      filters.push({ limit: 'user-scene', epoch, scope, asked: cost, within: rules.perUser });
    }
    if (modelLimit !== null) {
      const scope = charged?.models.get(model as string);
      filters.push({ limit: 'model', epoch, scope, asked: cost, within: modelLimit });
    }
    // Asked even where nothing is added: the policy may leave less now than was spent.
    if (deltaCost > 0 || charged?.delta.isCharged === true) {
      const asked = Float64Array.of(deltaCost);
      filters.push({ limit: 'delta', epoch, scope: charged?.delta, asked, within: null });
    }
  }
  return filters;
}

/** Most units of an account of the class; −∞ where nothing at all is admitted. */
function capacityOf(limits: Limits, filter: Filter, of: AccountClass, k: number): number {
  if (filter.limit === 'delta') return limits.additiveDelta;
  if (filter.limit !== 'user-total') return (filter.within as Limit).units[k] as number;
  return of.erased ? Number.NEGATIVE_INFINITY : (limitOfUser(limits, of).units[k] as number);
}

/**
 * What an account of the class may have spent of its own before the charge. Both sides are exact; a
 * negative room blocks everyone.
 */
function roomAt(limits: Limits, filter: Filter, of: AccountClass, k: number): number {
  const { scope, asked } = filter;
  const base = scope === undefined ? 0 : scope.base(of, k);
  return capacityOf(limits, filter, of, k) - (asked[k] as number) - base;
}

function roomOfClass(limits: Limits, filter: Filter, of: AccountClass): Float64Array {
  const room = new Float64Array(filter.asked.length);
  for (let k = 0; k < room.length; k++) room[k] = roomAt(limits, filter, of, k);
  return room;
}

/** Room of every account before the charge; reckoned once for each class that is met. */
export function roomsOf({ classes }: BudgetState, limits: Limits, filter: Filter): RoomOf {
  const rooms: (Float64Array | undefined)[] = [];
  return (handle) => {
    const index = classes.indexOf(handle);
    let room = rooms[index];
    if (room === undefined) {
      room = roomOfClass(limits, filter, classes.list[index] as AccountClass);
      rooms[index] = room;
    }
    return room;
  };
}

function isNonNegative(room: Float64Array): boolean {
  return room.every((units) => units >= 0);
}

/** True when the filter admits all accounts asked. */
function admitsAccounts(
  state: BudgetState,
  limits: Limits,
  filter: Filter,
  handles: HandleList,
): boolean {
  const { classes } = state;
  const { scope } = filter;
  if (!classes.differ && filter.asked.length === 1) {
    const room = roomAt(limits, filter, classes.list[0] as AccountClass, 0);
    return scope === undefined ? room >= 0 : scope.own.fitsUniform(handles, room);
  }
  const rooms = roomsOf(state, limits, filter);
  if (scope !== undefined) return scope.own.fits(handles, rooms);
  for (let i = 0; i < handles.length; i++) {
    if (!isNonNegative(rooms(handles[i] as number))) return false;
  }
  return true;
}

/** True when the filter admits all members: their largest balances are remembered between charges. */
function admitsPopulation(
  { classes }: BudgetState,
  limits: Limits,
  filter: Filter,
  population: Population,
): boolean {
  const { scope } = filter;
  if (scope === undefined) {
    // Nobody has a balance here: the room alone decides.
    return classes.list
      .filter((of) => of.populations.includes(population) && classes.isInUse(of))
      .every((of) => isNonNegative(roomOfClass(limits, filter, of)));
  }
  const maxima = scope.maxima(
    population,
    classes.version,
    () => classes.members(population),
    (handle) => classes.indexOf(handle),
  );
  for (const [index, most] of maxima) {
    const room = roomOfClass(limits, filter, classes.list[index] as AccountClass);
    for (let k = 0; k < room.length; k++) {
      if (!((most[k] as number) <= (room[k] as number))) return false;
    }
  }
  return true;
}

/** Goes through everyone for the sake of a message that says who and how far. */
function accountViolation(
  state: BudgetState,
  limits: Limits,
  filters: readonly Filter[],
  { handles, population }: Charge,
): Violation {
  const { classes } = state;
  const everyone = population === null ? (handles as HandleList) : classes.members(population);
  const rooms = filters.map((filter) => roomsOf(state, limits, filter));
  const blocked: number[] = [];
  let first = filters.length;
  let worst = -1;
  let excess = Number.NEGATIVE_INFINITY;
  for (const handle of everyone) {
    let isBlocked = false;
    for (let f = 0; f < filters.length; f++) {
      const { scope } = filters[f] as Filter;
      const room = (rooms[f] as RoomOf)(handle);
      let over = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < room.length; k++) {
        over = Math.max(over, (scope?.own.get(handle, k) ?? 0) - (room[k] as number));
      }
      if (over <= 0) continue;
      isBlocked = true;
      if (f < first || (f === first && over > excess)) {
        first = f;
        worst = handle;
        excess = over;
      }
    }
    if (isBlocked) blocked.push(handle);
  }
  if (blocked.length === 0) throw new TypeError('a filter refuses a charge that blocks nobody');
  const filter = filters[first] as Filter;
  const of = classes.of(worst);
  const { scope, asked } = filter;
  const isDelta = filter.limit === 'delta';
  const within = isDelta ? null : (filter.within ?? limitOfUser(limits, of));
  const isErased = of.erased && filter.limit === 'user-total';
  return {
    limit: isErased ? 'erased' : filter.limit,
    epoch: isErased ? null : filter.epoch,
    blocked: Uint32Array.from(blocked),
    spent: asked.map((_, k) => scope?.spent(worst, of, k) ?? 0),
    asked,
    within,
    allowed: within === null ? limits.additiveDelta : within.epsilon,
  };
}

/**
 * Asks every filter whether the charge may be booked: first the scene's, then each account's total, scene
 * quota, model quota and delta in every epoch. Changes nothing. Argument: filters.proof.md.
 *
 * @returns null when all admit it. Else the first limit in the way; when it is one of the accounts' own,
 * `blocked` holds every account that would pass any of its limits, and the numbers are those of the
 * account furthest over the named one
 */
export function violationOf(
  state: BudgetState,
  limits: Limits,
  rules: SceneLimits,
  charge: Charge,
): Violation | null {
  const violation = sceneViolation(state, limits, rules, charge);
  if (violation !== null) return violation;
  const filters = admissionFilters(state, limits, rules, charge);
  const { handles, population } = charge;
  for (let i = 0; i < filters.length; i++) {
    const filter = filters[i] as Filter;
    const admitted =
      population === null
        ? admitsAccounts(state, limits, filter, handles as HandleList)
        : admitsPopulation(state, limits, filter, population);
    if (!admitted) return accountViolation(state, limits, filters, charge);
  }
  return null;
}
