import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../../src/core/kernels/kernels.ts';
import { PlainKernels } from '../../../src/core/kernels/plain.ts';
import { SimdKernels } from '../../../src/core/kernels/simd.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  type Batch,
  EmbeddingBag,
  LogisticModel,
  MultilayerPerceptron,
  RegressionModel,
  SoftmaxModel,
  type Trainable,
} from '../../../src/federated/index.ts';
import { trainableConformance } from '../../../src/testing/index.ts';

const INPUTS = 6;
const OUTPUTS = 4;
const ROWS = 7;

interface Subject {
  readonly name: string;
  readonly create: (kernels: Kernels) => Trainable;
  readonly label: (random: SeededRandom, place: number) => number;
}

const perceptron = { inputDimension: INPUTS, hidden: [5, 3], outputDimension: OUTPUTS, seed: 3 };
const bag = { items: 9, capacity: 5, dimension: 3, outputDimension: OUTPUTS, seed: 8 } as const;
const coin = (random: SeededRandom): number => Number(random.uniform() < 0.5);
const share = (random: SeededRandom): number => random.uniform();

const SUBJECTS: readonly Subject[] = [
  {
    name: 'LogisticModel',
    create: (kernels) =>
      new LogisticModel({ inputDimension: INPUTS, outputDimension: OUTPUTS, kernels }),
    label: coin,
  },
  {
    name: 'SoftmaxModel',
    create: (kernels) => new SoftmaxModel({ inputDimension: INPUTS, classes: OUTPUTS, kernels }),
    label: share,
  },
  {
    name: 'SoftmaxModel of two tags',
    create: (kernels) =>
      new SoftmaxModel({ inputDimension: INPUTS, classes: OUTPUTS / 2, tags: 2, kernels }),
    label: (_random, place) => place % 2,
  },
  {
    name: 'RegressionModel',
    create: (kernels) =>
      new RegressionModel({
        inputDimension: INPUTS,
        outputDimension: OUTPUTS,
        bounds: { lower: -2, upper: 3 },
        kernels,
      }),
    label: (random) => 8 * random.uniform() - 4,
  },
  {
    name: 'MultilayerPerceptron, ReLU',
    create: (kernels) =>
      new MultilayerPerceptron({ ...perceptron, activation: 'relu', loss: 'sigmoid', kernels }),
    label: coin,
  },
  {
    name: 'MultilayerPerceptron, tanh, softmax',
    create: (kernels) =>
      new MultilayerPerceptron({ ...perceptron, activation: 'tanh', loss: 'softmax', kernels }),
    label: share,
  },
  {
    name: 'MultilayerPerceptron, tanh, regression',
    create: (kernels) =>
      new MultilayerPerceptron({ ...perceptron, activation: 'tanh', loss: 'regression', kernels }),
    label: share,
  },
  {
    name: 'MultilayerPerceptron without hidden layers',
    create: (kernels) =>
      new MultilayerPerceptron({
        ...perceptron,
        ...{ hidden: [], activation: 'relu', loss: 'sigmoid', kernels },
      }),
    label: coin,
  },
  {
    name: 'EmbeddingBag',
    create: (kernels) =>
      new EmbeddingBag({
        ...bag,
        ...{ pooling: 'mean', hidden: [4], activation: 'tanh', loss: 'sigmoid', kernels },
      }),
    label: coin,
  },
  {
    name: 'EmbeddingBag, weighted, no hidden layers',
    create: (kernels) =>
      new EmbeddingBag({
        ...{ ...bag, weighted: true, pooling: 'unit-norm' },
        ...{ hidden: [], activation: 'relu', loss: 'softmax', kernels },
      }),
    label: share,
  },
];

function randomBatch(model: Trainable, { label }: Subject): Batch {
  const random = new SeededRandom(model.inputDimension);
  const items = model instanceof EmbeddingBag;
  return {
    rows: ROWS,
    features: Float32Array.from({ length: ROWS * model.inputDimension }, (_, i) => {
      if (!items) return random.uniform() * 2 - 1;
      // Few enough ids that they repeat in a row; behind the places come their weights.
      if (i % model.inputDimension >= bag.capacity) return 3 * random.uniform();
      return Math.floor(random.uniform() * 6) - 1;
    }),
    labels: Float32Array.from({ length: ROWS * model.outputDimension }, (_, i) => label(random, i)),
  };
}

/** One row for each way of being out of proportion, between ordinary ones. */
function hostileBatches(model: Trainable, ordinary: Batch): Batch[] {
  const { inputDimension: inputs, outputDimension: outputs } = model;
  const sizes = [3e38, 1e20, 1e-20, 1e-38, 1e-45, Number.NaN, Infinity, -Infinity];
  const spoil = (values: Float32Array, width: number, row: number, spread: number): void => {
    for (let i = 0; i < width; i += spread) {
      values[row * width + i] = (sizes[row] as number) * (i % 2 === 0 ? 1 : -1);
    }
  };
  const empty = (): Batch => ({
    rows: sizes.length,
    features: Float32Array.from(
      { length: sizes.length * inputs },
      (_, i) => ordinary.features[i % ordinary.features.length] as number,
    ),
    labels: Float32Array.from(
      { length: sizes.length * outputs },
      (_, i) => ordinary.labels[i % ordinary.labels.length] as number,
    ),
  });
  const byLabel = empty();
  sizes.forEach((_, row) => {
    spoil(byLabel.labels, outputs, row, 2);
  });
  if (model instanceof EmbeddingBag) return [byLabel];
  return [byLabel, ...[1, 3].map(loud)];

  function loud(spread: number): Batch {
    const byFeature = empty();
    sizes.forEach((_, row) => {
      spoil(byFeature.features, inputs, row, spread);
    });
    return byFeature;
  }
}

