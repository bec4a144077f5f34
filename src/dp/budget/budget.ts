import type { CertifiedInterval } from '../accountant.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import type { BudgetPolicy, Currency } from './policy.ts';

/** Options of {@link PrivacyBudgetAccountant.reserve}. */
export interface ReserveRequest {
  readonly scene: string;
  /** Account ids, unique; the budget sees them only as far as its keyed pseudo-random function. */
  readonly accounts: readonly string[];
  readonly plan: Plan;
  /**
   * Names this one release: the same key with the same body gives the first answer again; with another body
   * it is refused. Kept in the log as it is, so it must not name a person.
   */
  readonly idempotencyKey: string;
  /**
   * Probability with which this release may fail to be as its event says (wrap-around, abort, union bound);
   * default 0. Taken from the policy's `additiveDelta`.
   */
  readonly delta?: number;
  /** Epochs of the data that are read; recorded, while charges are for life. Default: the one lifetime epoch. */
  readonly epochs?: readonly string[];
  /** Name of the model the release feeds; recorded. */
  readonly model?: string;
  /** True when the noise is seeded: always refused by a real store. */
  readonly insecure?: boolean;
}

/** A right to one release, charged until it is provably given back. */
export interface Reservation {
  readonly id: string;
  readonly scene: string;
  /** Number of accounts charged. */
  readonly accounts: number;
  /** Milliseconds since 1970; after that it counts as spent and can no longer be released. */
  readonly expiresAt: number;
  /**
   * True when this idempotency key was answered before. The charge covers one release only: a caller who
   * cannot prove that the first one never happened must not make another.
   */
  readonly replayed: boolean;
}

/** The limit a refusal ran into. */
export type LimitName =
  | 'user-total'
  | 'user-scene'
  | 'scene-worst-case'
  | 'model'
  | 'delta'
  | 'max-releases'
  | 'min-aggregation-interval'
  | 'frozen';

/** Why a request was refused. Names accounts only to the caller who named them. */
export interface Refusal {
  readonly limit: LimitName;
  readonly message: string;
  /**
   * Positions in `request.accounts` of those who would pass a limit of their own, so that the request
   * without them passes; all of them for scene limits.
   */
  readonly blocked: Uint32Array;
  /**
   * Spent, asked and allowed, for the account that is furthest over: in epsilon at the policy's delta, or
   * in what the limit counts (delta; releases; milliseconds since the last release).
   */
  readonly spent: number;
  readonly asked: number;
  readonly allowed: number;
}

export type ReserveDecision =
  | { readonly kind: 'admitted'; readonly reservation: Reservation }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What one account or scene has used of a limit. */
export interface BudgetLine {
  readonly limit: LimitName;
  /** Scene, or null for the total. */
  readonly scene: string | null;
  /** Epsilon at the policy's delta. */
  readonly spent: number;
  readonly allowed: number;
}

/** Numbers over all accounts of a scene, or over everyone (`scene` null). Holds no account. */
export interface BudgetSummary {
  readonly scene: string | null;
  readonly accounts: number;
  readonly releases: number;
  readonly refused: number;
  readonly frozen: boolean;
  /** Largest and mean epsilon spent by one account. */
  readonly epsilonMax: number;
  readonly epsilonMean: number;
  readonly allowed: number;
  /** Number of accounts by spent epsilon: `counts[i]` of those in (edges[i], edges[i+1]]. */
  readonly histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] };
}

/** Result of checking the log of a budget. */
export interface BudgetVerification {
  readonly ok: boolean;
  readonly entries: number;
  /** Hex of the head of the chain: keep it elsewhere to find a roll-back. */
  readonly head: string;
  /** What is wrong, in words; empty when ok. */
  readonly problems: readonly string[];
}

/**
 * Admission control for people's data: asks before a release whether every account may still bear it,
 * books all or nothing, and answers the same after a crash. The guarantee is the total per user; scene,
 * model and worst-case limits are quotas under it.
 *
 * Conformance suite: `budgetConformance` in `velatura/testing`.
 */
export interface PrivacyBudgetAccountant {
  readonly policy: BudgetPolicy;
  readonly currency: Currency;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  /**
   * Checks every filter for every account and then books all of them, atomically and durably, or none.
   *
   * @throws {VelaturaError} `dp/unknown-scene`, `dp/invalid-accounts`, `dp/relation-mismatch`,
   * `dp/unsupported-event`, `dp/infinite-cost`, `dp/invalid-parameter`, `dp/insecure-release`,
   * `dp/idempotency-conflict`, `dp/reservation-closed` (the key's reservation was given back),
   * `dp/budget-unavailable`, `dp/budget-corrupt`; nothing is booked then
   */
  reserve(request: ReserveRequest): Promise<ReserveDecision>;
  /**
   * The release happened. Late or repeated commits change nothing.
   *
   * @throws {VelaturaError} `dp/reservation-unknown`; `dp/reservation-closed` when it was given back
   */
  commit(reservationId: string): Promise<void>;
  /**
   * Gives a reservation back. The caller vouches that nothing left the clients.
   *
   * @throws {VelaturaError} `dp/reservation-unknown`; `dp/reservation-closed` after commit or expiry: then
   * it stays spent
   */
  release(reservationId: string): Promise<void>;
  /** Stops all later reserves in the scene. */
  freeze(scene: string): Promise<void>;
  /** What one account has used and may use. */
  remaining(account: string, scene?: string): Promise<readonly BudgetLine[]>;
  /** How many more such releases each of the accounts could bear in the scene, leaving waiting times aside. */
  forecast(scene: string, accounts: readonly string[], plan: Plan): Promise<Uint32Array>;
  /** Totals over everyone first, then one entry a scene. */
  summary(): Promise<readonly BudgetSummary[]>;
  /** Worst case over one account present in every release: epsilon of the whole transcript. */
  odometer(scene: string | null): Promise<CertifiedInterval>;
  /** Recomputes the chain and every balance; `checkpoint` is a head noted down earlier. */
  verify(checkpoint?: string): Promise<BudgetVerification>;
  close(): Promise<void>;
}
