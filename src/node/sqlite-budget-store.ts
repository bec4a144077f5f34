import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { VelaturaError } from '../core/errors.ts';
import type { ChainEntry, ChainHead } from '../core/hash-chain.ts';
import { assertFollows } from '../dp/budget/memory-store.ts';
import type { BudgetStore, LogDecision } from '../dp/budget/store.ts';
import { SqliteConnection, SqliteFailure, type SqlValue } from './sqlite.ts';

const MAGIC = 'SQLite format 3\0';
/** "VELB" in the header of the file: a budget of this project. */
const APPLICATION_ID = 0x5645_4c42;
const SCHEMA_VERSION = 1;
const HEADER_LENGTH = 100;
const PAGE_SIZE_AT = 16;
const SCHEMA_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;
const DEFAULT_BUSY_TIMEOUT = 10_000;

const CORRUPT_CODES = ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_SCHEMA', 'SQLITE_ERROR'];

/** Points of a transaction at which a test may kill the process. */
export type TransactionPoint = 'begun' | 'decided' | 'written' | 'committed';

/** Options of {@link openSqliteBudgetStore}. */
export interface SqliteBudgetStoreOptions {
  /** Milliseconds to wait for another process; default 10,000. */
  readonly busyTimeout?: number;
  /** Called at every point of every transaction: for tests of crashes. */
  readonly onPoint?: (point: TransactionPoint) => void;
}

function notABudget(path: string, reason: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'dp/budget-corrupt',
    `${path}: ${reason}`,
    { path },
    cause === undefined ? undefined : { cause },
  );
}

/** SQLite's errors as ours; all others, such as those of a decision, are passed on. */
function coded<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof SqliteFailure)) throw error;
    if (CORRUPT_CODES.some((code) => error.sqliteCode.startsWith(code))) {
      throw notABudget(path, error.message, error);
    }
    throw new VelaturaError(
      'dp/budget-unavailable',
      `${path}: ${error.message}`,
      { path, sqliteCode: error.sqliteCode },
      { cause: error },
    );
  }
}

