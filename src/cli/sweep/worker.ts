import { parentPort } from 'node:worker_threads';
import { type ErrorDetails, VelaturaError, type VelaturaErrorCode } from '../../core/errors.ts';
import {
  runSweepCell,
  type SweepCell,
  type SweepCellResult,
  type SweepGrid,
} from '../../federated/simulation/sweep.ts';
import type { TagExperiment } from '../../federated/simulation/sweep-run.ts';
import { readTask, type TaskSource } from '../train/task.ts';

/** First the task, which the thread reads for itself; then cell after cell. */
export type SweepRequest =
  | { readonly kind: 'task'; readonly source: TaskSource; readonly grid: SweepGrid }
  | { readonly kind: 'cell'; readonly cell: SweepCell };

/** What a request came to. */
export type SweepReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: SweepCellResult }
  | {
      readonly kind: 'failed';
      /** Null for what is a fault of the program. */
      readonly code: VelaturaErrorCode | null;
      readonly message: string;
      readonly details: ErrorDetails;
    };

let task: { readonly experiment: TagExperiment; readonly grid: SweepGrid } | null = null;

async function answer(request: SweepRequest): Promise<SweepReply> {
  try {
    if (request.kind === 'task') {
      task = { experiment: (await readTask(request.source)).experiment, grid: request.grid };
      return { kind: 'ready' };
    }
    if (task === null) throw new TypeError('a cell came before its task');
    return { kind: 'done', result: await runSweepCell(task.experiment, task.grid, request.cell) };
  } catch (error) {
    const coded = error instanceof VelaturaError ? error : null;
    return {
      kind: 'failed',
      code: coded?.code ?? null,
      message: error instanceof Error ? error.message : String(error),
      details: coded?.details ?? {},
    };
  }
}

parentPort?.on('message', async (request: SweepRequest) => {
  parentPort?.postMessage(await answer(request));
});
