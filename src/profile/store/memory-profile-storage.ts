import {
  checkRecordName,
  checkRecordVersion,
  type ProfileStorage,
  type StoredRecord,
} from './profile-storage.ts';
import { storageUnavailable } from './store-errors.ts';

/** Records in the memory of one process: for tests, and for profiles that should not outlive a page. */
export class MemoryProfileStorage implements ProfileStorage {
  readonly #records: Map<string, StoredRecord>;
  #closed = false;

  /** @param beside - shares the records of another one, as two tabs would */
  constructor(beside?: MemoryProfileStorage) {
    this.#records = beside === undefined ? new Map() : beside.#records;
  }

  async read(name: string): Promise<StoredRecord | null> {
    this.#check(name);
    const record = this.#records.get(name);
    return record === undefined ? null : copy(record);
  }

  async write(name: string, record: StoredRecord): Promise<boolean> {
    this.#check(name);
    checkRecordVersion(record.version);
    if ((this.#records.get(name)?.version ?? -1) !== record.version - 1) return false;
    this.#records.set(name, copy(record));
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(name: string): void {
    checkRecordName(name);
    if (this.#closed) throw storageUnavailable('the storage is closed');
  }
}

function copy({ version, bytes }: StoredRecord): StoredRecord {
  return { version, bytes: bytes.slice() };
}
