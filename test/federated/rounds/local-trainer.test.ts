import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../../src/core/kernels/kernels.ts';
import { PlainKernels } from '../../../src/core/kernels/plain.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  type Batch,
  LocalTrainer,
  type LocalTraining,
  LogisticModel,
  localUpdate,
  SimdKernels,
  type Trainable,
} from '../../../src/federated/index.ts';

const INPUTS = 5;
const OUTPUTS = 3;

function rowsOf(rows: number, seed: number): Batch {
  const random = new SeededRandom(seed);
  return {
    rows,
    features: Float32Array.from({ length: rows * INPUTS }, () => random.uniform() - 0.5),
    labels: Float32Array.from({ length: rows * OUTPUTS }, () => (random.uniform() < 0.5 ? 1 : 0)),
  };
}

function train(
  trainer: LocalTrainer,
  data: Batch,
  random: SeededRandom | null = null,
): Float32Array {
  return trainer.update(trainer.load(data), random).slice();
}

/** The textbook's loop, in double precision, rows in order. */
function reference(start: Float32Array, data: Batch, training: LocalTraining): number[] {
  const { localEpochs, localBatchSize = data.rows, localLearningRate, proximal = 0 } = training;
  const w = Array.from(start);
  for (let epoch = 0; epoch < localEpochs; epoch++) {
    for (let from = 0; from < data.rows; from += localBatchSize) {
      const to = Math.min(data.rows, from + localBatchSize);
      const gradient = new Array<number>(w.length).fill(0);
      for (let row = from; row < to; row++) {
        for (let o = 0; o < OUTPUTS; o++) {
          let z = 0;
          for (let i = 0; i < INPUTS; i++) {
            z += (w[o * INPUTS + i] as number) * (data.features[row * INPUTS + i] as number);
          }
          const error = 1 / (1 + Math.exp(-z)) - (data.labels[row * OUTPUTS + o] as number);
          for (let i = 0; i < INPUTS; i++) {
            gradient[o * INPUTS + i] =
              (gradient[o * INPUTS + i] as number) +
              (error * (data.features[row * INPUTS + i] as number)) / (to - from);
          }
        }
      }
      for (let i = 0; i < w.length; i++) {
        const pull = proximal * ((w[i] as number) - (start[i] as number));
        w[i] = (w[i] as number) - localLearningRate * ((gradient[i] as number) + pull);
      }
    }
  }
  return w.map((value, i) => value - (start[i] as number));
}

