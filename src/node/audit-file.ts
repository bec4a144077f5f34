import { type FileHandle, open } from 'node:fs/promises';
import { VelaturaError } from '../core/errors.ts';
import type { AuditStorage } from '../profile/audit/audit-storage.ts';
import { syncFolder } from './durable-file.ts';

const CHUNK = 4 << 20;

/**
 * Opens an audit log in a file, made if it is not there and readable by its owner only. One process writes it at
 * a time: a second one is found when the file is longer than this one left it, and nothing more is written.
 *
 * @throws {VelaturaError} `data/unwritable`
 */
export async function openAuditFile(path: string): Promise<AuditStorage> {
  try {
    const file = await open(path, 'a+', 0o600);
    await syncFolder(path);
    return new FileAuditStorage(path, file, (await file.stat()).size);
  } catch (cause) {
    throw unwritable(path, 'cannot be opened', cause);
  }
}

/** The bytes of an audit log file, for `verifyAuditLog`. */
export async function* readAuditFile(path: string): AsyncGenerator<Uint8Array> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw new VelaturaError(
      'data/missing-file',
      `the audit log ${path} cannot be read: ${(cause as Error).message}`,
      { file: path },
      { cause },
    );
  }
  try {
    yield* chunksOf(file);
  } finally {
    await file.close();
  }
}

class FileAuditStorage implements AuditStorage {
  readonly #path: string;
  readonly #file: FileHandle;
  #length: number;

  constructor(path: string, file: FileHandle, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
  }

  read(): AsyncIterable<Uint8Array> {
    return chunksOf(this.#file);
  }

  async append(bytes: Uint8Array): Promise<void> {
    const { size } = await this.#file.stat();
    if (size !== this.#length) throw unwritable(this.#path, 'was changed by somebody else');
    try {
      await this.#file.appendFile(bytes);
      await this.#file.datasync();
    } catch (cause) {
      throw unwritable(this.#path, 'cannot be written', cause);
    }
    this.#length += bytes.length;
  }

  async truncate(length: number): Promise<void> {
    await this.#file.truncate(length);
    await this.#file.datasync();
    this.#length = length;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    // A fresh one each time: lines are views of it.
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(CHUNK), 0, CHUNK, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

function unwritable(path: string, what: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'data/unwritable',
    `the audit log ${path} ${what}`,
    { file: path },
    { cause },
  );
}
