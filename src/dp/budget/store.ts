import type { ChainEntry } from '../../core/hash-chain.ts';

/** What a transaction on the log decides: entries to append (may be none) and an answer to hand on. */
export interface LogDecision<T> {
  readonly append: readonly ChainEntry[];
  readonly result: T;
}

/**
 * Durable home of a budget: an exclusive, append-only, hash-chained log. Balances are a fold over it, so
 * memory, SQLite and PostgreSQL differ only in how they keep and lock the log.
 *
 * Conformance suite: `budgetStoreConformance` in `velatura/testing`.
 */
export interface BudgetStore {
  /** False for stores that keep nothing (they may take insecure releases in tests). */
  readonly durable: boolean;
  /**
   * Shuts out every other writer, hands over the entries after sequence number `since` (−1 for all),
   * and makes what `decide` returns durable before it resolves. When it rejects, either nothing was
   * appended or the next call hands over what was.
   *
   * @throws {VelaturaError} `dp/budget-unavailable`, `dp/budget-corrupt`; whatever `decide` throws
   */
  transact<T>(since: number, decide: (news: readonly ChainEntry[]) => LogDecision<T>): Promise<T>;
  /** Entries after `since` without shutting anyone out. */
  read(since: number): Promise<readonly ChainEntry[]>;
  close(): Promise<void>;
}
