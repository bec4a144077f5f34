import { randomInt } from 'node:crypto';
import type { Transferable } from 'node:worker_threads';
import { VelaturaError } from '../core/errors.ts';
import type { ChainEntry } from '../core/hash-chain.ts';
import { assertFollows, assertPages } from '../dp/budget/memory-store.ts';
import type {
  BudgetStore,
  IdentityPage,
  LogDecision,
  LogNews,
  LogPosition,
  StateSnapshot,
} from '../dp/budget/store.ts';
import {
  packEntries,
  packPages,
  receivedError,
  type SqliteAnswer,
  type SqliteOpening,
  type SqliteRequest,
  type TransactionPoint,
  unpackEntries,
  unpackPages,
} from './sqlite-budget-messages.ts';
import { type SqliteThread, type SqliteThreads, startSqliteThread } from './sqlite-threads.ts';

export type { TransactionPoint } from './sqlite-budget-messages.ts';

const DEFAULT_BUSY_TIMEOUT = 10_000;
/** Less than others wait. */
const DEFAULT_DECISION_TIMEOUT = 5_000;
/** Bytes of a row of a snapshot. */
const SNAPSHOT_PART = 2 ** 20;

/** Options of {@link openSqliteBudgetStore}. */
export interface SqliteBudgetStoreOptions {
  /** Milliseconds to wait for another process; default 10,000. */
  readonly busyTimeout?: number;
  /**
   * Milliseconds that everybody else may be kept waiting while this thread is busy between reading the news
   * and deciding; default 5,000.
   */
  readonly decisionTimeout?: number;
  /**
   * For tests of crashes: called in this thread at the points of every transaction. At `written` and
   * `snapshot-part` the other thread is at work, and may be done already.
   */
  readonly onPoint?: (point: TransactionPoint) => void;
  /** For tests of crashes: asked before every step; the process is killed exactly at the point it names. */
  readonly killAt?: () => TransactionPoint | null;
  /** For tests of full disks: pages the file may grow to. */
  readonly maxPageCount?: number;
  /** Where to take the thread from; default: a new one, which ends when the store is closed. */
  readonly threads?: SqliteThreads;
}

/**
 * A budget's log in a SQLite file. All waiting, for other processes as for the disk, happens in a thread of
 * its own; decisions are taken in this one, while the file is locked.
 */
export class SqliteBudgetStore implements BudgetStore {
  readonly durable = true;
  readonly #path: string;
  readonly #options: SqliteBudgetStoreOptions;
  readonly #thread: SqliteThread;
  /** Settles when everything called so far has. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;

  /** Has nothing open yet: {@link openSqliteBudgetStore}. */
  constructor(path: string, options: SqliteBudgetStoreOptions) {
    this.#path = path;
    this.#options = options;
    this.#thread = options.threads?.take() ?? startSqliteThread();
  }

  /** To be called once, before anything else. */
  async open(create: boolean): Promise<void> {
    const {
      busyTimeout = DEFAULT_BUSY_TIMEOUT,
      decisionTimeout = DEFAULT_DECISION_TIMEOUT,
      maxPageCount = null,
    } = this.#options;
    const path = this.#path;
    const opening: SqliteOpening = { path, create, busyTimeout, decisionTimeout, maxPageCount };
    try {
      await this.#call({ kind: 'open', opening });
    } catch (error) {
      this.#closed = this.#letGo();
      await this.#closed;
      throw error;
    }
  }

