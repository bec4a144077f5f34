import { sameBytes } from '../../core/bytes.ts';
import type { VelaturaError } from '../../core/errors.ts';
import { yieldToEventLoop } from '../../core/event-loop.ts';
import {
  type ChainEntry,
  type ChainHead,
  HashChain,
  portableSha256,
  type Sha256,
} from '../../core/hash-chain.ts';
import { SecureRandom } from '../../core/secure-random.ts';
import { decodeRecord, encodeRecord } from './log-codec.ts';
import { corrupt, corruptAt, type LogRecord } from './log-record.ts';
import type { BudgetPolicy } from './policy.ts';
import { BudgetState } from './state.ts';
import { decodeState, encodeState } from './state-snapshot.ts';
import type { BudgetStore, IdentityPage, LogDecision, LogNews } from './store.ts';

/** Milliseconds since 1970. */
export type Clock = () => number;

/** What a decision may do: look at the state, and write entries, which the state takes in at once. */
export interface Transaction {
  readonly state: BudgetState;
  /**
   * The time, which is never before that of the last entry: a clock set back neither shortens an interval
   * nor brings an expired reservation back.
   */
  readonly now: number;
  /** Writes an entry, and the identity pages that changed with it. Whoever has written may not throw any more. */
  write(record: LogRecord, pages?: readonly IdentityPage[]): ChainEntry;
}

/** Chains what is written and lets the state take it in; one for all transactions of a ledger, one after another. */
class OpenTransaction implements Transaction {
  state: BudgetState;
  now = 0;
  /** Never changed once it was handed over. */
  append: ChainEntry[] = [];
  /** Pages that changed, by number; null for none. */
  changed: Map<number, IdentityPage> | null = null;
  readonly #chain: HashChain;

  constructor(state: BudgetState, chain: HashChain) {
    this.state = state;
    this.#chain = chain;
  }

  begin(state: BudgetState, now: number): this {
    this.state = state;
    this.now = now;
    this.append = NO_ENTRIES;
    this.changed = null;
    return this;
  }

  /** Bound, because decisions take it out of its object. */
  readonly write: Transaction['write'] = (record, pages = NO_PAGES) => {
    const entry = this.#chain.append(this.state.head, encodeRecord(record));
    this.state.apply(entry, record);
    // Most transactions write one entry: an array for one costs a quarter of one that grows.
    if (this.append.length === 0) this.append = [entry];
    else this.append.push(entry);
    for (const page of pages) {
      this.changed ??= new Map();
      this.changed.set(page.page, page);
    }
    return entry;
  };
}

interface Waiting {
  readonly decide: (transaction: Transaction) => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What came of one decision. */
type Outcome =
  | { readonly failed: false; readonly result: unknown }
  | { readonly failed: true; readonly error: unknown };

/** Decides; an error is the asker's own as long as nothing was written before it. */
function outcomeOf(open: OpenTransaction, decide: Waiting['decide']): Outcome {
  const written = open.append.length;
  try {
    return { failed: false, result: decide(open) };
  } catch (error) {
    if (open.append.length > written) throw error;
    return { failed: true, error };
  }
}

/** The end of year 9999: milliseconds since 1970. */
const LAST_TIME = 253_402_300_800_000;
/** Milliseconds without a call after which others may have written much. */
const IDLE = 1_000;
/** Decisions that share a transaction at most. */
const GROUP = 512;
/** Bytes of log after which a snapshot is due, unless told otherwise. */
const SNAPSHOT_BYTES = 2 ** 23;
/** How much longer than the last snapshot the log must have grown. */
const SNAPSHOT_RATIO = 2;
/** At closing a part of that is worth it. */
const CLOSING_SHARE = 1 / 64;
/** Others may write while the state is encoded. */
const CLOSING_ATTEMPTS = 3;

const NO_PAGES: readonly IdentityPage[] = [];
const NO_ENTRIES: ChainEntry[] = [];

/** The chain of every budget log. */
export function budgetChain(sha256?: Sha256): HashChain {
  return new HashChain('budget', sha256);
}

/**
 * Log first: decisions are taken on a state that has seen every entry, while the store keeps all others
 * out. Decisions that come while a transaction is under way share the next one, each on the state that the
 * one before it left. Answers go out only once their entries are durable; should that fail, the state is
 * thrown away and read anew. Whatever happens to this process, the log alone says what is spent.
 */
export class Ledger {
  readonly store: BudgetStore;
  readonly #sha256: Sha256;
  readonly #chain: HashChain;
  readonly #clock: Clock;
  readonly #random = new SecureRandom();
  #transaction: OpenTransaction | null = null;
  #queue: Waiting[] = [];
  #running: Promise<void> | null = null;
  #state: BudgetState | null = null;
  #head: ChainHead | undefined;
  #policy: BudgetPolicy | undefined;
  readonly #snapshotEvery: number;
  /** When the last group was decided, by the process's own clock. */
  #active: number = Number.NEGATIVE_INFINITY;
  /** Bytes of log since the last snapshot, and its size. */
  #bytes = 0;
  #snapshotBytes = 0;

