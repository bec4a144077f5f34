import * as v from 'valibot';
import { isWellFormedText } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { validateEvent } from '../accounting/validate.ts';
import type { DpEvent } from '../event.ts';
import { durationMilliseconds } from './duration.ts';
import { EPOCH_LENGTHS, type EpochLength } from './epoch.ts';

/** In what a filter adds up. `gdp`: Σ 1/noiseMultiplier²; `zcdp`: Σ rho; `rdp`: one sum an order. */
export type Currency = 'gdp' | 'zcdp' | 'rdp';

/** A limit in epsilon, at the delta of the policy. */
export interface EpsilonLimit {
  readonly epsilon: number;
}

/** Limits of one scene. */
export interface ScenePolicy {
  /** Quota of each user in the scene. */
  readonly perUser?: EpsilonLimit;
  /** Quota of a user present in every release of the scene. */
  readonly worstCase?: EpsilonLimit;
  readonly maxReleases?: number;
  /**
   * ISO 8601 duration such as `PT1H`: least time from the commit of one release (or, without a commit, the
   * expiry of its reservation) to the reserve of the next.
   */
  readonly minAggregationInterval?: string;
}

/**
 * How a budget renews with the data it covers: every user has the whole of it for the data of each epoch,
 * and a release is charged in every epoch whose data it reads.
 *
 * ## Privacy
 * The unit is a user's data of one epoch. A contribution made of several epochs and clipped as a whole to a
 * norm C moves by up to 2C when one of them goes: plans under add-or-remove and zero-out must say so in their
 * noise multiplier, or the epochs be clipped one by one (filters.proof.md).
 */
export interface EpochPolicy {
  /** Stretches of the calendar in UTC. */
  readonly kind: 'calendar';
  /** ISO 8601 duration: a day, an ISO week, a month, a quarter or a year. */
  readonly length: EpochLength;
  /** Field of the data that says when it arose: it decides the epoch, not the time of the release. */
  readonly timeField: string;
}

/** A group of accounts with a total of its own. */
export interface GroupPolicy {
  /** In place of the policy's total; 0 lets nothing be released about them. */
  readonly user: EpsilonLimit;
}

/** A budget policy, as written in JSON. `user` is the guarantee, the rest are quotas under it. */
export interface BudgetPolicy {
  readonly version: 1;
  /** `auto`: `rdp` where a run is planned, else `gdp`. */
  readonly currency: Currency | 'auto';
  /** Total delta of a user over all scenes. */
  readonly delta: number;
  /**
   * The part of `delta` set aside for what charges spend by themselves (wrap-around, abort); default 0.
   * Epsilons are converted at what is left.
   */
  readonly additiveDelta?: number;
  readonly user: EpsilonLimit;
  /** Per scene; `default` is what a scene not named gets. Scenes are known only if named, or if there is a default. */
  readonly scenes: Readonly<Record<string, ScenePolicy>>;
  /** Quota of each user in what feeds one model, over all scenes. Models not named have none. */
  readonly models?: Readonly<Record<string, EpsilonLimit>>;
  /** Without it budgets are for life. */
  readonly epoch?: EpochPolicy;
  /** Totals of the accounts that are assigned to a group. */
  readonly groups?: Readonly<Record<string, GroupPolicy>>;
  /**
   * For the currency `rdp`, and for it only: everything that is to be released about one user (in one
   * epoch, where the policy has them). Its Rényi curve under the budget's relation says at which order each
   * limit is counted. Other releases are admitted too, but may use up a limit sooner.
   */
  readonly plannedRun?: DpEvent;
  /** ISO 8601 duration after which an open reservation counts as spent. */
  readonly reservationLease: string;
}

const epsilonLimit = v.strictObject({
  epsilon: v.pipe(
    v.number(),
    v.finite(),
    v.minValue(0),
    v.check((value) => !Object.is(value, -0), 'expected a number of at least 0'),
  ),
});

const duration = v.pipe(
  v.string(),
  v.check(
    (text) => durationMilliseconds(text) !== null,
    'expected an ISO 8601 duration of weeks, days, hours, minutes or seconds, such as PT10M',
  ),
);

const nonZeroDuration = v.pipe(
  duration,
  v.check((text) => durationMilliseconds(text) !== 0, 'expected a duration above zero'),
);

const name = v.pipe(
  v.string(),
  v.nonEmpty('expected a name'),
  v.check(isWellFormedText, 'expected well-formed text'),
);

