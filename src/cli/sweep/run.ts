import { join } from 'node:path';
import { throwIfAborted } from '../../core/errors.ts';
import {
  runSweepCell,
  type SweepCellResult,
  type SweepGrid,
  splitUsers,
  sweep,
  sweepCells,
} from '../../federated/simulation/sweep.ts';
import type { Terminal } from '../terminal.ts';
import {
  readTask,
  requireCohort,
  sayReadings,
  type TaskSource,
  taskDigest,
} from '../train/task.ts';
import { SweepCells } from './cells.ts';
import { SweepPool } from './pool.ts';

/** A finished sweep. */
export interface SweepRun {
  readonly grid: SweepGrid;
  readonly results: readonly SweepCellResult[];
  readonly tags: number;
  readonly users: number;
  readonly features: number;
  /** Cells that an earlier run had finished. */
  readonly resumed: number;
  readonly seconds: number;
}

/** Name of the file of finished cells in the folder. */
export const CELLS_FILE = 'cells.jsonl';

/**
 * Runs what is missing of a sweep, in threads, and keeps each cell as soon as it is done.
 *
 * @param out - folder that is there
 * @param workers - number of threads; 1 trains in this one
 * @throws {VelaturaError} `data/*`; `federated/cohort-too-small`; `core/aborted`: finished cells are kept
 */
export async function runSweep(
  source: TaskSource,
  grid: SweepGrid,
  out: string,
  workers: number,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<SweepRun> {
  const started = performance.now();
  const cells = sweepCells(grid);
  const task = await readTask(source);
  sayReadings(task, terminal);
  const { experiment } = task;
  const users = experiment.table.users.length;
  const { trainingRows } = splitUsers(users, grid.testFraction, grid.seed);
  requireCohort(trainingRows.length, grid.minimumCohort);
  throwIfAborted(signal);

  const store = await SweepCells.open(
    join(out, CELLS_FILE),
    await taskDigest(source, termsOf(grid)),
  );
  const wanted = new Set(cells.map(({ id }) => id));
  const finished = store.finished.filter(({ cell }) => wanted.has(cell.id));
  if (finished.length > 0) {
    terminal.say(`${finished.length} of ${cells.length} cells were finished before`);
  }
  const open = cells.length - finished.length;
  const threads = Math.min(workers, open);
  const bar = terminal.progress('sweep', cells.length);
  bar.to(finished.length);
  let pool: SweepPool | null = null;
  try {
    pool = threads > 1 ? await SweepPool.start(threads, source, grid, signal) : null;
    const results = await sweep(experiment, grid, {
      finished,
      concurrency: Math.max(1, threads),
      runCell: (cell) => pool?.run(cell) ?? runSweepCell(experiment, grid, cell, signal),
      onCell: async (result, done) => {
        await store.add(result);
        bar.to(done);
      },
      signal,
    });
    return {
      grid,
      results,
      tags: experiment.table.tags.length,
      users,
      features: experiment.features.length,
      resumed: finished.length,
      seconds: (performance.now() - started) / 1000,
    };
  } catch (error) {
    if (signal.aborted) terminal.say('finished cells are kept: the same command goes on from here');
    throw error;
  } finally {
    bar.end();
    await pool?.close();
    await store.close();
  }
}

/** What makes a cell mean something else when it changes. Methods, epsilons and repeats name cells instead. */
function termsOf(grid: SweepGrid): readonly unknown[] {
  const { delta, seed, testFraction, minimumCohort, insecureNoise = false } = grid;
  return [delta, seed, testFraction, minimumCohort, insecureNoise];
}
