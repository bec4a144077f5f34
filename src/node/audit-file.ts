import { closeSync, openSync } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { VelaturaError } from '../core/errors.ts';
import type { AuditStorage } from '../profile/audit/audit-storage.ts';
import { syncFolder } from './durable-file.ts';
import { SqliteConnection, SqliteFailure } from './sqlite.ts';

const CHUNK = 4 << 20;

/**
 * Opens an audit log in a file, made if it is not there and readable by its owner only. It has one writer at a time,
 * from here to `close`: a lock on the empty file `<path>.lock` beside it, which ends with the process that holds it,
 * keeps all others out. Whoever writes without asking for the lock is found when the file is longer than this one
 * left it, and nothing more is written. The locks of some network file systems hold nobody: keep the file on a local
 * one.
 *
 * @throws {VelaturaError} `data/in-use` while somebody else has it open; `data/unwritable`
 */
export async function openAuditFile(path: string): Promise<AuditStorage> {
  let file: FileHandle | null = null;
  let lock: SqliteConnection | null = null;
  try {
    file = await open(path, 'a+', 0o600);
    // Also a file that somebody else made.
    await file.chmod(0o600);
    lock = lockBeside(await realpath(path));
    await syncFolder(path);
    // Looked at under the lock: before it, another writer may have added to it.
    return new FileAuditStorage(path, file, lock, (await file.stat()).size);
  } catch (cause) {
    lock?.close();
    await file?.close();
    if (cause instanceof SqliteFailure && cause.sqliteCode === 'SQLITE_BUSY') {
      throw new VelaturaError(
        'data/in-use',
        `the audit log ${path} is open elsewhere: it has one writer at a time`,
        { file: path },
        { cause },
      );
    }
    throw unwritable(path, 'cannot be opened', cause);
  }
}

/**
 * Takes the exclusive lock of SQLite, which nothing is written under. The operating system lets go of it when its
 * holder ends, however it ends, where a file with a process id would have to be judged by the next one.
 */
function lockBeside(path: string): SqliteConnection {
  const name = `${path}.lock`;
  closeSync(openSync(name, 'a', 0o600));
  const connection = new SqliteConnection(name, 0);
  try {
    connection.exec('begin exclusive');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
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
  readonly #lock: SqliteConnection;
  #length: number;
  #open = true;

  constructor(path: string, file: FileHandle, lock: SqliteConnection, length: number) {
    this.#path = path;
    this.#file = file;
    this.#lock = lock;
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

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    try {
      await this.#file.close();
    } finally {
      this.#lock.rollback();
      this.#lock.close();
    }
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
