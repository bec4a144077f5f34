import { BARRIER_WORDS, type Barrier, SpinBarrier } from '../federated/example-level/barrier.ts';
import {
  CONTROL,
  type RunMemory,
  type RunSettings,
} from '../federated/example-level/run-memory.ts';
import type { StepCrew } from '../federated/example-level/step-crew.ts';
import type { Trainable } from '../federated/models/trainable.ts';
import { modelFingerprint } from './dp-sgd-fingerprint.ts';
import type { DpSgdReply, DpSgdRequest, ModelSource } from './dp-sgd-messages.ts';
import { WorkerCalls } from './worker-calls.ts';
import { startWorker } from './worker-thread.ts';

/** After that long at one barrier a thread counts as dead; steps take milliseconds. */
const PATIENCE_MILLISECONDS = 600_000;

/** Threads for `trainExampleLevel`, for one run after the other. */
export class DpSgdCrew implements StepCrew {
  readonly members: number;
  readonly #source: ModelSource;
  readonly #workers: readonly WorkerCalls<DpSgdRequest, DpSgdReply>[];

  /**
   * @param threads - members of the crew, the calling thread among them; at least 1
   * @param source - how the other threads make the model of the run
   */
  constructor(threads: number, source: ModelSource) {
    if (!Number.isInteger(threads) || threads < 1) {
      throw new RangeError(`"threads" expected a positive integer, got ${threads}`);
    }
    this.members = threads;
    this.#source = source;
    this.#workers = Array.from(
      { length: threads - 1 },
      () => new WorkerCalls(startWorker(import.meta.url, 'dp-sgd-worker')),
    );
  }

  /** Shared memory, which examples may already lie on: then they are not copied. */
  allocate(bytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(bytes);
  }

  /**
   * @throws Error when a thread cannot make the model
   * @throws TypeError when it makes one that does not compute as that of the run does, to the bit: another model,
   * or the same on other kernels
   */
  async start(settings: RunSettings, memory: RunMemory, model: Trainable): Promise<Barrier> {
    const fingerprint = this.members === 1 ? null : modelFingerprint(model, settings, memory);
    const words = memory.control.subarray(CONTROL.barrier, CONTROL.barrier + BARRIER_WORDS);
    const barrier = new SpinBarrier(words, this.members, PATIENCE_MILLISECONDS);
    const replies = await Promise.all(
      this.#workers.map((worker, i) =>
        worker.call({ rank: i + 1, source: this.#source, settings, memory }),
      ),
    );
    for (const reply of replies) {
      if (reply.kind === 'ready' && reply.fingerprint === fingerprint) continue;
      barrier.fail();
      if (reply.kind === 'failed') {
        throw new Error(`a thread of the run could not start: ${reply.message}`);
      }
      throw new TypeError(
        '"source" expected a model that computes what "model" does, to the bit, got one that does not: ' +
          'check its options and kernels',
      );
    }
    return barrier;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}