const scenePolicy = v.strictObject({
  perUser: v.exactOptional(epsilonLimit),
  worstCase: v.exactOptional(epsilonLimit),
  maxReleases: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  minAggregationInterval: v.exactOptional(duration),
});

/** Below the least normal number sums lose bits: such limits and shares are refused, not rounded. */
const LEAST_NORMAL = 2 ** -1022;

const budgetPolicy = v.pipe(
  v.strictObject({
    version: v.literal(1),
    currency: v.picklist(['auto', 'gdp', 'zcdp', 'rdp']),
    delta: v.pipe(v.number(), v.minValue(LEAST_NORMAL), v.ltValue(1)),
    additiveDelta: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.ltValue(1))),
    user: epsilonLimit,
    scenes: v.record(name, scenePolicy),
    models: v.exactOptional(v.record(name, epsilonLimit)),
    epoch: v.exactOptional(
      v.strictObject({
        kind: v.literal('calendar'),
        length: v.picklist(EPOCH_LENGTHS, `expected one of ${EPOCH_LENGTHS.join(', ')}`),
        timeField: name,
      }),
    ),
    groups: v.exactOptional(v.record(name, v.strictObject({ user: epsilonLimit }))),
    plannedRun: v.exactOptional(v.unknown()),
    reservationLease: nonZeroDuration,
  }),
  v.forward(
    v.check(
      (policy) => (policy.additiveDelta ?? 0) < policy.delta,
      'expected less than "delta": something must be left to convert epsilons at',
    ),
    ['additiveDelta'],
  ),
);

function invalid(path: string, message: string): never {
  throw new VelaturaError('dp/invalid-policy', `policy, "${path}": ${message}`, { path });
}

/** valibot drops such keys without a word, and a scene would lose its limits. */
function refuseReservedNames(json: unknown): void {
  if (typeof json !== 'object' || json === null) return;
  for (const field of ['scenes', 'models', 'groups']) {
    const record: unknown = Object.getOwnPropertyDescriptor(json, field)?.value;
    if (typeof record !== 'object' || record === null) continue;
    for (const key of ['__proto__', 'prototype', 'constructor']) {
      if (Object.hasOwn(record, key)) invalid(`${field}.${key}`, 'expected another name');
    }
  }
}

/** A copy, since the price of everything hangs on it: the caller's object may change later. */
function plannedRunOf(event: unknown): DpEvent {
  try {
    return structuredClone(validateEvent(event, 'plannedRun'));
  } catch (error) {
    if (!(error instanceof VelaturaError)) throw error;
    const path = String(error.details['path']);
    throw new VelaturaError(
      'dp/invalid-policy',
      `policy, ${error.message}`,
      { path },
      { cause: error },
    );
  }
}

/** A policy in force must not change under the budget's feet. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) frozen(part);
    Object.freeze(value);
  }
  return value;
}

/**
 * Checks a policy that comes from outside and hands it back typed.
 *
 * @param json - the parsed JSON
 * @throws {VelaturaError} `dp/invalid-policy` with the path of what is wrong
 */
export function validatePolicy(json: unknown): BudgetPolicy {
  refuseReservedNames(json);
  const result = v.safeParse(budgetPolicy, json, { abortEarly: true });
  if (!result.success) {
    const issue = result.issues[0];
    invalid(v.getDotPath(issue) ?? '', issue.message);
  }
  const { plannedRun, ...policy } = result.output;
  if (Object.keys(policy.scenes).length === 0) {
    invalid('scenes', 'expected at least one scene or a default: nothing could ever be reserved');
  }
  if (plannedRun === undefined) {
    if (policy.currency === 'rdp') {
      invalid('plannedRun', 'expected the run by which the currency "rdp" pins its orders');
    }
    return frozen(policy);
  }
  if (policy.currency === 'gdp' || policy.currency === 'zcdp') {
    invalid('plannedRun', `expected none: the currency "${policy.currency}" pins no orders`);
  }
  return frozen({ ...policy, plannedRun: plannedRunOf(plannedRun) });
}

/** The currency that `auto` stands for, or the one that is named. */
export function currencyNameOf(policy: BudgetPolicy): Currency {
  if (policy.currency !== 'auto') return policy.currency;
  return policy.plannedRun === undefined ? 'gdp' : 'rdp';
}

/** The rules of a scene: its own, else the default's, else undefined for a scene nobody declared. */
export function scenePolicyOf(policy: BudgetPolicy, scene: string): ScenePolicy | undefined {
  if (Object.hasOwn(policy.scenes, scene)) return policy.scenes[scene];
  return Object.hasOwn(policy.scenes, 'default') ? policy.scenes['default'] : undefined;
}
