import type { Checkpoint, SignedHead } from '../../core/signed-head.ts';
import type { AccountantName, CertifiedInterval } from '../accountant.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import type { ConformanceStatement } from './conformance-statement.ts';
import type { FilterCurrency } from './currency.ts';
import type { BudgetPolicy } from './policy.ts';

/**
 * Accounts by their ids, of which the budget sees no more than a keyed pseudo-random function; or by the
 * handles that {@link PrivacyBudgetAccountant.intern} gave for them, which costs nothing per call.
 */
export type Accounts = readonly string[] | Uint32Array;

/**
 * Who is charged, by exactly one of the two: all the accounts asked, each once; or everyone who has joined
 * a population, which must be fixed from public facts before any sample is drawn from it (then the plan
 * holds the sampled event).
 */
export interface Cohort {
  readonly accounts?: Accounts;
  readonly population?: string;
}

/** Whose charges a read-out or forecast is about, besides the scene. */
export interface ChargeScope {
  /**
   * Epochs of the data that are read, such as `2026-11`; the charge is booked in each. Required where the
   * policy has epochs; recorded only where it has none.
   */
  readonly epochs?: readonly string[];
  /** Name of the model the release feeds. */
  readonly model?: string;
}

/** Options of {@link PrivacyBudgetAccountant.reserve}. */
export interface ReserveRequest extends Cohort, ChargeScope {
  readonly scene: string;
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
  /**
   * Vouches that the plan's noise multipliers hold for the data of each single epoch. Required where a
   * release reads several epochs under `add-or-remove-one-user` or `zero-out-one-user`: one vector clipped
   * to a norm over all of them moves by up to twice that norm when the data of one epoch goes.
   */
  readonly sensitivityPerEpoch?: boolean;
  /** ISO 8601 duration, at most the policy's `reservationLease`, which is the default. */
  readonly lease?: string;
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
  | 'frozen'
  | 'erased';

/** Why a request was refused. Names accounts only to the caller who named them. */
export interface Refusal {
  readonly limit: LimitName;
  readonly message: string;
  /**
   * Positions in `request.accounts`, or in `members(population)`, of those who would pass a limit of their
   * own, so that the request without them passes; all of them for scene limits.
   */
  readonly blocked: Uint32Array;
  /** Epoch of the limit, or null for life. */
  readonly epoch: string | null;
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
  /** Scene or model, or null for the total. */
  readonly scene: string | null;
  /** Epoch of the data, or null for life. */
  readonly epoch: string | null;
  /** Epsilon at the policy's delta. */
  readonly spent: number;
  /** Infinity where nothing limits it (the lifetime of a budget that renews). */
  readonly allowed: number;
}

/** Numbers over all accounts of a scene, or over everyone (`scene` null). Holds no account. */
export interface BudgetSummary {
  readonly scene: string | null;
  /** Epoch of the data, or null for life. */
  readonly epoch: string | null;
  readonly accounts: number;
  readonly releases: number;
  readonly refused: number;
  readonly frozen: boolean;
  /** Largest and mean epsilon spent by one account. */
  readonly epsilonMax: number;
  readonly epsilonMean: number;
  /** Infinity where nothing limits it. */
  readonly allowed: number;
  /** Number of accounts by spent epsilon: `counts[i]` of those in (edges[i], edges[i+1]]. */
  readonly histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] };
}