/** Looks at the header before SQLite does, because opening a file with SQLite may write to it. */
function assertBudgetHeader(path: string): void {
  const header = Buffer.alloc(HEADER_LENGTH);
  let length: number;
  let size: number;
  try {
    const file = openSync(path, 'r');
    try {
      length = readSync(file, header, 0, HEADER_LENGTH, 0);
      size = statSync(path).size;
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new VelaturaError(
      missing ? 'data/missing-file' : 'dp/budget-unavailable',
      `${path}: ${missing ? 'there is no such budget file' : 'cannot be read'}`,
      { path },
      { cause },
    );
  }
  if (length < HEADER_LENGTH || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw notABudget(path, 'not a budget file, or its beginning is damaged');
  }
  if (header.readUInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID) {
    throw notABudget(path, 'a SQLite file, but not a budget');
  }
  const version = header.readUInt32BE(SCHEMA_VERSION_AT);
  if (version !== SCHEMA_VERSION) {
    throw notABudget(path, `budget file of version ${version}, expected ${SCHEMA_VERSION}`);
  }
  const pageSize = header.readUInt16BE(PAGE_SIZE_AT);
  const journal = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  // With pages still to come from the journal a torn last page is repaired by SQLite.
  if (journal === 0 && (pageSize === 0 || size % pageSize !== 0)) {
    throw notABudget(path, `cut short: ${size} bytes are no whole number of pages`);
  }
}

/**
 * A budget's log in a SQLite file: write-ahead journal with `synchronous=FULL`, so that what is
 * acknowledged survives a crash, and `begin immediate`, so that of several processes one decides at a time.
 */
export class SqliteBudgetStore implements BudgetStore {
  readonly durable = true;
  readonly #path: string;
  readonly #file: number;
  readonly #connection: SqliteConnection;
  readonly #onPoint: (point: TransactionPoint) => void;
  /** The newest entry handed over or written: it must never be gone. */
  #seen: ChainHead | null = null;
  #wrote = false;

  /**
   * @param path - the file behind the connection
   * @param connection - open on a budget file; made durable here, closed together with the store
   * @throws {VelaturaError} `dp/budget-corrupt`, `dp/budget-unavailable`
   */
  constructor(path: string, connection: SqliteConnection, options: SqliteBudgetStoreOptions = {}) {
    this.#path = path;
    this.#file = statSync(path).ino;
    this.#connection = connection;
    this.#onPoint = options.onPoint ?? (() => {});
    coded(path, () => {
      connection.exec('pragma synchronous = full');
      const [mode] = connection.rows('pragma journal_mode = wal');
      if (mode?.[0] !== 'wal') throw notABudget(path, 'cannot have a write-ahead journal');
    });
  }

  async transact<T>(
    since: number,
    decide: (news: readonly ChainEntry[]) => LogDecision<T>,
  ): Promise<T> {
    return coded(this.#path, () => {
      const connection = this.#connection;
      connection.exec('begin immediate');
      try {
        this.#onPoint('begun');
        const news = this.#entries(since);
        const { append, result } = decide(news);
        this.#onPoint('decided');
        assertFollows((news.at(-1)?.seq ?? since) + 1, append);
        for (const { seq, body, hash } of append) {
          connection.run('insert into log (seq, body, hash) values (?, ?, ?)', [seq, body, hash]);
        }
        this.#onPoint('written');
        connection.exec('commit');
        this.#onPoint('committed');
        this.#remember(append);
        this.#wrote ||= append.length > 0;
        return result;
      } catch (error) {
        connection.rollback();
        throw error;
      }
    });
  }

  async read(since: number): Promise<readonly ChainEntry[]> {
    return coded(this.#path, () => this.#entries(since));
  }

  async close(): Promise<void> {
    // Somebody will copy the file without its journal.
    if (this.#wrote) this.#mergeJournal();
    this.#connection.close();
  }

  #mergeJournal(): void {
    this.#wrote = false;
    try {
      this.#connection.rows('pragma wal_checkpoint(passive)');
    } catch (error) {
      if (!(error instanceof SqliteFailure)) throw error; // the journal keeps everything until next time
    }
  }

  #entries(since: number): readonly ChainEntry[] {
    this.#assertUnchanged(since);
    const rows = this.#connection.rows(
      'select seq, body, hash from log where seq > ? order by seq',
      [since],
    );
    const entries = rows.map((row) => this.#entry(row));
    this.#remember(entries);
    return entries;
  }

  #entry([seq, body, hash]: readonly SqlValue[]): ChainEntry {
    if (typeof seq === 'number' && body instanceof Uint8Array && hash instanceof Uint8Array) {
      return { seq, body, hash };
    }
    throw notABudget(this.#path, `row ${String(seq)} of the log is no entry`);
  }

  #remember(entries: readonly ChainEntry[]): void {
    const last = entries.at(-1);
    if (last !== undefined) this.#seen = { seq: last.seq, hash: last.hash };
  }

  /** Notices a file put in the place of ours, and a log that lost what we have seen. */
  #assertUnchanged(since: number): void {
    if (statSync(this.#path, { throwIfNoEntry: false })?.ino !== this.#file) {
      throw notABudget(this.#path, 'the file was removed or replaced while in use');
    }
    if (since < 0) return;
    const row = this.#connection.rows('select hash from log where seq = ?', [since])[0];
    const seen = this.#seen;
    const hash = row?.[0];
    if (
      !(hash instanceof Uint8Array) ||
      (seen?.seq === since && Buffer.compare(hash, seen.hash) !== 0)
    ) {
      throw notABudget(
        this.#path,
        `entry ${since} of the budget log is gone: it was rolled back or altered while in use`,
      );
    }
  }
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
): SqliteBudgetStore {
  assertBudgetHeader(path);
  return coded(path, () => {
    const connection = new SqliteConnection(path, options.busyTimeout ?? DEFAULT_BUSY_TIMEOUT);
    try {
      const tables = connection.rows('select type, name from sqlite_schema');
      if (tables.length !== 1 || tables[0]?.[0] !== 'table' || tables[0][1] !== 'log') {
        throw notABudget(path, 'expected the table "log" and nothing else');
      }
      return new SqliteBudgetStore(path, connection, options);
    } catch (error) {
      connection.close();
      throw error;
    }
  });
}

/**
 * Makes a budget file with an empty log.
 *
 * @param path - nothing may be there
 */
export function createSqliteLog(path: string): void {
  closeSync(openSync(path, 'wx', 0o600));
  coded(path, () => {
    const connection = new SqliteConnection(path, DEFAULT_BUSY_TIMEOUT);
    try {
      connection.exec(
        `begin immediate;
         create table log (seq integer primary key, body blob not null, hash blob not null) strict;
         pragma application_id = ${APPLICATION_ID};
         pragma user_version = ${SCHEMA_VERSION};
         commit`,
      );
    } finally {
      connection.close();
    }
  });
}
