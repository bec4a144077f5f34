import { VelaturaError } from '../../core/errors.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import type { LimitName } from './budget.ts';
import type { FilterCurrency } from './currency.ts';
import type { HandleList } from './handle-set.ts';
import type { BudgetPolicy } from './policy.ts';

/** Version of the entries; another one is refused. */
export const LOG_VERSION = 2;

/** First entry of every log: under what terms it counts. `keyCheck` ties it to its account keys. */
export interface OpenRecord {
  readonly kind: 'open';
  readonly time: number;
  readonly version: typeof LOG_VERSION;
  readonly policy: BudgetPolicy;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly currency: FilterCurrency;
  /** 16 bytes. */
  readonly keyCheck: Uint8Array;
}

/** Another policy holds from here on; what was spent stays spent. */
export interface PolicyRecord {
  readonly kind: 'policy';
  readonly time: number;
  readonly policy: BudgetPolicy;
}

/** A plan before its first use, with its price: one unit sum for each order of the currency (one for GDP and zCDP). */
export interface PlanRecord {
  readonly kind: 'plan';
  readonly time: number;
  /** 0, 1, 2 … in order. */
  readonly number: number;
  readonly plan: Plan;
  readonly cost: readonly number[];
}

/** SHA-256 of an identity page as it was written together with the entry. */
export interface PageDigest {
  readonly page: number;
  readonly digest: Uint8Array;
}

/** New accounts: handles up to `size` − 1 exist now. */
export interface InternRecord {
  readonly kind: 'intern';
  readonly time: number;
  readonly size: number;
  /** The pages that changed, ascending. */
  readonly pages: readonly PageDigest[];
}

/** All account keys were made anew under a further secret; balances stay. */
export interface RotateRecord {
  readonly kind: 'rotate';
  readonly time: number;
  readonly keyCheck: Uint8Array;
  readonly pages: readonly PageDigest[];
}

/** A person was erased: key replaced by a tombstone, out of all populations; or came back to the old balance. */
export interface ErasureRecord {
  readonly kind: 'erase' | 'readmit';
  readonly time: number;
  readonly handles: HandleList;
  readonly pages: readonly PageDigest[];
}

/** Accounts were put into a group of the policy (empty text: into none), or joined or left a population. */
export interface MembershipRecord {
  readonly kind: 'assign' | 'join' | 'leave';
  readonly time: number;
  /** Group or population. */
  readonly name: string;
  readonly handles: HandleList;
}

/** A charge on all of a cohort; spent until a `release`. Its number names the reservation. */
export interface ReserveRecord {
  readonly kind: 'reserve';
  readonly time: number;
  readonly scene: string;
  /** Number of the plan. */
  readonly plan: number;
  /** Units of delta. */
  readonly deltaCost: number;
  /** Null where a whole population is charged. */
  readonly handles: HandleList | null;
  readonly population: string | null;
  readonly idempotencyKey: string;
  readonly expiresAt: number;
  readonly model: string | null;
  /** As requested; none for a budget for life. */
  readonly epochs: readonly string[];
  readonly insecure: boolean;
}

/** A refusal of a request for `count` accounts. */
export interface RefuseRecord {
  readonly kind: 'refuse';
  readonly time: number;
  readonly scene: string;
  readonly limit: LimitName;
  readonly epoch: string | null;
  readonly count: number;
  /** Handles in the way; null for all of the cohort. */
  readonly blocked: HandleList | null;
  readonly spent: number;
  readonly asked: number;
  readonly allowed: number;
  readonly idempotencyKey: string;
  /** Tells the request from any other. */
  readonly fingerprint: string;
}

/**
 * What became of the reservation made by entry `reservation`: its release happened; its charge is taken
 * back; or somebody saw that its lease was over, so that no clock can revive it.
 */
export interface ClosingRecord {
  readonly kind: 'commit' | 'release' | 'expire';
  readonly time: number;
  readonly reservation: number;
}

/** The scene takes no more charges. */
export interface FreezeRecord {
  readonly kind: 'freeze';
  readonly time: number;
  readonly scene: string;
}

/** SHA-256 of the serialised state after the entry before this one. */
export interface SnapshotRecord {
  readonly kind: 'snapshot';
  readonly time: number;
  readonly digest: Uint8Array;
}

/** What an entry of a budget's log says. Holds no identity; times are milliseconds since 1970. */
export type LogRecord =
  | OpenRecord
  | PolicyRecord
  | PlanRecord
  | InternRecord
  | RotateRecord
  | ErasureRecord
  | MembershipRecord
  | ReserveRecord
  | RefuseRecord
  | ClosingRecord
  | FreezeRecord
  | SnapshotRecord;

/** The error for a budget that is not the one the caller thinks. */
export function corrupt(message: string): VelaturaError {
  return new VelaturaError('dp/budget-corrupt', message);
}

/** The error for a log that does not make sense at an entry. */
export function corruptAt(seq: number, reason: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'dp/budget-corrupt',
    `entry ${seq} of the budget log: ${reason}`,
    { seq },
    cause === undefined ? undefined : { cause },
  );
}
