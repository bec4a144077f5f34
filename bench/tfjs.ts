import {
  type Batch,
  LogisticModel,
  MultilayerPerceptron,
  type Trainable,
} from '../src/federated/index.ts';
import { LayersModelTrainable, loadTfjs } from '../src/tfjs/index.ts';
import { type BenchRow, type BenchSuite, row } from './suite.ts';

const MILLISECONDS = 1500;
const CLIP = { kind: 'global', norm: 1 } as const;

/** Models of TensorFlow.js through the adapter, beside the built-in ones of the same shape; best calls of both. */
export const tfjs: BenchSuite = async (log) => {
  const loaded = await loadTfjs();
  const { layers, sequential } = loaded.layers;
  const adapted = (inputs: number, hidden: readonly number[], outputs: number): Trainable =>
    new LayersModelTrainable(
      sequential({
        layers: [...hidden, outputs].map((units, i, all) =>
          layers.dense({
            units,
            useBias: hidden.length > 0,
            ...(i === 0 ? { inputShape: [inputs] } : {}),
            activation: i === all.length - 1 ? 'sigmoid' : 'relu',
          }),
        ),
      }),
      { tfjs: loaded, loss: 'sigmoid' },
    );
  const subjects = [
    {
      name: 'logistic 128 → 64',
      own: new LogisticModel({ inputDimension: 128, outputDimension: 64 }),
      theirs: adapted(128, [], 64),
    },
    {
      name: 'MLP 784-128-10',
      own: new MultilayerPerceptron({
        inputDimension: 784,
        hidden: [128],
        outputDimension: 10,
        activation: 'relu',
        loss: 'sigmoid',
        seed: 'bench',
      }),
      theirs: adapted(784, [128], 10),
    },
  ];
  const rows: BenchRow[] = [];
  for (const { name, own, theirs } of subjects) {
    for (const [what, size, call] of [
      ['gradient of a batch of 10', 10, gradient],
      ['clipped gradients, batch of 256', 256, clippedGradient],
    ] as const) {
      const [value, baseline] = best(call(theirs, size), call(own, size)) as [number, number];
      const entry = row(`${name}, ${what}`, size / value, 'examples/s', size / baseline, {
        note: `TensorFlow.js on ${loaded.backend}; baseline: the built-in model`,
      });
      log(`${entry.name}: ${Math.round(entry.value)} ${entry.unit}, ratio ${entry.ratio}`);
      rows.push(entry);
    }
  }
  return rows;
};

function gradient(model: Trainable, rows: number): () => void {
  const parameters = model.initialParameters();
  const batch = randomBatch(model, rows);
  const out = new Float32Array(model.parameterCount);
  return () => model.gradient(parameters, batch, out);
}

function clippedGradient(model: Trainable, rows: number): () => void {
  const parameters = model.initialParameters();
  const batch = randomBatch(model, rows);
  const out = new Float32Array(model.parameterCount);
  return () => model.clippedGradient(parameters, batch, CLIP, out);
}

function randomBatch({ inputDimension, outputDimension }: Trainable, rows: number): Batch {
  return {
    rows,
    features: Float32Array.from({ length: rows * inputDimension }, () => Math.random() - 0.5),
    labels: Float32Array.from({ length: rows * outputDimension }, (_, i) => (i % 3 === 0 ? 1 : 0)),
  };
}

/** Best time of one call of each, in seconds; calls alternate so that both see the same machine. */
function best(...calls: readonly (() => void)[]): number[] {
  const least = calls.map(() => Number.POSITIVE_INFINITY);
  const end = performance.now() + MILLISECONDS;
  while (performance.now() < end) {
    calls.forEach((call, which) => {
      const started = performance.now();
      call();
      least[which] = Math.min(least[which] as number, (performance.now() - started) / 1e3);
    });
  }
  return least;
}
