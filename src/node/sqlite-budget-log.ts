import { closeSync, openSync, statSync } from 'node:fs';
import { VelaturaError } from '../core/errors.ts';
import type { ChainEntry, ChainHead } from '../core/hash-chain.ts';
import type { IdentityPage, LogNews, LogPosition, StateSnapshot } from '../dp/budget/store.ts';
import { SqliteConnection, SqliteFailure, type SqlValue } from './sqlite.ts';
import type { SnapshotPart, SqliteOpening } from './sqlite-budget-messages.ts';
import {
  assertBudgetHeader,
  coded,
  corruptFile,
  prepareBudgetFile,
} from './sqlite-budget-schema.ts';
import { SqliteFileGuard } from './sqlite-file-guard.ts';
import { SqliteSnapshots } from './sqlite-snapshots.ts';

/** A batch of {@link SqliteBudgetLog.read} ends with the entry that passes one of them. */
const BATCH_ENTRIES = 4096;
const BATCH_BYTES = 4 * 2 ** 20;

/** Milliseconds. */
const WIPE_PATIENCE = 100;

/** Rows of one statement when many are inserted. */
const INSERT_ROWS = 50;

const values = (rows: number): string => Array.from({ length: rows }, () => '(?, ?, ?)').join();
const INSERT_ONE = 'insert into log (seq, body, hash) values (?, ?, ?)';
const INSERT_MANY = `insert into log (seq, body, hash) values ${values(INSERT_ROWS)}`;
const UPSERT_PAGE = `insert into pages (page, seq, bytes) values (?, ?, ?)
  on conflict (page) do update set seq = excluded.seq, bytes = excluded.bytes`;

function bytesOf(value: SqlValue | undefined): Uint8Array | null {
  return value instanceof Uint8Array ? value : null;
}

/** An empty file for the owner only, which must not be there yet. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (cause) {
    throw new VelaturaError(
      'dp/budget-unavailable',
      `${path}: ${(cause as Error).message}`,
      { path },
      { cause },
    );
  }
}

/**
 * A budget's log in a SQLite file, all calls blocking: write-ahead journal with `synchronous=FULL`, so that
 * what is acknowledged survives a crash, and `begin immediate`, so that of several processes one decides at
 * a time.
 */
export class SqliteBudgetLog {
  readonly #path: string;
  readonly #busyTimeout: number;
  readonly #connection: SqliteConnection;
  readonly #files: SqliteFileGuard;
  readonly #snapshots: SqliteSnapshots;
  /** The newest entry handed over or written: it must never be gone. */
  #seen: ChainHead | null = null;
  #wrote = false;
  /** The journal may hold identity pages that were replaced since. */
  #stale = false;
  #wipes = 0;

  /**
   * @throws {VelaturaError} `data/missing-file`; `dp/budget-corrupt` for a file that is damaged or something
   * else, which is then left as it was; `dp/budget-unavailable`
   */
  constructor({ path, create, busyTimeout, maxPageCount }: SqliteOpening) {
    this.#path = path;
    this.#busyTimeout = busyTimeout;
    if (create) makeFile(path);
    else assertBudgetHeader(path, busyTimeout);
    const inode = statSync(path).ino;
    this.#connection = coded(path, () => new SqliteConnection(path, busyTimeout));
    this.#files = new SqliteFileGuard(path, this.#connection, inode);
    this.#snapshots = new SqliteSnapshots(this.#connection);
    try {
      coded(path, () => prepareBudgetFile(path, this.#connection));
      if (maxPageCount !== null) this.#connection.rows(`pragma max_page_count = ${maxPageCount}`);
      coded(path, () => this.#files.assertSame());
      // Whoever wrote it may have been killed before it could wipe it.
      this.#stale = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
      this.wipeJournal();
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  /** Shuts out all other writers until {@link commit} or {@link rollback}; answers the last entry. */
  lock(): ChainHead {
    return this.#undoneOnFailure(() => {
      this.#connection.rollback();
      this.#connection.exec('begin immediate');
      return this.#assertUnchanged();
    });
  }

  /** Takes the lock and reads what is new. */
  begin(position: LogPosition): LogNews {
    const last = this.lock();
    return this.#undoneOnFailure(() => {
      if (last.seq < position.entries) throw this.#gone(position.entries);
      const entries =
        last.seq === position.entries
          ? []
          : this.#entries(
              'select seq, body, hash from log where seq > ? order by seq',
              position.entries,
            );
      const pages = last.seq <= position.pages ? [] : this.#pages(position.pages);
      this.#remember(entries);
      return { entries, pages };
    });
  }

