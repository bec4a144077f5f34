import { bytesToHex } from '@noble/hashes/utils.js';

/** One step of a history as it is kept: bytes whose meaning belongs to `ModelVersions`. */
export interface StoredStep {
  /** Hash of this step, which covers the ones before it. 32 bytes */
  readonly hash: Uint8Array;
  readonly body: Uint8Array;
}

/**
 * Where versions of one model live: an append-only list of steps, and files by the SHA-256 of their contents.
 * What comes back is checked by `ModelVersions`; a store only has to be durable and to let one writer win.
 */
export interface ModelStore {
  /** All steps from `from` on, in order, without gaps. */
  steps(from: number): Promise<readonly StoredStep[]>;
  /**
   * Adds step number `seq`, durable before it returns.
   *
   * @returns false when a step of that number is there already; nothing has then changed
   */
  append(seq: number, step: StoredStep): Promise<boolean>;
  /** Keeps a file, durable before it returns; whole or not at all. The same contents may come again. */
  putFile(hash: Uint8Array, bytes: Uint8Array): Promise<void>;
  /** The file of that hash as it lies there, or null. */
  getFile(hash: Uint8Array): Promise<Uint8Array | null>;
}

/** Versions in the memory of one process: for a page, for tests and for simulations. */
export class MemoryModelStore implements ModelStore {
  readonly #steps: StoredStep[] = [];
  readonly #files = new Map<string, Uint8Array>();

  async steps(from: number): Promise<readonly StoredStep[]> {
    return this.#steps.slice(from);
  }

  async append(seq: number, step: StoredStep): Promise<boolean> {
    if (this.#steps.length !== seq) return false;
    this.#steps.push({ hash: step.hash.slice(), body: step.body.slice() });
    return true;
  }

  async putFile(hash: Uint8Array, bytes: Uint8Array): Promise<void> {
    this.#files.set(bytesToHex(hash), bytes.slice());
  }

  async getFile(hash: Uint8Array): Promise<Uint8Array | null> {
    return this.#files.get(bytesToHex(hash))?.slice() ?? null;
  }
}
