import { SecureRandom } from '../src/core/secure-random.ts';
import { SeededRandom } from '../src/core/seeded-random.ts';
import { fillRoundedGaussian } from '../src/dp/noise/index.ts';
import { ChunkTree } from '../src/federated/example-level/chunks.ts';
import { LATTICE_NORM } from '../src/federated/example-level/sensitivity.ts';
import { gather } from '../src/federated/example-level/step-member.ts';
import {
  type Batch,
  ExampleSampler,
  type GradientClip,
  type StepCrew,
  type Trainable,
  trainExampleLevel,
} from '../src/federated/index.ts';
import { createModel, type ModelArchitecture } from '../src/federated/models/model-architecture.ts';
import { DpSgdCrew } from '../src/node/index.ts';
import { processCalibration } from './process-calibration.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const EXAMPLES = 12_800;
const BATCH = 256;
const CAPACITY = 128;
const NOISE_MULTIPLIER = 1.1;
const CLIP: GradientClip = { kind: 'global', norm: 1 };
/** Steps in a round: short enough that some rounds fall between the interruptions of a busy machine. */
const ROUND = 4;
const SECONDS = 6;
const WARM_UP_STEPS = 48;
/** More than fit into the time: a run is stopped. */
const STEPS = 100_000;

/** Opacus 1.5.3 with ghost clipping on two threads of the same kind of machine, batch 256, noise included. */
const TASKS: readonly {
  readonly name: string;
  readonly architecture: ModelArchitecture;
  readonly opacus: number;
}[] = [
  {
    name: 'logistic 128→64',
    architecture: { kind: 'logistic', inputDimension: 128, outputDimension: 64 },
    opacus: 139_542,
  },
  {
    name: 'MLP 784-128-10',
    architecture: {
      kind: 'multilayer-perceptron',
      inputDimension: 784,
      hidden: [128],
      outputDimension: 10,
      activation: 'relu',
      loss: 'softmax',
      seed: 'bench',
    },
    opacus: 52_052,
  },
];
const SOURCE = 'Opacus 1.5.3, ghost clipping, tensor slices, 2 threads, best epoch';

/**
 * DP-SGD on examples, everything included that a run does: Poisson samples, gathering, clipped gradients, exact
 * noise, and the step.
 */
export const training: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  const report = (entry: BenchRow): void => {
    rows.push(entry);
    const ratio = entry.ratio === null ? '' : `, ratio ${entry.ratio.toFixed(2)}`;
    log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}${ratio}`);
  };
  const cores = await processCalibration();
  report(row('arithmetic of 2 processes at once, against one', cores, 'times', 2));
  for (const { name, architecture, opacus } of TASKS) {
    const model = createModel(architecture);
    const examples = syntheticExamples(model);
    const crew = new DpSgdCrew(2, architecture);
    try {
      for (const [threads, helpers] of [
        ['1 thread', undefined],
        ['2 threads', crew],
      ] as const) {
        const found = await speed(model, examples, helpers);
        const note = 'examples a second, noise included';
        const baseline = { recorded: SOURCE, note };
        report(row(`${name}, ${threads}, best round`, found.best, 'ex/s', opacus, baseline));
        report(row(`${name}, ${threads}, median round`, found.middle, 'ex/s', opacus, baseline));
      }
    } finally {
      await crew.close();
    }
    for (const part of partRows(name, model, examples)) report(part);
  }
  return rows;
};

function syntheticExamples(model: Trainable): Batch {
  const { inputDimension, outputDimension } = model;
  const random = new SeededRandom('bench/training');
  const shared = (length: number): Float32Array =>
    new Float32Array(new SharedArrayBuffer(4 * length));
  const features = shared(EXAMPLES * inputDimension);
  const labels = shared(EXAMPLES * outputDimension);
  for (let i = 0; i < features.length; i++) features[i] = random.uniform() - 0.5;
  for (let i = 0; i < labels.length; i += outputDimension) {
    labels[i + (random.uint32() % outputDimension)] = 1;
  }
  return { rows: EXAMPLES, features, labels };
}

/** Examples a second, as expected in a step, in rounds of one run. */
async function speed(
  model: Trainable,
  examples: Batch,
  crew: StepCrew | undefined,
): Promise<{ best: number; middle: number }> {
  const speeds: number[] = [];
  const stop = new AbortController();
  let begun = 0;
  let end = 0;
  await trainExampleLevel({
    model,
    examples,
    sampling: { kind: 'poisson', batchSize: BATCH },
    steps: STEPS,
    clip: CLIP,
    guarantee: {
      relation: 'add-or-remove-one-user',
      delta: 1e-5,
      noiseMultiplier: NOISE_MULTIPLIER,
    },
    learningRate: 1e-3,
    chunkCapacity: CAPACITY,
    random: new SecureRandom(),
    signal: stop.signal,
    ...(crew === undefined ? {} : { crew }),
    onStep: ({ step }) => {
      const now = performance.now();
      if (step < WARM_UP_STEPS || step % ROUND !== 0) return;
      if (step === WARM_UP_STEPS) end = now + 1e3 * SECONDS;
      else speeds.push((1e3 * ROUND * BATCH) / (now - begun));
      begun = now;
      if (now > end) stop.abort();
    },
  }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return { best: Math.max(...speeds), middle: median(speeds) };
}

/** What a step on one thread is made of: best times of its parts, each on its own. */
function partRows(name: string, model: Trainable, examples: Batch): BenchRow[] {
  const random = new SecureRandom();
  const sampler = new ExampleSampler({ kind: 'poisson', batchSize: BATCH }, EXAMPLES);
  const tree = new ChunkTree(CAPACITY, BATCH, random);
  const ends = new Uint32Array(EXAMPLES);
  const sampling = best(() => tree.divide(sampler.draw(random), ends));

  const { inputDimension, outputDimension, parameterCount } = model;
  const chunks = 2 ** tree.depth;
  const rows = Math.round(BATCH / chunks);
  const features = examples.features.slice(0, rows * inputDimension);
  const labels = examples.labels.slice(0, rows * outputDimension);
  const parameters = model.initialParameters();
  const sum = new Float32Array(parameterCount);
  const batch = { rows, features, labels };
  const gradient = chunks * best(() => model.clippedGradient(parameters, batch, CLIP, sum));

  const order = Uint32Array.from({ length: rows }, () => random.uint32() % EXAMPLES);
  const gathering =
    chunks *
    best(() => {
      gather(examples.features, inputDimension, order, features);
      gather(examples.labels, outputDimension, order, labels);
    });
  const noise = new Float64Array(parameterCount);
  const noising = best(() => fillRoundedGaussian(noise, NOISE_MULTIPLIER * LATTICE_NORM, random));
  const total = sampling + gathering + gradient + noising;
  return (
    [
      ['sampling and chunks', sampling],
      ['gathering', gathering],
      ['clipped gradients', gradient],
      ['exact noise', noising],
    ] as const
  ).map(([part, milliseconds]) =>
    row(`${name}, ${part}`, 1e3 * milliseconds, 'µs a step', null, {
      note: `${((100 * milliseconds) / total).toFixed(0)} % of these four parts, one thread`,
    }),
  );
}

/** Least milliseconds of one call in half a second of them. */
function best(call: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  const end = performance.now() + 500;
  while (performance.now() < end) {
    const started = performance.now();
    call();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}
