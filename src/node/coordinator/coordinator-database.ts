import { existsSync } from 'node:fs';
import { VelaturaError } from '../../core/errors.ts';
import { syncFolder, writeNewFile } from '../durable-file.ts';
import { SqliteConnection, SqliteFailure } from '../sqlite.ts';

/** Marks the file as one of these; the letters `VLCO`. */
const APPLICATION = 0x56_4c_43_4f;
const BUSY_TIMEOUT = 5_000;

const SCHEMA = `
create table entries (seq integer primary key autoincrement, body blob not null) strict;
create table lease (id integer primary key check (id = 1), token integer not null, expires integer not null) strict;
create table members (key text primary key, account text not null, enrolled integer not null) strict;
create table invites (digest text primary key, account text, uses integer not null, expires integer not null) strict;
create table approvals (version integer not null, sha256 text not null, role text not null, key text not null,
  signature text not null, time integer not null, primary key (version, role)) strict;
`;

/**
 * The SQLite file of a coordinator: its journal, who is enrolled, and which models were approved. It is personal data:
 * only its owner may read it.
 */
export class CoordinatorDatabase {
  readonly #connection: SqliteConnection;
  readonly #path: string;

  private constructor(path: string, connection: SqliteConnection) {
    this.#path = path;
    this.#connection = connection;
  }

  /**
   * Opens the file, or begins it.
   *
   * @throws {VelaturaError} `data/unwritable`; `data/invalid-value` for another file
   */
  static async open(path: string): Promise<CoordinatorDatabase> {
    try {
      if (!existsSync(path)) {
        await writeNewFile(path, new Uint8Array(0));
        await syncFolder(path);
      }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, cause);
    }
    const database = failing(path, () => {
      const connection = new SqliteConnection(path, BUSY_TIMEOUT);
      connection.exec('pragma journal_mode = wal');
      connection.exec('pragma synchronous = full');
      connection.exec('pragma secure_delete = on');
      return new CoordinatorDatabase(path, connection);
    });
    database.transaction((connection) => {
      const [row] = connection.rows('pragma application_id');
      const application = Number(row?.[0]);
      if (application === APPLICATION) return;
      const [tables] = connection.rows('select count(*) from sqlite_schema');
      if (application !== 0 || Number(tables?.[0]) !== 0) {
        throw new VelaturaError('data/invalid-value', `${path}: not the file of a coordinator`, {
          path,
        });
      }
      connection.exec(SCHEMA);
      connection.exec(`pragma application_id = ${APPLICATION}`);
    });
    return database;
  }

  /**
   * Runs the body in a transaction that shuts out all other writers; durable when it returns.
   *
   * @throws {VelaturaError} `data/unwritable`, and what the body throws
   */
  transaction<T>(body: (connection: SqliteConnection) => T): T {
    return failing(this.#path, () => {
      const connection = this.#connection;
      connection.exec('begin immediate');
      try {
        const result = body(connection);
        connection.exec('commit');
        return result;
      } catch (error) {
        connection.rollback();
        throw error;
      }
    });
  }

  /** Writes what the log holds into the file and empties the log. */
  checkpoint(): void {
    failing(this.#path, () => this.#connection.rows('pragma wal_checkpoint(truncate)'));
  }

  close(): void {
    this.#connection.close();
  }
}

function failing<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw cause instanceof SqliteFailure ? unwritable(path, cause) : cause;
  }
}

function unwritable(path: string, cause: unknown): VelaturaError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new VelaturaError('data/unwritable', `${path}: ${reason}`, { path }, { cause });
}