for (const kernels of [new PlainKernels(), new SimdKernels()]) {
  describe.each(SUBJECTS)(`$name on ${kernels.name} kernels`, (subject) => {
    const model = subject.create(kernels);
    const random = new SeededRandom('parameters');
    const parameters = model.initialParameters().map((value) => value + random.uniform() / 4 - 0.1);
    const batch = randomBatch(model, subject);
    const hostile = hostileBatches(model, batch);
    for (const { name, run } of trainableConformance(model, parameters, batch, hostile)) {
      it(name, run);
    }

    it('makes of a row the same bits in any company and place', () => {
      const norms = new Float32Array(ROWS);
      model.gradientNorms(parameters, batch, norms);
      const { inputDimension: inputs, outputDimension: outputs } = model;
      for (let rows = 1; rows <= ROWS; rows++) {
        const some = {
          rows,
          features: batch.features.subarray((ROWS - rows) * inputs),
          labels: batch.labels.subarray((ROWS - rows) * outputs),
        };
        const own = new Float32Array(rows);
        model.gradientNorms(parameters, some, own);
        expect(own).toEqual(norms.subarray(ROWS - rows));
      }
    });

    it('takes more rows than one block', () => {
      const times = 60;
      const many: Batch = {
        rows: times * ROWS,
        features: repeat(batch.features, times),
        labels: repeat(batch.labels, times),
      };
      const [once, often] = [batch, many].map((data) => {
        const gradient = new Float32Array(model.parameterCount);
        const clipped = new Float32Array(model.parameterCount);
        const predictions = new Float32Array(data.rows * model.outputDimension);
        const norms = new Float32Array(data.rows);
        const descended = parameters.slice();
        const loss = model.gradient(parameters, data, gradient);
        model.descend?.(descended, data, 2 ** -10);
        model.gradientNorms(parameters, data, norms);
        model.clippedGradient(parameters, data, { kind: 'global', norm: 0.1 }, clipped);
        model.predict(parameters, data.features, data.rows, predictions);
        return { loss, gradient, clipped, predictions, norms, descended };
      }) as [Outcome, Outcome];
      expect(often.loss / once.loss).toBeCloseTo(times, 4);
      expect(often.norms).toEqual(repeat(once.norms, times));
      expect(often.predictions).toEqual(repeat(once.predictions, times));
      for (const name of ['gradient', 'clipped'] as const) {
        often[name].forEach((value, i) => {
          expect(value / times).toBeCloseTo(once[name][i] as number, 4);
        });
      }
      often.descended.forEach((value, i) => {
        const expected = (parameters[i] as number) - 2 ** -10 * (often.gradient[i] as number);
        expect(value).toBeCloseTo(expected, 5);
      });
    });

    it('predicts what the loss is least for', () => {
      const rows = 1;
      const features = batch.features.slice(0, model.inputDimension);
      const predictions = new Float32Array(model.outputDimension);
      model.predict(parameters, features, rows, predictions);
      const gradient = new Float32Array(model.parameterCount);
      // With the prediction itself as the label there is nothing to learn, whatever the loss.
      model.gradient(parameters, { rows, features, labels: predictions }, gradient);
      gradient.forEach((slope) => {
        expect(Math.abs(slope)).toBeLessThan(1e-5);
      });
    });

    it('shares its memory with other models without harm', () => {
      const other = new MultilayerPerceptron({
        ...perceptron,
        ...{ hidden: [70], activation: 'tanh', loss: 'sigmoid', kernels },
      });
      const [before, after] = [0, 1].map(() => {
        const out = new Float32Array(model.parameterCount);
        model.clippedGradient(parameters, batch, { kind: 'global', norm: 0.1 }, out);
        const rows = 30;
        const features = new Float32Array(rows * INPUTS).fill(9);
        const labels = new Float32Array(rows * OUTPUTS);
        other.gradient(
          other.initialParameters(),
          { rows, features, labels },
          new Float32Array(other.parameterCount),
        );
        return out;
      });
      expect(after).toEqual(before);
    });
  });
}

interface Outcome {
  readonly loss: number;
  readonly gradient: Float32Array;
  readonly clipped: Float32Array;
  readonly predictions: Float32Array;
  readonly norms: Float32Array;
  readonly descended: Float32Array;
}

function repeat(values: Float32Array, times: number): Float32Array {
  return Float32Array.from(
    { length: times * values.length },
    (_, i) => values[i % values.length] as number,
  );
}
