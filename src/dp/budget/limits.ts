import type { CurrencyRules } from './currency.ts';
import { durationMilliseconds } from './duration.ts';
import { type Calendar, calendar } from './epoch.ts';
import { type BudgetPolicy, type EpsilonLimit, scenePolicyOf } from './policy.ts';
import { deltaCapacity, MAX_CAPACITY } from './units.ts';

/** A limit in epsilon, and what it lets through in units: one sum an order of the currency. */
export interface Limit {
  readonly epsilon: number;
  /** `[width]`. */
  readonly units: Float64Array;
}

/** Limits of one scene; null where the policy sets none. */
export interface SceneLimits {
  readonly perUser: Limit | null;
  readonly worstCase: Limit | null;
  readonly maxReleases: number | null;
  /** Milliseconds; 0 for none. */
  readonly interval: number;
}

/**
 * A policy as numbers: epsilons are converted once, at the delta that is left after what charges may spend
 * by themselves, so that both together stay within the policy's delta.
 */
export class Limits {
  readonly policy: BudgetPolicy;
  readonly currency: CurrencyRules;
  /** The delta at which epsilons hold. */
  readonly conversionDelta: number;
  /** Units of delta that the charges of one user may spend by themselves. */
  readonly additiveDelta: number;
  /** Milliseconds. */
  readonly lease: number;
  /** The total of a user who is in no group. */
  readonly user: Limit;
  /** Epochs of the data; null where the budget is for life. */
  readonly epochs: Calendar | null;
  readonly #groups = new Map<string, Limit>();
  readonly #models = new Map<string, Limit>();
  readonly #scenes = new Map<string, SceneLimits>();

  constructor(policy: BudgetPolicy, currency: CurrencyRules) {
    this.policy = policy;
    this.currency = currency;
    this.additiveDelta = deltaCapacity(policy.additiveDelta ?? 0);
    this.conversionDelta = policy.delta - (policy.additiveDelta ?? 0);
    this.lease = durationMilliseconds(policy.reservationLease) as number;
    this.user = this.#limit(policy.user);
    this.epochs = policy.epoch === undefined ? null : calendar(policy.epoch.length);
    for (const [name, { user }] of Object.entries(policy.groups ?? {})) {
      this.#groups.set(name, this.#limit(user));
    }
    for (const [name, limit] of Object.entries(policy.models ?? {})) {
      this.#models.set(name, this.#limit(limit));
    }
  }

  /** The total of a user in that group; undefined when the policy does not know it. */
  group(name: string): Limit | undefined {
    return this.#groups.get(name);
  }

  /** Quota of a user in what feeds the model; null when the policy sets none. */
  model(name: string): Limit | null {
    return this.#models.get(name) ?? null;
  }

  /** Limits of the scene; undefined when the policy does not know it. */
  scene(name: string): SceneLimits | undefined {
    let limits = this.#scenes.get(name);
    if (limits !== undefined) return limits;
    const scene = scenePolicyOf(this.policy, name);
    if (scene === undefined) return undefined;
    const interval = scene.minAggregationInterval;
    limits = {
      perUser: scene.perUser === undefined ? null : this.#limit(scene.perUser),
      worstCase: scene.worstCase === undefined ? null : this.#limit(scene.worstCase),
      maxReleases: scene.maxReleases ?? null,
      interval: interval === undefined ? 0 : (durationMilliseconds(interval) as number),
    };
    this.#scenes.set(name, limits);
    return limits;
  }

  /**
   * Epsilon of so many units, rounded up; never above the limit they are within, which the last bit of the
   * conversion could otherwise pass.
   *
   * @param units - `[width]`
   */
  epsilon(units: ArrayLike<number>, within: Limit): number {
    const epsilon = this.currency.epsilon(units, this.conversionDelta);
    return isWithin(units, within) ? Math.min(epsilon, within.epsilon) : epsilon;
  }

  #limit({ epsilon }: EpsilonLimit): Limit {
    return { epsilon, units: this.currency.capacity(epsilon, this.conversionDelta) };
  }
}

function isWithin(units: ArrayLike<number>, { units: most }: Limit): boolean {
  for (let k = 0; k < most.length; k++) {
    if (!((units[k] as number) <= (most[k] as number))) return false;
  }
  return true;
}

/** A limit that lets everything through, for read-outs of scopes without one. */
export function noLimit(width: number): Limit {
  return {
    epsilon: Number.POSITIVE_INFINITY,
    units: new Float64Array(width).fill(MAX_CAPACITY),
  };
}
