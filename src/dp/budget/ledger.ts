import { VelaturaError } from '../../core/errors.ts';
import { type ChainEntry, type ChainHead, HashChain, type Sha256 } from '../../core/hash-chain.ts';
import { corruptAt, decodeRecord, encodeRecord, type LogRecord } from './log-record.ts';
import { BudgetState } from './state.ts';
import type { BudgetStore } from './store.ts';

/** What a decision adds to the log, and what it answers. */
export interface Decision<T> {
  readonly records: readonly LogRecord[];
  readonly result: T;
}

/** Milliseconds since 1970. */
export type Clock = () => number;

/** The chain of every budget log. */
export function budgetChain(sha256?: Sha256): HashChain {
  return new HashChain('budget', sha256);
}

/**
 * Log first: decisions are taken on a state that has seen every entry, while the store keeps all others
 * out, and the state in memory moves only over entries that are durable. Whatever happens to this process,
 * the log alone says what is spent.
 */
export class Ledger {
  readonly store: BudgetStore;
  readonly #chain: HashChain;
  readonly #clock: Clock;
  readonly #state: BudgetState;

  constructor(store: BudgetStore, clock: Clock, sha256: Sha256 | undefined) {
    this.store = store;
    this.#clock = clock;
    this.#chain = budgetChain(sha256);
    this.#state = new BudgetState(this.#chain.start());
  }

  /** Number and hash of the last entry this process has seen. */
  get head(): ChainHead {
    return this.#state.head;
  }

  /**
   * Lets `decide` look at the state as of now and makes its records durable before it resolves.
   *
   * @param decide - gets the time, which is never before that of the last entry: a clock set back neither
   * shortens an interval nor brings an expired reservation back. What it throws is passed on; nothing is
   * written then
   * @throws {VelaturaError} `dp/budget-unavailable`, `dp/budget-corrupt`
   */
  async transact<T>(decide: (state: BudgetState, now: number) => Decision<T>): Promise<T> {
    const written: { entry: ChainEntry; record: LogRecord }[] = [];
    const result = await this.store.transact(this.#state.head.seq, (news) => {
      written.length = 0; // a store may ask again when its transaction had to be repeated
      this.#follow(news);
      const decision = decide(this.#state, this.#now());
      let head = this.#state.head;
      for (const record of decision.records) {
        const entry = this.#chain.append(head, encodeRecord(record));
        written.push({ entry, record });
        head = entry;
      }
      return { append: written.map(({ entry }) => entry), result: decision.result };
    });
    for (const { entry, record } of written) this.#applyOnce(entry, () => record);
    return result;
  }

  /** The state after every entry that is durable now. */
  async current(): Promise<BudgetState> {
    this.#follow(await this.store.read(this.#state.head.seq));
    return this.#state;
  }

  #now(): number {
    const now = Math.floor(this.#clock());
    if (!Number.isSafeInteger(now)) {
      throw new RangeError(`"clock" expected milliseconds since 1970, got ${now}`);
    }
    return Math.max(this.#state.time, now);
  }

  /** Entries of a call that began earlier may have been taken in meanwhile. */
  #follow(entries: readonly ChainEntry[]): void {
    const news = entries.filter((entry) => entry.seq > this.#state.head.seq);
    const fault = this.#chain.fault(this.#state.head, news);
    if (fault !== null) throw corruptAt(fault.seq, fault.reason);
    for (const entry of news) this.#applyOnce(entry, () => decodeRecord(entry));
  }

  #applyOnce(entry: ChainEntry, record: () => LogRecord): void {
    if (entry.seq <= this.#state.head.seq) return;
    this.#state.apply(entry, record());
  }
}

/** The error for a budget that is not the one the caller thinks. */
export function corrupt(message: string): VelaturaError {
  return new VelaturaError('dp/budget-corrupt', message);
}
