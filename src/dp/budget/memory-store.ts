import { VelaturaError } from '../../core/errors.ts';
import type { ChainEntry } from '../../core/hash-chain.ts';
import type { BudgetStore, LogDecision } from './store.ts';

/**
 * A log in memory, for tests and simulation. It is gone with the process and therefore guarantees nothing
 * to anybody; several accountants may share one.
 */
export class MemoryBudgetStore implements BudgetStore {
  readonly durable = false;
  readonly #log: ChainEntry[] = [];
  #closed = false;

  /** @param log - entries to begin with */
  constructor(log: readonly ChainEntry[] = []) {
    this.#log.push(...log);
  }

  async transact<T>(
    since: number,
    decide: (news: readonly ChainEntry[]) => LogDecision<T>,
  ): Promise<T> {
    this.#assertOpen();
    const { append, result } = decide(this.#log.slice(since + 1));
    assertFollows(this.#log.length, append);
    this.#log.push(...append);
    return result;
  }

  async read(since: number): Promise<readonly ChainEntry[]> {
    this.#assertOpen();
    return this.#log.slice(since + 1);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new VelaturaError('dp/budget-unavailable', 'the budget store is closed');
  }
}

/** Throws unless the entries are numbered from `next` on: a store never writes over or leaves a gap. */
export function assertFollows(next: number, entries: readonly ChainEntry[]): void {
  entries.forEach((entry, i) => {
    if (entry.seq !== next + i) {
      throw new RangeError(`"append" expected entry ${next + i}, got entry ${entry.seq}`);
    }
  });
}
