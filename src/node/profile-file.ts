import { chmodSync, closeSync, openSync } from 'node:fs';
import {
  checkRecordName,
  checkRecordVersion,
  type ProfileStorage,
  type StoredRecord,
} from '../profile/store/profile-storage.ts';
import { storageUnavailable, unreadable } from '../profile/store/store-errors.ts';
import { SqliteConnection, SqliteFailure, type SqlValue } from './sqlite.ts';

/** "VELP": tells a profile from other SQLite files. */
const APPLICATION_ID = 0x56454c50;
const BUSY_TIMEOUT_MS = 5000;
const DAMAGED = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB']);

/**
 * Sealed records of a profile in one SQLite file, readable by its owner only, shared by any number of
 * processes. A write is one transaction, synced before it resolves; what it replaces is overwritten with
 * zeros. Calls block for as long as the disk takes, and up to five seconds while another process writes.
 *
 * @param path - made if it is not there
 * @throws {VelaturaError} `profile/store-unreadable` for another or damaged file,
 * `profile/store-unavailable` where it cannot be opened
 */
export async function openProfileFile(path: string): Promise<ProfileStorage> {
  return attempt(() => {
    // SQLite would make it readable by others.
    closeSync(openSync(path, 'a', 0o600));
    const connection = new SqliteConnection(path, BUSY_TIMEOUT_MS);
    try {
      prepare(connection);
      // A file that was copied here may be readable by others; only now is it known to be a profile.
      chmodSync(path, 0o600);
    } catch (error) {
      connection.close();
      throw error;
    }
    return new ProfileFile(connection);
  });
}

class ProfileFile implements ProfileStorage {
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  async read(name: string): Promise<StoredRecord | null> {
    checkRecordName(name);
    return attempt(() => {
      const [found] = this.#connection.rows('select version, bytes from records where name = ?', [
        name,
      ]);
      return found === undefined ? null : recordOf(found);
    });
  }

  async write(name: string, { version, bytes }: StoredRecord): Promise<boolean> {
    checkRecordName(name);
    checkRecordVersion(version);
    return attempt(() => {
      this.#connection.exec('begin immediate');
      try {
        const won = this.#put(name, version, bytes);
        this.#connection.exec('commit');
        return won;
      } catch (error) {
        this.#connection.rollback();
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  #put(name: string, version: number, bytes: Uint8Array): boolean {
    const [found] = this.#connection.rows('select version from records where name = ?', [name]);
    if (Number(found?.[0] ?? -1) !== version - 1) return false;
    this.#connection.run('insert or replace into records (name, version, bytes) values (?, ?, ?)', [
      name,
      version,
      bytes,
    ]);
    return true;
  }
}

function prepare(connection: SqliteConnection): void {
  // A rollback journal, unlike a write-ahead log, leaves no old records behind beside the file.
  connection.rows('pragma journal_mode = delete');
  connection.exec(
    'pragma synchronous = extra; pragma fullfsync = on; pragma secure_delete = on; begin immediate',
  );
  try {
    const known = Number(connection.rows('pragma application_id')[0]?.[0]);
    const tables = Number(connection.rows('select count(*) from sqlite_schema')[0]?.[0]);
    if (known !== APPLICATION_ID && tables > 0) throw unreadable();
    connection.exec(
      `pragma application_id = ${APPLICATION_ID};
       create table if not exists records (
         name text primary key, version integer not null, bytes blob not null
       ) strict, without rowid`,
    );
    connection.exec('commit');
  } catch (error) {
    connection.rollback();
    throw error;
  }
}

function recordOf([version, bytes]: readonly SqlValue[]): StoredRecord {
  if (typeof version === 'string' || !(bytes instanceof Uint8Array)) throw unreadable();
  return { version: Number(version), bytes: new Uint8Array(bytes) };
}

async function attempt<T>(body: () => T): Promise<T> {
  try {
    return body();
  } catch (error) {
    if (error instanceof SqliteFailure) {
      if (DAMAGED.has(error.sqliteCode)) throw unreadable(error);
      throw storageUnavailable('the file of the profile did not answer', error);
    }
    if ((error as NodeJS.ErrnoException).code?.startsWith('E') === true) {
      throw storageUnavailable('the file of the profile cannot be opened', error);
    }
    throw error;
  }
}
