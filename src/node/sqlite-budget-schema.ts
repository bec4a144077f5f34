import { type Stats, statSync } from 'node:fs';
import { VelaturaError } from '../core/errors.ts';
import { SqliteConnection, SqliteFailure } from './sqlite.ts';

/** "VELB" in the header of the file: a budget of this project. */
const APPLICATION_ID = 0x5645_4c42;

const CORRUPT_CODES = ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_SCHEMA', 'SQLITE_ERROR'];

/** The version this package reads and writes. */
export const SCHEMA_VERSION = 2;

/** One step from a version of the schema to a later one. */
export interface MigrationStep {
  readonly from: number;
  readonly to: number;
  readonly sql: string;
}

/** From nothing to the current version. Version 1 was never released: nothing leads away from it. */
export const MIGRATIONS: readonly MigrationStep[] = [
  {
    from: 0,
    to: 2,
    sql: `
      create table log (seq integer primary key, hash blob not null, body blob not null) strict;
      create table pages (page integer primary key, seq integer not null, bytes blob not null) strict;
      create index pages_by_seq on pages (seq);
      create table snapshots (
        seq integer not null, writer integer not null, part integer not null,
        parts integer not null, bytes blob not null,
        primary key (seq, writer, part)
      ) strict, without rowid;
      pragma application_id = ${APPLICATION_ID};`,
  },
];

const SCHEMA = ['index pages_by_seq', 'table log', 'table pages', 'table snapshots'];

/** The error for a file that is damaged, altered or no budget. */
export function corruptFile(path: string, reason: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'dp/budget-corrupt',
    `${path}: ${reason}`,
    { path },
    cause === undefined ? undefined : { cause },
  );
}

/** Runs `call`, with SQLite's errors as ours; all others are passed on. */
export function coded<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof SqliteFailure)) throw error;
    if (CORRUPT_CODES.some((code) => error.sqliteCode.startsWith(code))) {
      throw corruptFile(path, error.message, error);
    }
    throw new VelaturaError(
      'dp/budget-unavailable',
      `${path}: ${error.message}`,
      { path, sqliteCode: error.sqliteCode },
      { cause: error },
    );
  }
}

function statOf(path: string): Stats {
  let file: Stats | undefined;
  let cause: unknown;
  try {
    file = statSync(path, { throwIfNoEntry: false });
    if (file?.isFile()) return file;
  } catch (error) {
    cause = error;
  }
  const missing = file === undefined && cause === undefined;
  throw new VelaturaError(
    missing ? 'data/missing-file' : 'dp/budget-unavailable',
    `${path}: ${missing ? 'there is no such budget file' : 'cannot be read'}`,
    { path },
    { cause },
  );
}

/**
 * Looks at the header without writing, before anything else is done to the file.
 *
 * Never through a descriptor of our own: closing any descriptor of a file gives up all POSIX locks the whole
 * process has on it, also those of other connections and of closed ones that wait to be collected. Another
 * process would then take itself for the last one and delete the journal that this one writes to.
 *
 * @param busyTimeout - milliseconds to wait for a process that is repairing the file
 * @throws {VelaturaError} `data/missing-file`, `dp/budget-corrupt`, `dp/budget-unavailable`
 */
export function assertBudgetHeader(path: string, busyTimeout: number): void {
  // SQLite takes an empty file for an empty database.
  if (statOf(path).size === 0) throw corruptFile(path, 'the file is empty');
  const connection = coded(path, () => new SqliteConnection(path, busyTimeout, true));
  try {
    coded(path, () => {
      const read = (name: string): number => Number(connection.rows(`pragma ${name}`)[0]?.[0]);
      if (read('application_id') !== APPLICATION_ID) {
        throw corruptFile(path, 'a SQLite file, but not a budget');
      }
      const version = read('user_version');
      const fault =
        version === 0 ? 'a budget file without tables' : versionFault(version, MIGRATIONS);
      if (fault !== null) throw corruptFile(path, fault);
      const { size } = statOf(path);
      const journal = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
      // With pages still to come from the journal a torn last page is repaired by SQLite.
      if (journal === 0 && size % read('page_size') !== 0) {
        throw corruptFile(path, `cut short: ${size} bytes are no whole number of pages`);
      }
    });
  } finally {
    connection.close();
  }
}

/** Why a file of that version cannot be used, or null when it is of the last one or steps lead on from it. */
function versionFault(version: number, steps: readonly MigrationStep[]): string | null {
  const newest = steps.at(-1)?.to ?? 0;
  if (version === newest || steps.some(({ from }) => from === version)) return null;
  return version > newest
    ? `budget file of version ${version}, made by a newer program: this one knows up to ${newest}`
    : `budget file of version ${version}, from before the first release: it cannot be read; begin a new budget`;
}

function versionOf(connection: SqliteConnection): number {
  return Number(connection.rows('pragma user_version')[0]?.[0]);
}

/**
 * Brings a file to the last version of `steps`, in one transaction: a failure or a crash leaves it as it was.
 *
 * @param steps - in order; each file takes those from its own version on
 * @throws {VelaturaError} `dp/budget-corrupt` for a version no step leads away from
 */
export function migrate(
  path: string,
  connection: SqliteConnection,
  steps: readonly MigrationStep[] = MIGRATIONS,
): void {
  const newest = steps.at(-1)?.to ?? 0;
  if (versionOf(connection) === newest) return;
  connection.exec('begin immediate');
  try {
    // Another process may have been faster.
    let version = versionOf(connection);
    const fault = versionFault(version, steps);
    if (fault !== null) throw corruptFile(path, fault);
    for (const step of steps) {
      if (step.from !== version) continue;
      connection.exec(step.sql);
      connection.exec(`pragma user_version = ${step.to}`);
      version = step.to;
    }
    connection.exec('commit');
  } catch (error) {
    connection.rollback();
    throw error;
  }
}

/** Throws unless the tables of the file are those of the current version and nothing else. */
export function assertSchema(path: string, connection: SqliteConnection): void {
  const found = connection
    .rows('select type, name from sqlite_schema')
    .map(([type, name]) => `${type} ${name}`)
    .sort();
  if (found.join() !== SCHEMA.join()) {
    throw corruptFile(
      path,
      `expected ${SCHEMA.join(', ')} and nothing else, got ${found.join(', ')}`,
    );
  }
}

/**
 * Makes a connection write durably, and its file one of the current version with a write-ahead journal.
 *
 * @throws {VelaturaError} `dp/budget-corrupt`
 * @throws {SqliteFailure}
 */
export function prepareBudgetFile(path: string, connection: SqliteConnection): void {
  // Replaced identity pages are overwritten, not only forgotten; some systems sync only when asked twice.
  connection.exec(
    `pragma synchronous = full; pragma fullfsync = on; pragma checkpoint_fullfsync = on;
     pragma secure_delete = on`,
  );
  migrate(path, connection);
  assertSchema(path, connection);
  const [mode] = connection.rows('pragma journal_mode = wal');
  if (mode?.[0] !== 'wal') throw corruptFile(path, 'cannot have a write-ahead journal');
}