  /** Inserts within the transaction that {@link begin} opened. */
  write(entries: readonly ChainEntry[], pages: readonly IdentityPage[]): void {
    if (!this.inTransaction) throw this.#tooLate();
    this.#undoneOnFailure(() => {
      const connection = this.#connection;
      let i = 0;
      for (; i + INSERT_ROWS <= entries.length; i += INSERT_ROWS) {
        const rows = entries.slice(i, i + INSERT_ROWS);
        connection.run(
          INSERT_MANY,
          rows.flatMap(({ seq, body, hash }) => [seq, body, hash]),
        );
      }
      for (const { seq, body, hash } of entries.slice(i)) {
        connection.run(INSERT_ONE, [seq, body, hash]);
      }
      const seq = entries.at(-1)?.seq ?? -1;
      for (const { page, bytes } of pages) {
        connection.run(UPSERT_PAGE, [page, seq, bytes]);
      }
    });
    this.#stale ||= pages.length > 0;
  }

  /** Makes what was written durable. */
  commit(entries: readonly ChainEntry[]): void {
    this.#commit();
    this.#remember(entries);
  }

  rollback(): void {
    coded(this.#path, () => this.#connection.rollback());
  }

  /** The next batch of entries after `since` as they stand, so that whoever checks them can say what is wrong. */
  read(since: number): readonly ChainEntry[] {
    return coded(this.#path, () => {
      this.#files.assertSame();
      const sizes = this.#connection.rows(
        'select seq, length(body) from log where seq > ? order by seq limit ?',
        [since, BATCH_ENTRIES],
      );
      let bytes = 0;
      const end = sizes.findIndex(([, length]) => {
        bytes += Number(length);
        return bytes > BATCH_BYTES;
      });
      const last = sizes.at(end)?.[0];
      if (last === undefined) return [];
      const entries = this.#entries(
        'select seq, body, hash from log where seq > ? and seq <= ? order by seq',
        since,
        Number(last),
      );
      this.#remember(entries);
      return entries;
    });
  }

  pages(): readonly IdentityPage[] {
    return coded(this.#path, () => {
      this.#files.assertSame();
      return this.#pages(-1);
    });
  }

  /** The newest snapshot of which every part is there. */
  loadSnapshot(): StateSnapshot | null {
    return coded(this.#path, () => {
      this.#files.assertSame();
      return this.#snapshots.newest();
    });
  }

  /** False when a whole snapshot at least as new is kept already. */
  wantsSnapshot(seq: number): boolean {
    return coded(this.#path, () => {
      this.#assertUnchanged();
      return this.#snapshots.wants(seq);
    });
  }

  /**
   * Keeps a part, in a transaction of its own, so that others wait for no more than that. The last one takes
   * the place of all older snapshots.
   *
   * @param beforeCommit - called while the transaction is open
   */
  saveSnapshot(snapshot: SnapshotPart, beforeCommit: () => void): void {
    this.lock();
    this.#undoneOnFailure(() => {
      this.#snapshots.insert(snapshot);
      beforeCommit();
    });
    this.#commit();
  }

  /** Whether {@link wipeJournal} has something to do. */
  get isStale(): boolean {
    return this.#stale;
  }

  get inTransaction(): boolean {
    return this.#connection.inTransaction;
  }

  /** Takes replaced identity pages out of the journal too, unless somebody is using it: true when done. */
  wipeJournal(): boolean {
    if (!this.#stale) return true;
    // The first time nobody shall wait; where others are always at it, they wait a little.
    const busy = this.#checkpoint('truncate', this.#wipes++ === 0 ? 0 : WIPE_PATIENCE);
    this.#stale = busy;
    if (!busy) this.#wipes = 0;
    return !busy;
  }

  close(): void {
    // Somebody will copy the file without its journal.
    if (!this.wipeJournal() || this.#wrote) this.#checkpoint('passive', 0);
    coded(this.#path, () => this.#connection.close());
  }

  #commit(): void {
    this.#undoneOnFailure(() => this.#connection.exec('commit'));
    this.#wrote = true;
    // What went into a journal that is gone by now was never durable.
    coded(this.#path, () => this.#files.assertSame());
  }

  #tooLate(): VelaturaError {
    const path = this.#path;
    return new VelaturaError(
      'dp/budget-unavailable',
      `${path}: the decision took too long: others were let in, and nothing was written`,
      { path },
    );
  }

  #undoneOnFailure<T>(call: () => T): T {
    try {
      return coded(this.#path, call);
    } catch (error) {
      try {
        this.#connection.rollback();
      } catch {
        // Every transaction begins by undoing what is left of another, and reports what it meets there.
      }
      throw error;
    }
  }

  /** Returns whether others were in the way. The journal keeps everything until next time. */
  #checkpoint(mode: 'passive' | 'truncate', patience: number): boolean {
    const connection = this.#connection;
    try {
      connection.exec(`pragma busy_timeout = ${patience}`);
      const [row] = connection.rows(`pragma wal_checkpoint(${mode})`);
      return row?.[0] !== 0;
    } catch (error) {
      if (!(error instanceof SqliteFailure)) throw error;
      return true;
    } finally {
      connection.exec(`pragma busy_timeout = ${this.#busyTimeout}`);
    }
  }

  #entries(sql: string, ...bounds: readonly number[]): readonly ChainEntry[] {
    return this.#connection.rows(sql, bounds).map(([seq, body, hash]) => {
      if (typeof seq === 'number' && body instanceof Uint8Array && hash instanceof Uint8Array) {
        return { seq, body, hash };
      }
      throw corruptFile(this.#path, `row ${String(seq)} of the log is no entry`);
    });
  }

  #pages(since: number): readonly IdentityPage[] {
    return this.#connection
      .rows('select page, bytes from pages where seq > ? order by page', [since])
      .map(([page, bytes]) => {
        if (typeof page === 'number' && bytes instanceof Uint8Array) return { page, bytes };
        throw corruptFile(this.#path, `row ${String(page)} of the pages is no identity page`);
      });
  }

  #remember(entries: readonly ChainEntry[]): void {
    const last = entries.at(-1);
    if (last !== undefined && last.seq > (this.#seen?.seq ?? -1)) {
      this.#seen = { seq: last.seq, hash: Uint8Array.from(last.hash) };
    }
  }

  #gone(seq: number): Error {
    return corruptFile(
      this.#path,
      `entry ${seq} of the budget log is gone: it was rolled back or altered while in use`,
    );
  }

  /** The last entry; notices files put in the place of ours, and a log that lost what we have seen. */
  #assertUnchanged(): ChainHead {
    this.#files.assertSame();
    const [row] = this.#connection.rows('select seq, hash from log order by seq desc limit 1');
    const seq = row === undefined ? -1 : Number(row[0]);
    const seen = this.#seen;
    if (seen !== null) {
      const hash =
        seq === seen.seq
          ? row?.[1]
          : this.#connection.rows('select hash from log where seq = ?', [seen.seq])[0]?.[0];
      if (!(hash instanceof Uint8Array) || Buffer.compare(hash, seen.hash) !== 0) {
        throw this.#gone(seen.seq);
      }
    }
    return { seq, hash: bytesOf(row?.[1]) ?? new Uint8Array(0) };
  }
}
