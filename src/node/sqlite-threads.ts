import type { SqliteReply, SqliteRequest } from './sqlite-budget-messages.ts';
import { WorkerCalls } from './worker-calls.ts';
import { startWorker } from './worker-thread.ts';

/** A thread that can have one budget file open. */
export type SqliteThread = WorkerCalls<SqliteRequest, SqliteReply>;

/** SQLite lets go of all that belongs to a closed file only when its thread ends. */
const FILES_PER_THREAD = 64;

/**
 * Threads handed from one budget file to the next, for programs that open and close very many: starting one
 * takes longer than opening a file. Elsewhere every file has a thread that ends together with it.
 */
export class SqliteThreads {
  readonly #idle: SqliteThread[] = [];
  readonly #served = new WeakMap<SqliteThread, number>();
  #closed = false;

  /** A thread for one file. */
  take(): SqliteThread {
    const thread = this.#idle.pop() ?? startSqliteThread();
    this.#served.set(thread, (this.#served.get(thread) ?? 0) + 1);
    return thread;
  }

  /** Takes back a thread whose file is closed. */
  async give(thread: SqliteThread): Promise<void> {
    const used = this.#closed || thread.failed;
    if (used || (this.#served.get(thread) ?? 0) >= FILES_PER_THREAD) await thread.end();
    else this.#idle.push(thread);
  }

  /** Ends the threads that are idle now, and the others with their files. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map((thread) => thread.end()));
  }
}

export function startSqliteThread(): SqliteThread {
  return new WorkerCalls(startWorker(import.meta.url, 'sqlite-budget-worker'));
}