describe.each([
  ['simd', () => new SimdKernels()],
  ['plain', () => new PlainKernels()],
] as const)('LocalTrainer with %s kernels', (_, makeKernels) => {
  const kernels = makeKernels();
  const model = new LogisticModel({ inputDimension: INPUTS, outputDimension: OUTPUTS, kernels });
  /** Without a way of its own to descend. */
  const slow: Trainable = new Proxy(model, {
    get: (target, name) => {
      if (name === 'descend') return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const start = Float32Array.from({ length: model.parameterCount }, (_, i) => Math.sin(i));

  it.each<LocalTraining>([
    { localEpochs: 1, localLearningRate: 0.7 },
    { localEpochs: 4, localLearningRate: 0.7 },
    { localEpochs: 1, localBatchSize: 4, localLearningRate: 0.7 },
    { localEpochs: 3, localBatchSize: 5, localLearningRate: 0.3 },
    { localEpochs: 3, localBatchSize: 5, localLearningRate: 0.3, proximal: 2 },
    { localEpochs: 2, localBatchSize: 100, localLearningRate: 0.3, proximal: 1 },
  ])('is stochastic gradient descent: %j', (training) => {
    const data = rowsOf(11, 1);
    const expected = reference(start, data, training);
    for (const subject of [model, slow]) {
      const trainer = new LocalTrainer(subject, training, kernels);
      trainer.startFrom(start);
      train(trainer, rowsOf(30, 2)); // whom it visited before leaves no trace
      const update = train(trainer, data);
      update.forEach((value, i) => {
        expect(Math.abs(value - (expected[i] as number))).toBeLessThan(2e-6);
      });
      trainer.free();
    }
  });

  it('makes other batches of the same rows in another order, each row once in a pass', () => {
    const data = rowsOf(9, 3);
    const labels = Float32Array.from({ length: 9 * OUTPUTS }, (_, i) => Math.floor(i / OUTPUTS));
    const seen: number[][] = [];
    const watched: Trainable = new Proxy(slow, {
      get: (target, name) => {
        if (name !== 'gradient') return Reflect.get(target, name);
        return (_: Float32Array, batch: Batch, out: Float32Array) => {
          seen.push(
            Array.from({ length: batch.rows }, (_, r) => batch.labels[r * OUTPUTS] as number),
          );
          out.fill(0);
          return 0;
        };
      },
    });
    const training = { localEpochs: 2, localBatchSize: 4, localLearningRate: 1 };
    const trainer = new LocalTrainer(watched, training, kernels);
    trainer.startFrom(start);
    train(trainer, { ...data, labels }, new SeededRandom('order'));
    expect(seen.map((batch) => batch.length)).toEqual([4, 4, 1, 4, 4, 1]);
    const passes = [seen.slice(0, 3).flat(), seen.slice(3).flat()];
    const inOrder = Array.from({ length: 9 }, (_, i) => i);
    for (const pass of passes) {
      expect(pass).not.toEqual(inOrder);
      expect([...pass].sort()).toEqual(inOrder);
    }
    expect(passes[1]).not.toEqual(passes[0]);
    trainer.free();
  });
});

describe.each([
  ['simd', () => new SimdKernels()],
  ['plain', () => new PlainKernels()],
] as const)('An account that lies about its rows, with %s kernels,', (_, makeKernels) => {
  const kernels = makeKernels();
  const model = new LogisticModel({ inputDimension: INPUTS, outputDimension: OUTPUTS, kernels });
  const start = model.initialParameters().fill(0.1);
  const training = { localEpochs: 2, localLearningRate: 0.5 };

  it.each([
    ['has no features', (data: Batch) => ({ ...data, features: new Float32Array(0) })],
    ['has no labels', (data: Batch) => ({ ...data, labels: new Float32Array(0) })],
    ['lacks a feature', (data: Batch) => ({ ...data, features: data.features.subarray(1) })],
    ['has a label too many', (data: Batch) => ({ ...data, labels: new Float32Array(4 * OUTPUTS) })],
    ['says half a row', (data: Batch) => ({ ...data, rows: 0.5 })],
    ['says NaN rows', (data: Batch) => ({ ...data, rows: Number.NaN })],
    ['says fewer than none', (data: Batch) => ({ ...data, rows: -1 })],
    ['says more than any memory holds', (data: Batch) => ({ ...data, rows: 3e12 })],
  ])('never trains on the rows of the one before: %s', (_, spoil) => {
    const trainer = new LocalTrainer(model, training, kernels);
    trainer.startFrom(start);
    const honest = rowsOf(3, 6);
    const before = train(trainer, honest);
    expect(() => trainer.load(spoil(rowsOf(3, 7)))).toThrow(
      expect.objectContaining({ code: 'dp/invalid-contribution' }),
    );
    expect(train(trainer, honest)).toEqual(before);
    trainer.free();
  });

  it('cannot say half a row where that makes whole numbers', () => {
    const small = new LogisticModel({ inputDimension: 2, outputDimension: 2, kernels });
    const trainer = new LocalTrainer(small, training, kernels);
    const half = { rows: 0.5, features: Float32Array.of(1), labels: Float32Array.of(1) };
    expect(() => trainer.load(half)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-contribution' }),
    );
    trainer.free();
  });

  it('leaves memory that is still good for those after it', () => {
    const trainer = new LocalTrainer(model, training, kernels);
    trainer.startFrom(start);
    const honest = rowsOf(3, 6);
    const before = train(trainer, honest);
    expect(() => trainer.room(3e12)).toThrow(RangeError);
    const rows = trainer.load(honest);
    // Whoever takes memory now must not get what the trainer still writes to.
    const neighbour = kernels.workspace();
    neighbour.float32(1 << 12).fill(Number.NaN);
    expect(trainer.update(rows, null)).toEqual(before);
    neighbour.free();
    trainer.free();
  });

  it('keeps nothing where only one of two arrays found room', () => {
    let held = 0;
    const narrow: Kernels = new Proxy(kernels, {
      get: (target, name) => {
        if (name === 'workspace') {
          return () => {
            const arrays: Float32Array[] = [];
            return {
              float32: (length: number) => {
                // Room for the features of twenty rows, none for anything after them.
                if (length === 20 * OUTPUTS) throw new RangeError('no room');
                held++;
                arrays.push(new Float32Array(length));
                return arrays.at(-1);
              },
              free: () => {
                held -= arrays.length;
                arrays.length = 0;
              },
            };
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const trainer = new LocalTrainer(model, training, narrow);
    const before = held;
    expect(() => trainer.room(20)).toThrow('no room');
    expect(held).toBe(before);
    trainer.free();
    expect(held).toBe(0);
  });
});

describe('localUpdate', () => {
  const model = new LogisticModel({ inputDimension: INPUTS, outputDimension: OUTPUTS });
  const start = model.initialParameters().fill(0.1);

  it('leaves what it was given as it was, and uses the first rows only when told', () => {
    const data = rowsOf(8, 4);
    const before = structuredClone({ data, start });
    const training = { localEpochs: 2, localLearningRate: 0.5 };
    const some = localUpdate(model, start, data, { ...training, maxRows: 3 });
    const few = {
      rows: 3,
      features: data.features.subarray(0, 3 * INPUTS),
      labels: data.labels.subarray(0, 3 * OUTPUTS),
    };
    expect(some).toEqual(localUpdate(model, start, few, training));
    expect(some).not.toEqual(localUpdate(model, start, data, training));
    expect({ data, start }).toEqual(before);
  });

  it('refuses parameters of another model', () => {
    const training = { localEpochs: 1, localLearningRate: 0.1 };
    expect(() => localUpdate(model, start.subarray(1), rowsOf(2, 5), training)).toThrow(RangeError);
  });

  it('is zero for nobody’s rows', () => {
    const nothing = { rows: 0, features: new Float32Array(0), labels: new Float32Array(0) };
    const training = { localEpochs: 3, localBatchSize: 2, localLearningRate: 0.5 };
    expect(localUpdate(model, start, nothing, training)).toEqual(
      new Float32Array(model.parameterCount),
    );
  });

  it('refuses arrays that do not hold the rows', () => {
    const training = { localEpochs: 1, localLearningRate: 0.1 };
    const data = { ...rowsOf(2, 5), rows: 3 };
    expect(() => localUpdate(model, start, data, training)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-contribution' }),
    );
  });

  it.each([
    { localEpochs: 1.5 },
    { localBatchSize: 0 },
    { localLearningRate: 0 },
    { localLearningRate: Number.NaN },
    { proximal: -1 },
    { proximal: 11 },
    { maxRows: 0 },
  ])('refuses %j', (change) => {
    const training = { localEpochs: 1, localLearningRate: 0.1, ...change };
    expect(() => localUpdate(model, start, rowsOf(2, 5), training)).toThrow(RangeError);
  });
});
