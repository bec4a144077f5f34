import * as v from 'valibot';
import { isWellFormedText } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { durationMilliseconds } from './duration.ts';

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

/** How a budget renews with the data it covers. */
export interface EpochPolicy {
  readonly kind: 'calendar';
  /** ISO 8601 duration such as `P1M`. */
  readonly length: string;
  readonly timeField: string;
}

/** A budget policy, as written in JSON. `user` is the guarantee, the rest are quotas under it. */
export interface BudgetPolicy {
  readonly version: 1;
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
  readonly models?: Readonly<Record<string, EpsilonLimit>>;
  readonly epoch?: EpochPolicy;
  readonly groups?: Readonly<Record<string, { readonly user: EpsilonLimit }>>;
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
        length: v.string(),
        timeField: v.pipe(v.string(), v.nonEmpty()),
      }),
    ),
    groups: v.exactOptional(v.record(name, v.strictObject({ user: epsilonLimit }))),
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

const NOT_SUPPORTED = 'not supported yet by this version';

/**
 * Checks a policy that comes from outside and hands it back typed. What this version cannot enforce
 * (`models`, `groups`, `epoch`, the currency `rdp`) is refused, so that no limit is ever silently absent.
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
  const policy = result.output;
  for (const field of ['models', 'groups', 'epoch'] as const) {
    if (policy[field] !== undefined) invalid(field, NOT_SUPPORTED);
  }
  if (policy.currency === 'rdp') invalid('currency', `"rdp" is ${NOT_SUPPORTED}`);
  if (Object.keys(policy.scenes).length === 0) {
    invalid('scenes', 'expected at least one scene or a default: nothing could ever be reserved');
  }
  return policy;
}

/** The rules of a scene: its own, else the default's, else undefined for a scene nobody declared. */
export function scenePolicyOf(policy: BudgetPolicy, scene: string): ScenePolicy | undefined {
  if (Object.hasOwn(policy.scenes, scene)) return policy.scenes[scene];
  return Object.hasOwn(policy.scenes, 'default') ? policy.scenes['default'] : undefined;
}
