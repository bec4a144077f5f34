import { availableParallelism } from 'node:os';
import { throwIfAborted, VelaturaError } from '../core/errors.ts';
import {
  type CohortSum,
  type CohortTerms,
  mergeSums,
} from '../federated/simulation/cohort-trainer.ts';
import type { CohortTask, SimulationWorkers } from '../federated/simulation/simulation-workers.ts';
import {
  receivedError,
  type SimulationReply,
  type SimulationRequest,
} from './simulation-messages.ts';
import { WorkerCalls } from './worker-calls.ts';
import { startWorker } from './worker-thread.ts';

/** What the threads of a simulation are made of. */
export interface SimulationThreadsOptions {
  /**
   * Module whose export `simulationParts(data)` makes the model and the population of a thread
   * (`SimulationParts`, or a promise of them): the same in every thread.
   */
  readonly module: URL;
  /** Handed to `simulationParts`, copied for every thread but for shared memory. Default: null. */
  readonly data?: unknown;
  /** Default: as many as the machine runs at once. */
  readonly threads?: number;
}

type SimulationThread = WorkerCalls<SimulationRequest, SimulationReply>;

/** More than any round has users, so that threads that look for more find none. */
const NOBODY_LEFT = 2 ** 30;

/**
 * Starts threads for simulations. Keep them over runs: starting one takes some tenths of a second.
 *
 * @throws {RangeError} for fewer than one thread
 * @throws {VelaturaError} `federated/worker-lost`; and what the module throws
 */
export async function startSimulationThreads(
  options: SimulationThreadsOptions,
): Promise<SimulationThreads> {
  const { module, data = null, threads = availableParallelism() } = options;
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new RangeError(`"threads" expected a positive integer, got ${threads}`);
  }
  const started = new SimulationThreads(threads);
  try {
    await started.load(module, data);
  } catch (error) {
    await started.close();
    throw error;
  }
  return started;
}

/** Worker threads of Node that share the users of a round. Made by {@link startSimulationThreads}. */
export class SimulationThreads implements SimulationWorkers {
  readonly threads: number;
  readonly #threads: readonly SimulationThread[];

  /** @internal */
  constructor(threads: number) {
    this.threads = threads;
    this.#threads = Array.from(
      { length: threads },
      () => new WorkerCalls(startWorker(import.meta.url, 'simulation-worker')),
    );
  }

  /** @internal */
  async load(module: URL, data: unknown): Promise<void> {
    await this.#all({ kind: 'load', module: module.href, data });
  }

  async prepare(terms: CohortTerms): Promise<void> {
    await this.#all({ kind: 'prepare', terms });
  }

  async sum({ round, parameters, users, signal }: CohortTask): Promise<CohortSum> {
    throwIfAborted(signal);
    const shared = new Uint32Array(new SharedArrayBuffer(4 * users.length));
    shared.set(users);
    const next = new Int32Array(new SharedArrayBuffer(4));
    const stop = (): void => {
      Atomics.store(next, 0, NOBODY_LEFT);
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const request = { kind: 'sum', round, parameters, users: shared, next } as const;
      const sums = await this.#all(request, stop);
      throwIfAborted(signal);
      return sums.filter((sum) => sum !== null).reduce(mergeSums);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  /** Asks all threads and waits for all of them, also when one has failed: none is left behind at work. */
  async #all(request: SimulationRequest, onFailure?: () => void): Promise<(CohortSum | null)[]> {
    const answers = await Promise.allSettled(
      this.#threads.map((thread) =>
        ask(thread, request).catch((error: unknown) => {
          onFailure?.();
          throw error;
        }),
      ),
    );
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  }
}

async function ask(
  thread: SimulationThread,
  request: SimulationRequest,
): Promise<CohortSum | null> {
  let reply: SimulationReply;
  try {
    reply = await thread.call(request);
  } catch (cause) {
    throw new VelaturaError(
      'federated/worker-lost',
      `a thread of the simulation ended: ${cause instanceof Error ? cause.message : String(cause)}`,
      {},
      { cause },
    );
  }
  if (reply.error !== null) throw receivedError(reply.error);
  return reply.sum;
}
