import type { ChainEntry } from '../../core/hash-chain.ts';

/** Accounts of one identity page. */
export const PAGE_ACCOUNTS = 256;

/**
 * Identities live outside the chain, so that they can be destroyed: page `page` holds the keys of the
 * handles `256 · page …`, 16 bytes each, behind 16 random bytes. The chain holds the page's SHA-256 only.
 */
export interface IdentityPage {
  readonly page: number;
  readonly bytes: Uint8Array;
}

/** How far a reader has come: numbers of the last entry it knows, and of the last whose pages it holds; −1 for none. */
export interface LogPosition {
  readonly entries: number;
  readonly pages: number;
}

/** What a reader does not know yet. */
export interface LogNews {
  /** In order, without gaps. */
  readonly entries: readonly ChainEntry[];
  /** Pages last written together with an entry after `position.pages`, as they stand now, by page number. */
  readonly pages: readonly IdentityPage[];
}

/** What a transaction on the log decides: entries to append and pages to replace (may be none), and an answer to hand on. */
export interface LogDecision<T> {
  readonly append: readonly ChainEntry[];
  /** Each page once; only together with entries. Stamped with the number of the last entry appended. */
  readonly pages: readonly IdentityPage[];
  readonly result: T;
}

/**
 * The balances after entry `seq`, so that opening need not replay the log from its start. The entry itself
 * holds the hash of the bytes: a snapshot nobody can vouch for is not used.
 */
export interface StateSnapshot {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/**
 * Durable home of a budget: an exclusive, append-only, hash-chained log with its identity pages. Balances
 * are a fold over the log, so memory, SQLite and PostgreSQL differ only in how they keep and lock it.
 *
 * Conformance suite: `budgetStoreConformance` in `velatura/testing`.
 */
export interface BudgetStore {
  /** False for stores that keep nothing (they may take insecure releases in tests). */
  readonly durable: boolean;
  /**
   * Shuts out every other writer, hands over what is new after `position`, and makes what `decide` returns
   * durable, entries and pages together, before it resolves. When it rejects, either nothing was written or
   * the next call hands over what was. `decide` is synchronous and is called at most once: a transaction
   * that would have to be repeated rejects instead.
   *
   * @throws {VelaturaError} `dp/budget-unavailable`, `dp/budget-corrupt`; whatever `decide` throws
   */
  transact<T>(position: LogPosition, decide: (news: LogNews) => LogDecision<T>): Promise<T>;
  /** {@link transact} at once, of a store that has nothing to wait for. */
  transactNow?<T>(position: LogPosition, decide: (news: LogNews) => LogDecision<T>): T;
  /** Entries after `since` in order and in batches of moderate size, without shutting anyone out. */
  read(since: number): AsyncIterable<readonly ChainEntry[]>;
  /** All identity pages as they stand, by page number. */
  pages(): Promise<readonly IdentityPage[]>;
  /** The newest snapshot kept, or null. */
  loadSnapshot(): Promise<StateSnapshot | null>;
  /** Keeps a snapshot in place of older ones; an older one than that kept changes nothing. */
  saveSnapshot(snapshot: StateSnapshot): Promise<void>;
  close(): Promise<void>;
}
