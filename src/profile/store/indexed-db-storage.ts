import {
  checkRecordName,
  checkRecordVersion,
  type ProfileStorage,
  type StoredRecord,
} from './profile-storage.ts';
import { storageUnavailable } from './store-errors.ts';

const TABLE = 'records';

/**
 * Records in a database of the browser, shared by all tabs and workers of the origin.
 *
 * Other scripts of the origin can read the sealed bytes and delete the database, but not open the records.
 * A browser may evict the database when space runs out, unless the page asked for
 * `navigator.storage.persist()`.
 *
 * @param name - of the database
 * @throws {VelaturaError} `profile/store-unavailable` where there is no IndexedDB or it is blocked
 */
export async function openIndexedDbStorage(name: string): Promise<ProfileStorage> {
  if (globalThis.indexedDB === undefined) {
    throw storageUnavailable('there is no IndexedDB here');
  }
  try {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(TABLE);
    };
    return new IndexedDbStorage(await answerOf(opening));
  } catch (cause) {
    throw storageUnavailable('the database of the profile cannot be opened', cause);
  }
}

class IndexedDbStorage implements ProfileStorage {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
    // Another tab that deletes the database or makes a newer one would wait for this one for ever.
    database.onversionchange = () => database.close();
  }

  async read(name: string): Promise<StoredRecord | null> {
    checkRecordName(name);
    return this.#attempt('readonly', async (table) => (await currentRecord(table, name)) ?? null);
  }

  async write(name: string, record: StoredRecord): Promise<boolean> {
    checkRecordName(name);
    checkRecordVersion(record.version);
    return this.#attempt('readwrite', async (table) => {
      const current = await currentRecord(table, name);
      if ((current?.version ?? -1) !== record.version - 1) return false;
      await answerOf(table.put({ version: record.version, bytes: record.bytes }, name));
      return true;
    });
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  /** One transaction: other tabs wait for the end of it. */
  async #attempt<T>(
    mode: IDBTransactionMode,
    body: (table: IDBObjectStore) => Promise<T>,
  ): Promise<T> {
    try {
      const transaction = this.#database.transaction(TABLE, mode, { durability: 'strict' });
      const done = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? new Error('aborted'));
      });
      const [answer] = await Promise.all([body(transaction.objectStore(TABLE)), done]);
      return answer;
    } catch (cause) {
      throw storageUnavailable('the database of the profile did not answer', cause);
    }
  }
}

function currentRecord(table: IDBObjectStore, name: string): Promise<StoredRecord | undefined> {
  return answerOf(table.get(name) as IDBRequest<StoredRecord | undefined>);
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('no answer'));
  });
}