  transact<T>(position: LogPosition, decide: (news: LogNews) => LogDecision<T>): Promise<T> {
    return this.#inTurn(async () => {
      const answer = await this.#begin(position);
      this.#pass('begun');
      let result: T;
      let entries: ArrayBuffer | null;
      let pages: ArrayBuffer | null;
      try {
        const news = {
          entries: unpackEntries(answer.entries),
          pages: unpackPages(answer.pages),
        };
        const decision = decide(news);
        this.#pass('decided');
        assertFollows((news.entries.at(-1)?.seq ?? position.entries) + 1, decision.append);
        assertPages(decision.append, decision.pages);
        entries = packEntries(decision.append);
        pages = packPages(decision.pages);
        result = decision.result;
      } catch (error) {
        this.#thread.post({ kind: 'rollback' });
        throw error;
      }
      if (entries === null) {
        this.#thread.post({ kind: 'rollback' });
        return result;
      }
      const written = this.#call(
        { kind: 'write', entries, pages },
        pages === null ? [entries] : [entries, pages],
      );
      this.#pass('written');
      await written;
      this.#pass('committed');
      return result;
    });
  }

  /**
   * Does something that is not about the log while nobody else can write to it, in any process, however long
   * it takes.
   */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#call({ kind: 'lock' });
      try {
        return await work();
      } finally {
        this.#thread.post({ kind: 'rollback' });
      }
    });
  }

  async *read(since: number): AsyncGenerator<readonly ChainEntry[], void, undefined> {
    let last = since;
    for (;;) {
      const answer = await this.#inTurn(() => this.#call({ kind: 'read', since: last }));
      const entries = unpackEntries(answer.entries);
      if (entries.length === 0) return;
      yield entries;
      last = entries.at(-1)?.seq ?? last;
    }
  }

  async pages(): Promise<readonly IdentityPage[]> {
    return unpackPages((await this.#inTurn(() => this.#call({ kind: 'pages' }))).pages);
  }

  async loadSnapshot(): Promise<StateSnapshot | null> {
    return (await this.#inTurn(() => this.#call({ kind: 'load-snapshot' }))).snapshot;
  }

  async saveSnapshot({ seq, bytes }: StateSnapshot): Promise<void> {
    const { wanted } = await this.#inTurn(() => this.#call({ kind: 'wants-snapshot', seq }));
    this.#pass('snapshot-begun');
    if (!wanted) return;
    const writer = randomInt(2 ** 47);
    const parts = Math.max(1, Math.ceil(bytes.length / SNAPSHOT_PART));
    for (let part = 0; part < parts; part++) {
      // Each in a turn of its own: transactions do not wait for all of them.
      await this.#inTurn(() => {
        const slice = bytes.slice(part * SNAPSHOT_PART, (part + 1) * SNAPSHOT_PART);
        const saved = this.#call(
          { kind: 'save-snapshot', part: { seq, writer, part, parts, bytes: slice } },
          [slice.buffer],
        );
        this.#pass('snapshot-part');
        return saved;
      });
    }
    this.#pass('snapshot-whole');
  }

  /** Lets everything that was called before finish. */
  close(): Promise<void> {
    this.#closed ??= this.#turn.then(async () => {
      try {
        if (!this.#thread.failed) await this.#call({ kind: 'close' });
      } finally {
        await this.#letGo();
      }
    });
    return this.#closed;
  }

  /** Takes the lock and reads the news; once more when this thread was too busy to hear of it in time. */
  async #begin(position: LogPosition): Promise<SqliteAnswer> {
    for (;;) {
      const answer = await this.#call({ kind: 'begin', position });
      if (answer.until === null || process.hrtime.bigint() < answer.until) return answer;
    }
  }

  #letGo(): Promise<void> {
    const { threads } = this.#options;
    return threads === undefined ? this.#thread.end() : threads.give(this.#thread);
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    if (this.#closed !== null) return Promise.reject(this.#unavailable('the store is closed'));
    const turn = this.#turn.then(step);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #call(
    request: SqliteRequest,
    transfer: readonly Transferable[] = [],
  ): Promise<SqliteAnswer> {
    const { killAt } = this.#options;
    const sent = killAt === undefined ? request : { ...request, killAt: killAt() };
    const { answer, error } = await this.#thread.call(sent, transfer).catch((cause: Error) => {
      throw this.#unavailable(`the thread that had it open has ended: ${cause.message}`, cause);
    });
    if (error !== null) throw receivedError(error);
    return answer;
  }

  #pass(point: TransactionPoint): void {
    this.#options.onPoint?.(point);
  }

  #unavailable(reason: string, cause?: Error): VelaturaError {
    return new VelaturaError(
      'dp/budget-unavailable',
      `${this.#path}: ${reason}`,
      { path: this.#path },
      { cause },
    );
  }
}

async function start(
  path: string,
  create: boolean,
  options: SqliteBudgetStoreOptions,
): Promise<SqliteBudgetStore> {
  const store = new SqliteBudgetStore(path, options);
  await store.open(create);
  return store;
}

/**
 * Opens an existing budget file.
 *
 * @throws {VelaturaError} `data/missing-file`; `dp/budget-corrupt` for a file that is damaged or something
 * else, which is then left as it was; `dp/budget-unavailable`
 */
export function openSqliteBudgetStore(
  path: string,
  options: SqliteBudgetStoreOptions = {},
): Promise<SqliteBudgetStore> {
  return start(path, false, options);
}

/**
 * Makes a budget file with an empty log, readable by its owner only, and opens it.
 *
 * @param path - nothing may be there
 * @throws {VelaturaError} `dp/budget-unavailable`
 */
export function createSqliteBudgetStore(
  path: string,
  options: SqliteBudgetStoreOptions = {},
): Promise<SqliteBudgetStore> {
  return start(path, true, options);
}
