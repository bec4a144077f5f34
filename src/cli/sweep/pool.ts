import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import type { SweepCell, SweepCellResult, SweepGrid } from '../../federated/simulation/sweep.ts';
import { WorkerCalls } from '../../node/worker-calls.ts';
import { startWorker } from '../../node/worker-thread.ts';
import type { TaskSource } from '../train/task.ts';
import type { SweepReply, SweepRequest } from './worker.ts';

/** Threads that train cells side by side; each reads the table for itself. */
export class SweepPool {
  readonly size: number;
  readonly #idle: WorkerCalls<SweepRequest, SweepReply>[] = [];
  readonly #all: readonly WorkerCalls<SweepRequest, SweepReply>[];
  readonly #signal: AbortSignal;

  private constructor(
    workers: readonly WorkerCalls<SweepRequest, SweepReply>[],
    signal: AbortSignal,
  ) {
    this.size = workers.length;
    this.#all = workers;
    this.#idle.push(...workers);
    this.#signal = signal;
    signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  /** Starts the threads and lets them read the task. */
  static async start(
    size: number,
    source: TaskSource,
    grid: SweepGrid,
    signal: AbortSignal,
  ): Promise<SweepPool> {
    const workers = Array.from(
      { length: size },
      () => new WorkerCalls<SweepRequest, SweepReply>(startWorker(import.meta.url, 'worker')),
    );
    const pool = new SweepPool(workers, signal);
    try {
      const ready = workers.map((worker) => pool.#ask(worker, { kind: 'task', source, grid }));
      await Promise.all(ready);
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Trains a cell on a thread that is free; never asked for more at a time than there are threads. */
  async run(cell: SweepCell): Promise<SweepCellResult> {
    const worker = this.#idle.pop();
    if (worker === undefined) throw new TypeError('all threads are busy');
    const reply = await this.#ask(worker, { kind: 'cell', cell });
    this.#idle.push(worker);
    if (reply.kind !== 'done') throw new TypeError(`"${reply.kind}" is no answer to a cell`);
    return reply.result;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.end()));
  }

  async #ask(
    worker: WorkerCalls<SweepRequest, SweepReply>,
    request: SweepRequest,
  ): Promise<SweepReply> {
    let reply: SweepReply;
    try {
      reply = await worker.call(request);
    } catch (error) {
      throwIfAborted(this.#signal);
      throw error;
    }
    if (reply.kind !== 'failed') return reply;
    if (reply.code === null) throw new Error(reply.message);
    throw new VelaturaError(reply.code, reply.message, reply.details);
  }
}
