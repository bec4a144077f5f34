import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PlainKernels } from '../src/core/kernels/plain.ts';
import {
  gatherPopulation,
  type SimulationOptions,
  type SimulationWorkers,
  SyntheticPopulation,
  simulate,
} from '../src/federated/index.ts';
import { startSimulationThreads } from '../src/node/index.ts';
import { processCalibration } from './process-calibration.ts';
import {
  type BenchParts,
  benchModel,
  PEOPLE,
  simulationParts,
  WORKLOAD,
} from './simulate-parts.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

/** Seconds of rounds for one row. */
const SECONDS = 6;
const WARM_UP_ROUNDS = 10;

/** One simulated round after the other, on one thread and two; people are made up before. */
export const simulation: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  const report = (entry: BenchRow): void => {
    rows.push(entry);
    const ratio = entry.ratio === null ? '' : `, ratio ${entry.ratio.toFixed(2)}`;
    log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}${ratio}`);
  };
  report(await streamedMemory());
  const people = gatherPopulation(new SyntheticPopulation(PEOPLE)).arrays;
  const cores = await processCalibration();
  report(row('arithmetic of 2 processes at once, against one', cores, 'times', 2));
  for (const model of ['logistic', 'perceptron'] as const) {
    const parts: BenchParts = { model, population: people };
    const plain = await speed(plainParts(parts), undefined, 2);
    const threads = await startSimulationThreads({
      module: new URL(import.meta.url.replace(/simulate(\.\w+)$/, 'simulate-parts$1')),
      data: parts,
      threads: 2,
    });
    try {
      for (const workers of [undefined, threads]) {
        const found = await speed(simulationParts(parts), workers, SECONDS);
        const on = workers === undefined ? '1 thread' : '2 threads';
        const name = `${model === 'logistic' ? 'logistic' : 'MLP 128-128-64'}, ${on}`;
        const note = 'baseline: plain kernels on one thread';
        report(row(`${name}, best round`, found.best, 'clients/s', plain.best, { note }));
        report(row(`${name}, median round`, found.middle, 'clients/s', plain.middle, { note }));
        if (workers === undefined) report(recorded(model, found.best));
      }
      if (model === 'logistic') {
        const poisson = { kind: 'poisson', samplingRate: 0.1 } as const;
        const found = await speed(simulationParts(parts), threads, SECONDS / 2, poisson);
        report(row('logistic, 2 threads, Poisson cohort, best round', found.best, 'clients/s'));
      }
    } finally {
      await threads.close();
    }
  }
  return rows;
};

/** pfl-research 0.5.1, torch 2.13 on one thread of a CPU, DP on: the best of five runs, elsewhere. */
function recorded(model: BenchParts['model'], value: number): BenchRow {
  const clients = model === 'logistic' ? 544 : 347;
  const name = `${model === 'logistic' ? 'logistic' : 'MLP 128-128-64'}, 1 thread, against pfl-research`;
  return row(name, value, 'clients/s', clients, {
    recorded: 'pfl-research 0.5.1, torch 2.13, 1 thread, same shapes, measured elsewhere',
  });
}

type Parts = ReturnType<typeof simulationParts>;

function plainParts(parts: BenchParts): Parts {
  const kernels = new PlainKernels();
  const { inputDimension, outputDimension } = parts.population;
  const model = benchModel(parts.model, inputDimension, outputDimension, kernels);
  return { ...simulationParts(parts), model, kernels };
}

async function speed(
  parts: Parts,
  workers: SimulationWorkers | undefined,
  seconds: number,
  cohort: SimulationOptions['cohort'] = WORKLOAD.cohort,
): Promise<{ best: number; middle: number }> {
  const options: SimulationOptions = {
    ...WORKLOAD,
    ...parts,
    cohort,
    initialParameters: parts.model.initialParameters(),
    rounds: 100_000,
    ...(workers === undefined ? {} : { workers }),
  };
  const found: number[] = [];
  let end = Number.POSITIVE_INFINITY;
  for await (const { round, metrics } of simulate(options)) {
    if (round === WARM_UP_ROUNDS) end = performance.now() + 1000 * seconds;
    if (round > WARM_UP_ROUNDS) found.push(metrics.clientsPerSecond);
    if (performance.now() > end && found.length > 0) break;
  }
  return { best: Math.max(...found), middle: median(found) };
}

/** Resident memory of a process that does nothing else, in MB. */
async function streamedMemory(): Promise<BenchRow> {
  const script = fileURLToPath(new URL(import.meta.url.replace(/\.(\w+)$/, '-memory.$1')));
  const { least, most } = JSON.parse(await outputOf([script])) as { least: number; most: number };
  const note = `baseline: what it may be; ${least.toFixed(0)} MB before the first user`;
  return row('resident memory, 100,000 users streamed', most, 'MB', 200, { note });
}

/** What a process of its own says. */
function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`a process of the benchmark ended with ${code}`));
    });
  });
}
