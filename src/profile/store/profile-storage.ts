/** A sealed record as it is kept. */
export interface StoredRecord {
  /** 0 for the first record of a name, then one more with every write. */
  readonly version: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Where the sealed records of a profile lie: a few names, one record each. It sees ciphertext only, and has
 * to keep one promise: of several writers, tabs or processes, one wins each version.
 *
 * Conformance suite: `profileStorageConformance` in `velatura/testing`.
 */
export interface ProfileStorage {
  /**
   * The newest record of a name, or null.
   *
   * @param name - lower-case letters, digits and `-`, at most 64
   * @throws {VelaturaError} `profile/store-unavailable`
   */
  read(name: string): Promise<StoredRecord | null>;
  /**
   * Puts a record in the place of the one before it, durable before it resolves, and destroys that one. When
   * it rejects, the old record or the new one is there, whole.
   *
   * @returns false, with nothing changed, unless the record there has the version before this one
   * @throws {VelaturaError} `profile/store-unavailable`
   */
  write(name: string, record: StoredRecord): Promise<boolean>;
  /** Lets go of what is held open. Nothing may be read or written any more. */
  close(): Promise<void>;
}

const RECORD_NAME = /^[a-z0-9-]{1,64}$/;

/** @throws RangeError for what may not name a record */
export function checkRecordName(name: string): void {
  if (!RECORD_NAME.test(name)) {
    throw new RangeError('"name" expected 1 to 64 lower-case letters, digits and "-"');
  }
}

/** @throws RangeError for a version that no record has */
export function checkRecordVersion(version: number): void {
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new RangeError(`"version" expected an integer of at least 0, got ${version}`);
  }
}
