import { availableParallelism } from 'node:os';
import { VelaturaError } from '../core/errors.ts';
import type { LaneWords, UnmaskingTask, UnmaskingTerms } from '../federated/index.ts';
import { receivedError } from './simulation-messages.ts';
import type { UnmaskingReply, UnmaskingRequest } from './unmasking-messages.ts';
import { WorkerCalls } from './worker-calls.ts';
import { startWorker } from './worker-thread.ts';

type Thread = WorkerCalls<UnmaskingRequest, UnmaskingReply>;

/**
 * Worker threads that take the masks off secure sums: `server.finish(threads.unmask)`. Keep them over rounds; close them
 * at the end.
 *
 * ## Privacy
 * They see the secrets of one round that the server puts together anyway, and leave nothing anywhere.
 */
export class UnmaskingThreads {
  readonly #threads: Thread[];
  #closed = false;

  /**
   * @param threads - default: as many as the machine runs at once
   * @throws {RangeError} for fewer than one
   */
  constructor(threads: number = availableParallelism()) {
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new RangeError(`"threads" expected a positive integer, got ${threads}`);
    }
    this.#threads = Array.from({ length: threads }, start);
  }

  /**
   * An `Unmasker`.
   *
   * @throws {VelaturaError} `federated/secagg-bad-share`; `federated/worker-lost`, after which the sum is lost; the next
   * has a new thread
   */
  readonly unmask = async (
    terms: UnmaskingTerms,
    tasks: readonly UnmaskingTask[],
  ): Promise<readonly LaneWords[]> => {
    const count = this.#threads.length;
    if (!this.#closed) {
      for (const [i, thread] of this.#threads.entries()) {
        if (thread.failed) this.#threads[i] = start();
      }
    }
    const answers = await Promise.allSettled(
      // Dealt out in turn: tasks of one kind, which cost alike, come one after the other.
      this.#threads.map((thread, own) =>
        ask(thread, { terms, tasks: tasks.filter((_, i) => i % count === own) }),
      ),
    );
    return answers.flatMap((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  };

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}

function start(): Thread {
  return new WorkerCalls(startWorker(import.meta.url, 'unmasking-worker'));
}

async function ask(thread: Thread, request: UnmaskingRequest): Promise<readonly LaneWords[]> {
  let reply: UnmaskingReply;
  try {
    reply = await thread.call(request);
  } catch (cause) {
    throw new VelaturaError(
      'federated/worker-lost',
      `a thread that takes off masks ended: ${cause instanceof Error ? cause.message : String(cause)}`,
      {},
      { cause },
    );
  }
  if (reply.error !== null) throw receivedError(reply.error);
  return reply.masks;
}
