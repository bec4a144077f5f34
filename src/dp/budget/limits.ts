import type { CurrencyRules } from './currency.ts';
import { durationMilliseconds } from './duration.ts';
import { type BudgetPolicy, type EpsilonLimit, scenePolicyOf } from './policy.ts';
import { deltaCapacity, MAX_CAPACITY } from './units.ts';

/** A limit in epsilon, and what it lets through in units. */
export interface Limit {
  readonly epsilon: number;
  readonly units: number;
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
  readonly user: Limit;
  /** Units of delta that the charges of one user may spend by themselves. */
  readonly additiveDelta: number;
  /** Milliseconds. */
  readonly lease: number;
  readonly #scenes = new Map<string, SceneLimits>();

  constructor(policy: BudgetPolicy, currency: CurrencyRules) {
    this.policy = policy;
    this.currency = currency;
    this.additiveDelta = deltaCapacity(policy.additiveDelta ?? 0);
    this.conversionDelta = policy.delta - (policy.additiveDelta ?? 0);
    this.user = this.#limit(policy.user);
    this.lease = durationMilliseconds(policy.reservationLease) as number;
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
   */
  epsilon(units: number, within: Limit): number {
    const epsilon = this.currency.epsilon(units, this.conversionDelta);
    return units <= within.units ? Math.min(epsilon, within.epsilon) : epsilon;
  }

  #limit({ epsilon }: EpsilonLimit): Limit {
    return { epsilon, units: this.currency.capacity(epsilon, this.conversionDelta) };
  }
}

/** A limit that lets everything through, for read-outs of scopes without one. */
export const NO_LIMIT: Limit = { epsilon: Number.POSITIVE_INFINITY, units: MAX_CAPACITY };
