import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { VelaturaError } from '../core/errors.ts';
import type { SweepGrid } from '../federated/simulation/sweep.ts';
import { sweepCsv } from '../federated/simulation/sweep-summary.ts';
import { replaceFile } from '../node/durable-file.ts';
import { freshFolder, makeFolder } from './input.ts';
import type { CommandContext } from './main.ts';
import { renderSweepReport } from './sweep/report.ts';
import { printSweep, summarise, sweepDocument } from './sweep/result.ts';
import { runSweep } from './sweep/run.ts';
import {
  inRange,
  parseClippingNorm,
  parseEpsilon,
  parseMethod,
  parseRounds,
  type TaskOptions,
  TRAINING_METHODS,
  taskSettings,
  withTaskOptions,
} from './train/options.ts';

/** Options of `sweep`, as typed. */
export interface SweepCommandOptions extends TaskOptions {
  readonly epsilons: string;
  readonly repeats: string;
  readonly methods: string;
  readonly rounds?: string;
  readonly clippingNorms?: string;
  readonly cohorts?: string;
  readonly workers?: string;
}

/** More threads than that only wait for each other's memory. */
const MOST_WORKERS = 64;

/** The command with its options and help; the action is the caller's. */
export function sweepCommand(): Command {
  return withTaskOptions(
    new Command('sweep').description('utility against epsilon on a table that is declared public'),
  )
    .option('--epsilons <list>', 'separated by commas; inf is non-private', '0.25,0.5,1,2,4,8,inf')
    .option('--repeats <number>', 'splits, each with noise of its own', '3')
    .option('--methods <list>', `some of ${TRAINING_METHODS.join(', ')}`, 'auto')
    .option('--rounds <list>', 'numbers of rounds to compare, for methods that have several')
    .option('--clipping-norms <list>', 'bounds on the norm of an update to compare')
    .option('--cohorts <list>', 'numbers of users to train on to compare')
    .option('--workers <number>', 'threads (default: one a core)')
    .option('--out <dir>', 'folder for cells, rows and report; a sweep in it is continued')
    .addHelpText(
      'after',
      `
Example:
  $ velatura sweep --data profiles.csv --user user --features 'n_*' --labels 'tag_*' \\
      --epsilons 0.5,1,2,inf --repeats 3 --delta 1e-5 --out sweep

A simulation: nobody is charged, so the data must be public. Every finished cell is kept in the folder; the
same command after Ctrl-C or a crash goes on from there, and more epsilons, methods or repeats add to it.`,
    );
}

/** `velatura sweep --data f --user c --features glob --labels glob --epsilons a,b,inf --repeats n` */
export async function runSweepCommand(
  options: SweepCommandOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const grid = gridOf(options);
  const workers = inRange(
    '--workers',
    options.workers ?? String(availableParallelism()),
    (n) => Number.isSafeInteger(n) && n >= 1 && n <= MOST_WORKERS,
    `an integer from 1 to ${MOST_WORKERS}`,
  );
  const out = options.out ?? freshFolder('velatura-sweep');
  makeFolder(out);
  const run = await runSweep(options, grid, out, workers, terminal, signal);
  const summary = summarise(run);
  const files = {
    rows: join(out, 'rows.csv'),
    result: join(out, 'result.json'),
    report: join(out, 'report.html'),
  };
  const document = { ...sweepDocument(run, summary), files };
  await write(files.rows, sweepCsv(summary.rows));
  await write(files.result, `${JSON.stringify(document, null, 2)}\n`);
  await write(files.report, await renderSweepReport(run, summary));
  printSweep(run, summary, terminal);
  terminal.print();
  terminal.print(`  report ${files.report}   (${run.seconds.toFixed(1)} s)`);
  terminal.json(document);
}

async function write(file: string, text: string): Promise<void> {
  try {
    await replaceFile(file, new TextEncoder().encode(text));
  } catch (error) {
    throw new VelaturaError(
      'data/unwritable',
      `${file} cannot be written: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
}

function gridOf(options: SweepCommandOptions): SweepGrid {
  const settings = taskSettings(options);
  if (settings.testFraction === 0) {
    throw new VelaturaError('cli/usage', '--test-fraction expected more than 0: a sweep measures', {
      option: '--test-fraction',
    });
  }
  const { rounds, clippingNorms, cohorts } = options;
  return {
    ...settings,
    ...(rounds === undefined ? {} : { rounds: list('--rounds', rounds, parseRounds) }),
    ...(clippingNorms === undefined
      ? {}
      : { clippingNorms: list('--clipping-norms', clippingNorms, parseClippingNorm) }),
    ...(cohorts === undefined ? {} : { cohorts: list('--cohorts', cohorts, parseCount) }),
    methods: list('--methods', options.methods, parseMethod),
    epsilons: list('--epsilons', options.epsilons, parseEpsilon),
    repeats: inRange(
      '--repeats',
      options.repeats,
      (n) => Number.isSafeInteger(n) && n >= 1 && n <= 1000,
      'an integer from 1 to 1000',
    ),
    insecureNoise: options.insecureNoise,
  };
}

function parseCount(option: string, text: string): number {
  return inRange(option, text, (n) => Number.isSafeInteger(n) && n >= 1, 'a positive integer');
}

function list<T>(option: string, text: string, parse: (option: string, text: string) => T): T[] {
  const values = text.split(',').map((part) => parse(option, part));
  if (new Set(values).size === values.length) return values;
  throw new VelaturaError('cli/usage', `${option} holds the same value twice`, { option });
}
