import { closeSync, openSync, statSync } from 'node:fs';
import { VelaturaError } from '../core/errors.ts';
import type { ChainEntry, ChainHead } from '../core/hash-chain.ts';
import type { IdentityPage, LogNews, LogPosition, StateSnapshot } from '../dp/budget/store.ts';
import { SqliteConnection, SqliteFailure, type SqlValue } from './sqlite.ts';
import type { SnapshotPart, SqliteOpening } from './sqlite-budget-messages.ts';
import {
  assertBudgetHeader,
  assertSchema,
  coded,
  corruptFile,
  migrate,
} from './sqlite-budget-schema.ts';

/** A batch of {@link SqliteBudgetLog.read} ends with the entry that passes one of them. */
const BATCH_ENTRIES = 4096;
const BATCH_BYTES = 4 * 2 ** 20;

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
  readonly #inode: number;
  readonly #busyTimeout: number;
  readonly #connection: SqliteConnection;
  #journalInode: number | null = null;
  /** When the file itself, not its journal, was last written. */
  #changed = 0;
  /** The newest entry handed over or written: it must never be gone. */
  #seen: ChainHead | null = null;
  #wrote = false;
  #replaced = false;

  /**
   * @throws {VelaturaError} `data/missing-file`; `dp/budget-corrupt` for a file that is damaged or something
   * else, which is then left as it was; `dp/budget-unavailable`
   */
  constructor({ path, create, busyTimeout, maxPageCount }: SqliteOpening) {
    this.#path = path;
    this.#busyTimeout = busyTimeout;
    if (create) makeFile(path);
    else assertBudgetHeader(path);
    this.#inode = statSync(path).ino;
    this.#connection = coded(path, () => new SqliteConnection(path, busyTimeout));
    try {
      coded(path, () => this.#prepare(maxPageCount));
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
    this.#replaced ||= pages.length > 0;
  }

  /** Makes what was written durable. */
  commit(entries: readonly ChainEntry[]): void {
    this.#undoneOnFailure(() => this.#connection.exec('commit'));
    this.#remember(entries);
    this.#wrote = true;
  }

  rollback(): void {
    coded(this.#path, () => this.#connection.rollback());
  }

  /** The next batch of entries after `since` as they stand, so that whoever checks them can say what is wrong. */
  read(since: number): readonly ChainEntry[] {
    return coded(this.#path, () => {
      this.#assertSameFiles();
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
      this.#assertSameFiles();
      return this.#pages(-1);
    });
  }

  /** The newest snapshot of which every part is there. */
  loadSnapshot(): StateSnapshot | null {
    return coded(this.#path, () => {
      this.#assertSameFiles();
      const connection = this.#connection;
      const [whole] = this.#wholeSnapshots(-1);
      if (whole === undefined) return null;
      const rows = connection.rows(
        'select bytes from snapshots where seq = ? and writer = ? order by part',
        [whole.seq, whole.writer],
      );
      const parts = rows.map(([bytes]) => bytesOf(bytes) ?? new Uint8Array(0));
      const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      return { seq: whole.seq, bytes };
    });
  }

  /** False when a whole snapshot at least as new is kept already. */
  wantsSnapshot(seq: number): boolean {
    return coded(this.#path, () => {
      this.#assertUnchanged();
      return this.#wholeSnapshots(seq - 1).length === 0;
    });
  }

  /**
   * Keeps a part, in a transaction of its own, so that others wait for no more than that. The last one takes
   * the place of all older snapshots.
   *
   * @param beforeCommit - called while the transaction is open
   */
  saveSnapshot(snapshot: SnapshotPart, beforeCommit: () => void): void {
    const { seq, writer, part, parts, bytes } = snapshot;
    this.lock();
    this.#undoneOnFailure(() => {
      const connection = this.#connection;
      connection.run(
        'insert into snapshots (seq, writer, part, parts, bytes) values (?, ?, ?, ?, ?)',
        [seq, writer, part, parts, bytes],
      );
      if (part === parts - 1) this.#dropOlderSnapshots();
      beforeCommit();
      connection.exec('commit');
    });
    this.#wrote = true;
  }

  /** Takes replaced identity pages out of the journal too, unless somebody is using it: true when done. */
  wipeJournal(): boolean {
    if (!this.#replaced) return true;
    const busy = this.#checkpoint('truncate');
    this.#replaced = busy;
    return !busy;
  }

  close(): void {
    // Somebody will copy the file without its journal.
    if (!this.wipeJournal() || this.#wrote) this.#checkpoint('passive');
    coded(this.#path, () => this.#connection.close());
  }

  #prepare(maxPageCount: number | null): void {
    const connection = this.#connection;
    // Replaced identity pages are overwritten, not only forgotten; some systems sync only when asked twice.
    connection.exec(
      `pragma synchronous = full; pragma fullfsync = on; pragma checkpoint_fullfsync = on;
       pragma secure_delete = on`,
    );
    migrate(this.#path, connection);
    assertSchema(this.#path, connection);
    const [mode] = connection.rows('pragma journal_mode = wal');
    if (mode?.[0] !== 'wal') throw corruptFile(this.#path, 'cannot have a write-ahead journal');
    if (maxPageCount !== null) connection.rows(`pragma max_page_count = ${maxPageCount}`);
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
  #checkpoint(mode: 'passive' | 'truncate'): boolean {
    const connection = this.#connection;
    try {
      connection.exec('pragma busy_timeout = 0');
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

  /** Newest first. */
  #wholeSnapshots(after: number): readonly { readonly seq: number; readonly writer: number }[] {
    return this.#connection
      .rows(
        `select seq, writer from snapshots where seq > ?
         group by seq, writer having count(*) = max(parts) order by seq desc, writer`,
        [after],
      )
      .map(([seq, writer]) => ({ seq: Number(seq), writer: Number(writer) }));
  }

  #dropOlderSnapshots(): void {
    const [newest] = this.#wholeSnapshots(-1);
    if (newest === undefined) return;
    const { seq, writer } = newest;
    const connection = this.#connection;
    // Snapshots name nobody: there is nothing to wipe.
    connection.exec('pragma secure_delete = off');
    try {
      connection.run('delete from snapshots where seq < ? or (seq = ? and writer <> ?)', [
        seq,
        seq,
        writer,
      ]);
    } finally {
      connection.exec('pragma secure_delete = on');
    }
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
    this.#assertSameFiles();
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

  #assertSameFiles(): void {
    const file = statSync(this.#path, { throwIfNoEntry: false });
    if (file?.ino !== this.#inode) {
      throw corruptFile(this.#path, 'the file was removed or replaced while in use');
    }
    if (file.ctimeMs !== this.#changed) {
      this.#changed = file.ctimeMs;
      // SQLite would go on with the pages it remembers, whatever somebody copied over the file.
      this.#connection.exec('pragma shrink_memory');
    }
    const journal = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.ino ?? null;
    this.#journalInode ??= journal;
    if (journal !== this.#journalInode) {
      throw corruptFile(this.#path, 'its journal was removed or replaced while in use');
    }
  }
}