  /** @param snapshotBytes - bytes of log after which the state is kept; a 64th of that at closing */
  constructor(
    store: BudgetStore,
    clock: Clock,
    sha256: Sha256 | undefined,
    snapshotBytes: number = SNAPSHOT_BYTES,
  ) {
    this.store = store;
    this.#snapshotEvery = snapshotBytes;
    this.#clock = clock;
    this.#sha256 = sha256 ?? portableSha256;
    this.#chain = budgetChain(this.#sha256);
  }

  /** The policy in force as of the last call; undefined before the first. */
  get policy(): BudgetPolicy | undefined {
    return this.#policy;
  }

  /** Number and hash of the last entry this process has seen; undefined while it has seen none. */
  get head(): ChainHead | undefined {
    return this.#head;
  }

  /**
   * Lets `decide` look at the state as of now and makes what it writes durable before it resolves.
   *
   * @param decide - what it throws is passed on; it must not have written anything then
   * @throws {VelaturaError} `dp/budget-unavailable`, `dp/budget-corrupt`
   */
  transact<T>(decide: (transaction: Transaction) => T): Promise<T> {
    const state = this.#state;
    if (state !== null && this.#running === null && this.store.transactNow !== undefined) {
      return this.#atOnce(state, decide);
    }
    return new Promise<unknown>((resolve, reject) => {
      this.#queue.push({ decide, resolve, reject });
      this.#running ??= this.#run();
    }) as Promise<T>;
  }

