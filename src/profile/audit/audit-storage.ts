/**
 * Where the lines of an audit log lie. Bytes are only ever added; implementations: memory, and a file in
 * `velatura/node`.
 */
export interface AuditStorage {
  /** All bytes so far, in order. */
  read(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /**
   * Adds bytes behind all others, durable before it resolves.
   *
   * @throws {VelaturaError} `data/unwritable`; then it is not known how much of it is there
   */
  append(bytes: Uint8Array): Promise<void>;
  /** Cuts off everything from `length` on: the half line of a writer that was stopped. */
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** Keeps a log in memory: for tests, and for a page that sends it on. */
export class MemoryAuditStorage implements AuditStorage {
  #chunks: Uint8Array[];

  /** @param bytes - of a log that exists */
  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#chunks = [bytes.slice()];
  }

  read(): Iterable<Uint8Array> {
    return [...this.#chunks];
  }

  append(bytes: Uint8Array): Promise<void> {
    this.#chunks.push(bytes.slice());
    return Promise.resolve();
  }

  truncate(length: number): Promise<void> {
    let left = length;
    this.#chunks = this.#chunks.map((chunk) => {
      const kept = chunk.subarray(0, left);
      left -= kept.length;
      return kept;
    });
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
