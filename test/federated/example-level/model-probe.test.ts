import { describe, expect, it } from 'vitest';
import { PlainKernels } from '../../../src/core/kernels/plain.ts';
import { SimdKernels } from '../../../src/core/kernels/simd.ts';
import { probeModel } from '../../../src/federated/example-level/model-probe.ts';
import type { GradientClip } from '../../../src/federated/models/gradient-clip.ts';
import {
  createModel,
  type ModelArchitecture,
} from '../../../src/federated/models/model-architecture.ts';
import { MultilayerPerceptron } from '../../../src/federated/models/multilayer-perceptron.ts';

const layers = {
  hidden: [6],
  outputDimension: 3,
  activation: 'relu',
  seed: 1,
  loss: 'sigmoid',
} as const;
const perceptron = { inputDimension: 12, ...layers } as const;
const bag = { items: 30, capacity: 4, pooling: 'mean', dimension: 5, ...layers } as const;
const clip: GradientClip = { kind: 'global', norm: 1 };

const architectures: readonly ModelArchitecture[] = [
  { kind: 'logistic', inputDimension: 8, outputDimension: 5 },
  { kind: 'softmax', inputDimension: 8, classes: 5 },
  { kind: 'regression', inputDimension: 8, outputDimension: 5, bounds: { lower: -1, upper: 1 } },
  { kind: 'multilayer-perceptron', ...perceptron },
  { kind: 'multilayer-perceptron', ...perceptron, activation: 'tanh' },
  { kind: 'multilayer-perceptron', ...perceptron, loss: 'softmax' },
  { kind: 'embedding-bag', ...bag },
  { kind: 'embedding-bag', ...bag, pooling: 'unit-norm' },
  { kind: 'embedding-bag', ...bag, weighted: true },
  { kind: 'embedding-bag', ...bag, items: 1 },
];

describe('probeModel', () => {
  it('is the same for two models of one kind, and another for every other', () => {
    const seen = architectures.map((architecture) => {
      const probe = probeModel(createModel(architecture), clip);
      expect(probeModel(createModel(architecture), clip)).toEqual(probe);
      return Buffer.from(probe).toString('hex');
    });
    expect(new Set(seen).size).toBe(architectures.length);
  });

  it.each(architectures)('hears clipped rows and others: $kind', (architecture) => {
    const heard = (norm: number): Float32Array =>
      new Float32Array(probeModel(createModel(architecture), { kind: 'global', norm }).buffer);
    const most = heard(2 ** -20).at(-1) as number;
    // All of them, but for rows without a label, in which a softmax sees nothing.
    expect(most).toBeGreaterThanOrEqual(30);
    expect(heard(1).at(-1)).toBeLessThan(most);
    expect(
      heard(1)
        .subarray(0, -1)
        .some((value) => value !== 0),
    ).toBe(true);
  });

  it('tells kernels apart that add in another order', () => {
    const options = { ...perceptron, inputDimension: 64 };
    const plain = new MultilayerPerceptron({ ...options, kernels: new PlainKernels() });
    const simd = new MultilayerPerceptron({ ...options, kernels: new SimdKernels() });
    expect(probeModel(plain, clip)).not.toEqual(probeModel(simd, clip));
  });

  it('passes on what a model says that refuses all rows', () => {
    const model = createModel({ kind: 'logistic', inputDimension: 2, outputDimension: 1 });
    const refusing = Object.assign(model, {
      checkExamples: () => {
        throw new Error('no rows at all');
      },
    });
    expect(() => probeModel(refusing, clip)).toThrow('no rows at all');
  });
});
