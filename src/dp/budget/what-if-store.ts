import type { ChainEntry } from '../../core/hash-chain.ts';
import { assertFollows, assertPages } from './memory-store.ts';
import type {
  BudgetStore,
  IdentityPage,
  LogDecision,
  LogNews,
  LogPosition,
  StateSnapshot,
} from './store.ts';

/**
 * A budget as it would be: begins as the log of another store and keeps all that is written from then on
 * to itself, so that a change can be tried out before anybody is bound by it. Serves one accountant; what
 * others write to the other store after the first change here is not seen any more.
 */
export class WhatIfStore implements BudgetStore {
  readonly durable: boolean;
  readonly #base: BudgetStore;
  #own: readonly ChainEntry[] = [];
  #pages = new Map<number, { readonly seq: number; readonly page: IdentityPage }>();

  /** @param base - is never written to; closed together with this one */
  constructor(base: BudgetStore) {
    this.#base = base;
    this.durable = base.durable;
  }

  async transact<T>(position: LogPosition, decide: (news: LogNews) => LogDecision<T>): Promise<T> {
    const fork = this.#own[0]?.seq;
    if (fork === undefined) return this.#begin(position, decide);
    if (position.entries < fork - 1) {
      throw new RangeError(
        `"position" expected entry ${fork - 1} or later, got ${position.entries}`,
      );
    }
    const decision = decide({
      entries: this.#own.filter(({ seq }) => seq > position.entries),
      pages: [...this.#pages.values()]
        .filter(({ seq }) => seq > position.pages)
        .map(({ page }) => page),
    });
    this.#keep(this.#own, decision);
    return decision.result;
  }

  async *read(since: number): AsyncGenerator<readonly ChainEntry[], void, undefined> {
    const fork = this.#own[0]?.seq ?? Number.POSITIVE_INFINITY;
    for await (const entries of this.#base.read(since)) {
      const before = entries.filter(({ seq }) => seq < fork);
      if (before.length > 0) yield before;
      if (before.length < entries.length) break;
    }
    const own = this.#own.filter(({ seq }) => seq > since);
    if (own.length > 0) yield own;
  }

  async pages(): Promise<readonly IdentityPage[]> {
    const pages = new Map((await this.#base.pages()).map((page) => [page.page, page]));
    for (const [number, { page }] of this.#pages) pages.set(number, page);
    return [...pages.values()].sort((a, b) => a.page - b.page);
  }

  loadSnapshot(): Promise<StateSnapshot | null> {
    return this.#base.loadSnapshot();
  }

  /** Nobody opens what might have been a second time. */
  async saveSnapshot(): Promise<void> {}

  close(): Promise<void> {
    return this.#base.close();
  }

  /** The other store shuts its writers out while it hands over its news, and writes nothing. */
  async #begin<T>(position: LogPosition, decide: (news: LogNews) => LogDecision<T>): Promise<T> {
    try {
      return await this.#base.transact(position, (news) => {
        const decision = decide(news);
        this.#pages.clear(); // of a transaction that had to be repeated
        this.#own = [];
        this.#keep([], decision, (news.entries.at(-1)?.seq ?? position.entries) + 1);
        return { append: [], pages: [], result: decision.result };
      });
    } catch (error) {
      this.#pages.clear();
      this.#own = [];
      throw error;
    }
  }

  #keep(
    own: readonly ChainEntry[],
    { append, pages }: LogDecision<unknown>,
    next = (own.at(-1)?.seq ?? -1) + 1,
  ): void {
    assertFollows(next, append);
    assertPages(append, pages);
    this.#own = [...own, ...append];
    const seq = append.at(-1)?.seq ?? -1;
    for (const page of pages) this.#pages.set(page.page, { seq, page });
  }
}
