import { VelaturaError } from '../../core/errors.ts';
import type { ChainEntry } from '../../core/hash-chain.ts';
import { PackedLog } from './packed-log.ts';
import type {
  BudgetStore,
  IdentityPage,
  LogDecision,
  LogNews,
  LogPosition,
  StateSnapshot,
} from './store.ts';

/** Entries of one batch of {@link MemoryBudgetStore.read}. */
const BATCH = 4096;

const NO_NEWS: LogNews = { entries: [], pages: [] };

interface StampedPage {
  /** Number of the last entry of the transaction that wrote it. */
  readonly seq: number;
  readonly page: IdentityPage;
}

/**
 * A log in memory, for tests and simulation. It is gone with the process and therefore guarantees nothing
 * to anybody; several accountants may share one. Pages and the bytes handed over are not copied: whoever
 * gave or got them leaves them alone.
 */
export class MemoryBudgetStore implements BudgetStore {
  readonly durable: boolean = false;
  readonly transactNow?: NonNullable<BudgetStore['transactNow']>;
  readonly #log = new PackedLog();
  /** By page number. */
  readonly #pages: (StampedPage | undefined)[] = [];
  #newestPage = -1;
  #snapshot: StateSnapshot | null = null;
  #closed = false;

  /**
   * @param log - entries to begin with
   * @param pages - identity pages that go with them
   */
  constructor(log: readonly ChainEntry[] = [], pages: readonly IdentityPage[] = []) {
    for (const entry of log) this.#log.push(entry);
    this.#replace(pages);
    // A class that extends this one may do more in its transactions.
    if (new.target === MemoryBudgetStore) {
      this.transactNow = (position, decide) => this.#transact(position, decide);
    }
  }

  async transact<T>(position: LogPosition, decide: (news: LogNews) => LogDecision<T>): Promise<T> {
    return this.#transact(position, decide);
  }

  #transact<T>(position: LogPosition, decide: (news: LogNews) => LogDecision<T>): T {
    this.#assertOpen();
    const log = this.#log;
    const { append, pages, result } = decide(this.#news(position));
    if (append.length === 0 && pages.length === 0) return result;
    assertFollows(log.length, append);
    assertPages(append, pages);
    for (const entry of append) log.push(entry);
    if (pages.length > 0) this.#replace(pages);
    return result;
  }

  async *read(since: number): AsyncGenerator<readonly ChainEntry[], void, undefined> {
    this.#assertOpen();
    for (let from = since + 1; from < this.#log.length; from += BATCH) {
      yield this.#log.slice(from, from + BATCH);
      this.#assertOpen();
    }
  }

  async pages(): Promise<readonly IdentityPage[]> {
    this.#assertOpen();
    return this.#pagesAfter(-1);
  }

  async loadSnapshot(): Promise<StateSnapshot | null> {
    this.#assertOpen();
    return this.#snapshot;
  }

  async saveSnapshot(snapshot: StateSnapshot): Promise<void> {
    this.#assertOpen();
    if (snapshot.seq > (this.#snapshot?.seq ?? -1)) this.#snapshot = snapshot;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #news({ entries, pages }: LogPosition): LogNews {
    const upToDate = entries + 1 >= this.#log.length;
    if (upToDate && pages >= this.#newestPage) return NO_NEWS;
    return {
      entries: upToDate ? NO_NEWS.entries : this.#log.slice(entries + 1),
      pages: pages >= this.#newestPage ? NO_NEWS.pages : this.#pagesAfter(pages),
    };
  }

  #pagesAfter(since: number): readonly IdentityPage[] {
    const pages: IdentityPage[] = [];
    for (const stamped of this.#pages) {
      if (stamped !== undefined && stamped.seq > since) pages.push(stamped.page);
    }
    return pages;
  }

  #replace(pages: readonly IdentityPage[]): void {
    const seq = this.#log.length - 1;
    for (const page of pages) this.#pages[page.page] = { seq, page };
    if (pages.length > 0) this.#newestPage = seq;
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new VelaturaError('dp/budget-unavailable', 'the budget store is closed');
  }
}

/** Throws unless the entries are numbered from `next` on: a store never writes over or leaves a gap. */
export function assertFollows(next: number, entries: readonly ChainEntry[]): void {
  let expected = next;
  for (const { seq } of entries) {
    if (seq !== expected) {
      throw new RangeError(`"append" expected entry ${expected}, got entry ${seq}`);
    }
    expected++;
  }
}

/** Throws unless the pages come with an entry that vouches for them, and each of them once. */
export function assertPages(append: readonly ChainEntry[], pages: readonly IdentityPage[]): void {
  if (pages.length === 0) return;
  if (append.length === 0) {
    throw new RangeError('"pages" expected an entry that goes with them, got none');
  }
  const seen = new Set<number>();
  for (const { page } of pages) {
    if (!Number.isSafeInteger(page) || page < 0) {
      throw new RangeError(`"pages" expected page numbers, got ${page}`);
    }
    if (seen.has(page)) throw new RangeError(`"pages" expected each page once, got ${page} twice`);
    seen.add(page);
  }
}