/** What {@link PrivacyBudgetAccountant.odometer} reads. */
export interface OdometerQuery {
  /** Default: all scenes. */
  readonly scene?: string;
  /** Default: for life. */
  readonly epoch?: string;
  /** One account's own transcript; default: the worst case, somebody present in every release. */
  readonly account?: string;
  /** Default: the currency's own conversion. */
  readonly accountant?: AccountantName;
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

/** Options of calls that may take long. */
export interface LongCall {
  readonly signal?: AbortSignal;
  /** Share done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/**
 * Admission control for people's data: asks before a release whether every account may still bear it,
 * books all or nothing, and answers the same after a crash. The guarantee is the total per user (per user
 * and epoch of data where the policy renews); scene, model and worst-case limits are quotas under it.
 *
 * Conformance suite: `budgetConformance` in `velatura/testing`.
 */
export interface PrivacyBudgetAccountant {
  /** As of the last call: another process may have set another one since. */
  readonly policy: BudgetPolicy;
  readonly currency: FilterCurrency;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  /**
   * Handles of accounts, new ones made known; the same id has the same handle for the life of the budget.
   *
   * @throws {VelaturaError} `dp/invalid-accounts`; `dp/budget-unavailable`, `dp/budget-corrupt`
   */
  intern(accounts: readonly string[], options?: LongCall): Promise<Uint32Array>;
  /**
   * Checks every filter for every account and then books all of them, atomically and durably, or none.
   *
   * @throws {VelaturaError} `dp/unknown-scene`, `dp/unknown-population`, `dp/invalid-epoch`,
   * `dp/invalid-accounts`, `dp/relation-mismatch`, `dp/unsupported-event`, `dp/infinite-cost`,
   * `dp/invalid-parameter`, `dp/insecure-release`, `dp/idempotency-conflict`, `dp/reservation-closed` (the
   * key's reservation was given back), `dp/budget-unavailable`, `dp/budget-corrupt`; nothing is booked then
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
  /**
   * Puts accounts into a group of the policy, or into none.
   *
   * @throws {VelaturaError} `dp/unknown-group`, `dp/invalid-accounts`
   */
  assign(group: string | null, accounts: Accounts): Promise<void>;
  /** Accounts enter a population, which begins with its first member. Being in it already changes nothing. */
  join(population: string, accounts: Accounts): Promise<void>;
  /** Accounts leave a population and keep what they were charged in it. */
  leave(population: string, accounts: Accounts): Promise<void>;
  /** Handles of a population, ascending. */
  members(population: string): Promise<Uint32Array>;
  /**
   * Erases people: their keys become tombstones, they leave all populations and every further request for
   * them is refused (`erased`); what they spent stays. Whom the budget has never met it does not note down.
   */
  erase(accounts: Accounts): Promise<void>;
  /** People who were erased come back, to the balance they left. */
  readmit(accounts: readonly string[]): Promise<void>;
  /**
   * Makes all account keys anew under a further secret of 32 random bytes; balances stay. From then on the
   * budget opens only with all its secrets in order.
   */
  rotateKey(secret: Uint8Array): Promise<void>;
  /**
   * Puts another policy in force. Currency, epochs and the planned run cannot change. The choice must not
   * depend on anything released (argument: filters.proof.md).
   *
   * @throws {VelaturaError} `dp/invalid-policy` with the path of what is wrong or cannot change
   */
  setPolicy(policy: BudgetPolicy): Promise<void>;
  /** True when the budget has met the account, erased or not. */
  knows(account: string): Promise<boolean>;
  /** What one account has used and may use. */
  remaining(account: string, scene?: string): Promise<readonly BudgetLine[]>;
  /**
   * How many more such releases each account of the cohort (a population: each of `members`) could bear in
   * the scene, leaving waiting times aside.
   */
  forecast(
    scene: string,
    cohort: Cohort | Accounts,
    plan: Plan,
    scope?: ChargeScope,
  ): Promise<Uint32Array>;
  /** Everyone for life first, then everyone by epoch where there are any, then scenes. */
  summary(): Promise<readonly BudgetSummary[]>;
  /** Epsilon of what was released so far, at the policy's delta less what charges spent of it themselves. */
  odometer(query?: OdometerQuery): Promise<CertifiedInterval>;
  /** The policy in force as a machine-readable promise. */
  conformance(): ConformanceStatement;
  /** Where the log stands, signed where the budget has a signer: keep it elsewhere. */
  head(): Promise<SignedHead>;
  /** Recomputes the chain and every balance; `checkpoint` is a head noted down earlier. */
  verify(checkpoint?: Checkpoint, options?: LongCall): Promise<BudgetVerification>;
  close(): Promise<void>;
}