  /** Waits for what is under way, keeps a snapshot if one is worth it, and closes the store. */
  async close(): Promise<void> {
    await this.#running;
    if (this.store.durable && this.#bytes >= CLOSING_SHARE * this.#snapshotEvery) {
      let attempts = CLOSING_ATTEMPTS;
      while (attempts > 0 && this.#state !== null && !(await this.#snapshot())) attempts--;
    }
    await this.store.close();
  }

  async #run(): Promise<void> {
    await undefined; // lets more decisions of the same moment gather
    while (this.#queue.length > 0) {
      const group = this.#next();
      try {
        const state = this.#state ?? (await this.#load());
        this.#state = null;
        if (this.store.durable && this.#wasIdle()) await this.#catchUp(state);
        const outcomes = await this.#together(state, group);
        this.#keep(state);
        for (const [i, { resolve, reject }] of group.entries()) {
          const outcome = outcomes[i] as Outcome;
          if (outcome.failed) reject(outcome.error);
          else resolve(outcome.result);
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
        continue;
      }
      if (this.#snapshotDue()) await this.#snapshot();
    }
    this.#running = null;
  }

  #next(): readonly Waiting[] {
    if (this.#queue.length > GROUP) return this.#queue.splice(0, GROUP);
    const group = this.#queue;
    this.#queue = [];
    return group;
  }

  #wasIdle(): boolean {
    const before = this.#active;
    this.#active = performance.now();
    return this.#active - before >= IDLE;
  }

  /** After a while without a call much may have been written: it is read before anybody is shut out. */
  async #catchUp(state: BudgetState): Promise<void> {
    for await (const entries of this.store.read(state.head.seq)) {
      this.#take(state, entries);
      await yieldToEventLoop();
    }
  }

  /** Without a queue: a store that waits for nothing has nothing to share among those who would wait. */
  #atOnce<T>(state: BudgetState, decide: (transaction: Transaction) => T): Promise<T> {
    this.#state = null;
    try {
      const outcome = this.store.transactNow?.(this.#position(state), (news) => {
        const open = this.#open(state, news);
        return this.#written(open, outcomeOf(open, decide));
      }) as Outcome;
      this.#keep(state);
      if (outcome.failed) return Promise.reject(outcome.error);
      return Promise.resolve(outcome.result as T);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** One transaction for all decisions of the group. */
  #together(state: BudgetState, group: readonly Waiting[]): Promise<readonly Outcome[]> {
    let asked = false;
    return this.store.transact(this.#position(state), (news) => {
      if (asked) throw new TypeError('the store asked for a decision twice');
      asked = true;
      const open = this.#open(state, news);
      return this.#written(
        open,
        group.map(({ decide }) => outcomeOf(open, decide)),
      );
    });
  }

  #open(state: BudgetState, news: LogNews): OpenTransaction {
    this.#follow(state, news);
    this.#transaction ??= new OpenTransaction(state, this.#chain);
    return this.#transaction.begin(state, this.#now(state));
  }

  #written<T>(open: OpenTransaction, result: T): LogDecision<T> {
    const { state, append, changed } = open;
    for (const { body } of append) this.#bytes += body.length;
    state.pagesSeq = state.head.seq;
    return { append, pages: changed === null ? NO_PAGES : [...changed.values()], result };
  }

  #keep(state: BudgetState): void {
    this.#state = state;
    this.#head = state.head;
    this.#policy = state.limits?.policy;
  }

  #snapshotDue(): boolean {
    const due = Math.max(this.#snapshotEvery, SNAPSHOT_RATIO * this.#snapshotBytes);
    return this.store.durable && this.#bytes >= due;
  }

  /** The state as of about now, read without shutting anybody out. */
  async #load(): Promise<BudgetState> {
    this.#bytes = 0;
    const salt = (length: number): Uint8Array => this.#random.bytes(length);
    const state =
      (await this.#fromSnapshot(salt)) ?? new BudgetState(this.#chain.start(), salt, this.#sha256);
    for await (const entries of this.store.read(state.head.seq)) {
      this.#take(state, entries);
      await yieldToEventLoop();
    }
    this.#active = performance.now();
    return state;
  }

  /** The state of the newest snapshot, if the log vouches for it. */
  async #fromSnapshot(salt: (length: number) => Uint8Array): Promise<BudgetState | null> {
    const snapshot = await this.store.loadSnapshot();
    if (snapshot === null) return null;
    const digest = this.#sha256(snapshot.bytes);
    for await (const [entry] of this.store.read(snapshot.seq - 1)) {
      if (entry === undefined || entry.seq !== snapshot.seq) return null;
      const record = decodeRecord(entry);
      if (record.kind !== 'snapshot' || !sameBytes(record.digest, digest)) return null;
      const state = decodeState(snapshot.bytes, salt, this.#sha256);
      if (state === null || state.head.seq !== snapshot.seq - 1) return null;
      this.#snapshotBytes = snapshot.bytes.length;
      return state;
    }
    return null;
  }

  #position(state: BudgetState): { readonly entries: number; readonly pages: number } {
    return { entries: state.head.seq, pages: state.pagesSeq };
  }

  #now(state: BudgetState): number {
    const now = Math.floor(this.#clock());
    // One clock in microseconds would hold everybody up for ever.
    if (!(now >= 0 && now < LAST_TIME)) {
      throw new RangeError(
        `"clock" expected milliseconds since 1970 before year 10000, got ${now}`,
      );
    }
    return Math.max(state.time, now);
  }

  #follow(state: BudgetState, { entries, pages }: LogNews): void {
    this.#take(state, entries);
    if (state.head.seq < (this.#head?.seq ?? -1)) throw this.#rolledBack();
    if (state.pagesSeq < state.head.seq || pages.length > 0) state.directory.load(pages);
    state.pagesSeq = state.head.seq;
  }

  #take(state: BudgetState, entries: readonly ChainEntry[]): void {
    if (entries.length === 0) return;
    const fault = this.#chain.fault(state.head, entries);
    if (fault !== null) throw corruptAt(fault.seq, fault.reason);
    for (const entry of entries) {
      this.#bytes += entry.body.length;
      this.#assertSame(entry);
      state.apply(entry, decodeRecord(entry));
    }
  }

  /** What this process has seen once must still be there when the log is read anew. */
  #assertSame(entry: ChainEntry): void {
    if (entry.seq === this.#head?.seq && !sameBytes(entry.hash, this.#head.hash)) {
      throw this.#rolledBack();
    }
  }

  #rolledBack(): VelaturaError {
    return corrupt(
      `entry ${this.#head?.seq} of the budget log is gone: it was rolled back or altered while in use`,
    );
  }

  /**
   * Writes down the hash of the state and keeps the state; without it opening only takes longer.
   *
   * @returns false when it came to nothing
   */
  async #snapshot(): Promise<boolean> {
    const state = this.#state;
    if (state === null) return false;
    this.#state = null;
    try {
      // Encoded while nobody waits for the lock; in vain when somebody else wrote meanwhile.
      const bytes = encodeState(state);
      const digest = this.#sha256(bytes);
      const { seq } = state.head;
      const entry = await this.store.transact(this.#position(state), (news) => {
        this.#follow(state, news);
        if (state.head.seq !== seq) return { append: [], pages: [], result: null };
        const record = { kind: 'snapshot', time: this.#now(state), digest } as const;
        const next = this.#chain.append(state.head, encodeRecord(record));
        state.apply(next, record);
        state.pagesSeq = next.seq;
        return { append: [next], pages: [], result: next };
      });
      this.#keep(state);
      this.#bytes = entry === null ? this.#bytes / 2 : 0;
      if (entry === null) return false;
      this.#snapshotBytes = bytes.length;
      await this.store.saveSnapshot({ seq: entry.seq, bytes });
      return true;
    } catch {
      // The log says all there is; the next transaction will say what is wrong with the store.
      return false;
    }
  }
}
