import { availableParallelism } from 'node:os';
import { VelaturaError } from '../core/errors.ts';
import type { LaneWords, UnmaskingTask, UnmaskingTerms } from '../federated/index.ts';
import { receivedError } from './simulation-messages.ts';
import type { UnmaskingReply, UnmaskingRequest } from './unmasking-messages.ts';
import { WorkerCalls } from './worker-calls.ts';
import { startWorker } from './worker-thread.ts';

/**
 * Worker threads that take the masks off secure sums: `server.finish(threads.unmask)`. Keep them over rounds; close them
 * at the end.
 *
 * ## Privacy
 * They see the secrets of one round that the server puts together anyway, and leave nothing anywhere.
 */
export class UnmaskingThreads {
  readonly #threads: readonly WorkerCalls<UnmaskingRequest, UnmaskingReply>[];

  /**
   * @param threads - default: as many as the machine runs at once
   * @throws {RangeError} for fewer than one
   */
  constructor(threads: number = availableParallelism()) {
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new RangeError(`"threads" expected a positive integer, got ${threads}`);
    }
    this.#threads = Array.from(
      { length: threads },
      () => new WorkerCalls(startWorker(import.meta.url, 'unmasking-worker')),
    );
  }

  /**
   * An `Unmasker`.
   *
   * @throws {VelaturaError} `federated/secagg-bad-share`; `federated/worker-lost`, after which the sum is lost
   */
  readonly unmask = async (
    terms: UnmaskingTerms,
    tasks: readonly UnmaskingTask[],
  ): Promise<readonly LaneWords[]> => {
    const count = this.#threads.length;
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
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}

async function ask(
  thread: WorkerCalls<UnmaskingRequest, UnmaskingReply>,
  request: UnmaskingRequest,
): Promise<readonly LaneWords[]> {
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
