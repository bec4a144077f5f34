import type { Transferable, Worker } from 'node:worker_threads';

interface Call<Reply> {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/**
 * Requests to a worker that answers each in order. The process waits for it only while an answer is owed:
 * an idle worker keeps nothing alive.
 */
export class WorkerCalls<Request, Reply> {
  readonly #worker: Worker;
  readonly #calls: Call<Reply>[] = [];
  #failure: Error | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: Reply) => {
      this.#calls.shift()?.resolve(reply);
      if (this.#calls.length === 0) worker.unref();
    });
    const fail = (cause: unknown): void => {
      this.#failure ??= cause instanceof Error ? cause : new Error('the worker has ended');
      for (const { reject } of this.#calls.splice(0)) reject(this.#failure);
    };
    worker.on('error', fail);
    worker.on('exit', fail);
    worker.unref();
  }

  /** True once the worker can no longer be asked. */
  get failed(): boolean {
    return this.#failure !== null;
  }

  call(request: Request, transfer: readonly Transferable[] = []): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#worker.postMessage(request, transfer); // throws at what cannot be sent: nothing is owed then
      if (this.#calls.length === 0) this.#worker.ref();
      this.#calls.push({ resolve, reject });
    });
  }

  /** Expects no answer. */
  post(request: Request): void {
    if (this.#failure === null) this.#worker.postMessage(request);
  }

  /** Ends the worker; whatever it still owes is rejected. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
