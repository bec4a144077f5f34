import * as v from 'valibot';
import { EmbeddingBag, type EmbeddingBagOptions } from './embedding-bag.ts';
import { LogisticModel, type LogisticModelOptions } from './logistic-model.ts';
import { MultilayerPerceptron, type MultilayerPerceptronOptions } from './multilayer-perceptron.ts';
import { RegressionModel, type RegressionModelOptions } from './regression-model.ts';
import { SoftmaxModel, type SoftmaxModelOptions } from './softmax-model.ts';
import { invalidFile } from './tensor.ts';
import type { Trainable } from './trainable.ts';

/** Which built-in model, and its dimensions: its options without the arithmetic. Plain JSON. */
export type ModelArchitecture =
  | ({ readonly kind: 'logistic' } & Omit<LogisticModelOptions, 'kernels'>)
  | ({ readonly kind: 'softmax' } & Omit<SoftmaxModelOptions, 'kernels'>)
  | ({ readonly kind: 'regression' } & Omit<RegressionModelOptions, 'kernels'>)
  | ({ readonly kind: 'multilayer-perceptron' } & Omit<MultilayerPerceptronOptions, 'kernels'>)
  | ({ readonly kind: 'embedding-bag' } & Omit<EmbeddingBagOptions, 'kernels'>);

const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 20));
const finite = v.pipe(v.number(), v.finite());
const bounds = v.strictObject({ lower: finite, upper: finite });
const layers = {
  hidden: v.pipe(v.array(size), v.maxLength(64)),
  outputDimension: size,
  activation: v.picklist(['relu', 'tanh']),
  seed: v.union([v.string(), finite]),
  loss: v.picklist(['sigmoid', 'softmax', 'regression']),
  classes: v.exactOptional(size),
  bounds: v.exactOptional(bounds),
};

const ARCHITECTURE = v.variant('kind', [
  v.strictObject({ kind: v.literal('logistic'), inputDimension: size, outputDimension: size }),
  v.strictObject({
    kind: v.literal('softmax'),
    inputDimension: size,
    classes: size,
    tags: v.exactOptional(size),
  }),
  v.strictObject({
    kind: v.literal('regression'),
    inputDimension: size,
    outputDimension: size,
    bounds,
  }),
  v.strictObject({ kind: v.literal('multilayer-perceptron'), inputDimension: size, ...layers }),
  v.strictObject({
    kind: v.literal('embedding-bag'),
    items: size,
    capacity: size,
    weighted: v.exactOptional(v.boolean()),
    pooling: v.picklist(['mean', 'unit-norm']),
    dimension: size,
    ...layers,
  }),
]);

/**
 * Checks that a value describes a built-in model.
 *
 * @throws {VelaturaError} `federated/invalid-model-file`
 */
export function checkArchitecture(value: unknown): ModelArchitecture {
  const result = v.safeParse(ARCHITECTURE, value);
  if (!result.success) {
    const path = result.issues[0].path?.map(({ key }) => String(key)).join('.') ?? '';
    throw invalidFile(
      `"architecture" expected a built-in model, got another value at "${path.slice(0, 60)}"`,
    );
  }
  return result.output;
}

/**
 * The model of an architecture, without parameters.
 *
 * @throws {VelaturaError} `federated/invalid-model-file` when its dimensions do not fit together
 */
export function createModel(architecture: ModelArchitecture): Trainable {
  try {
    switch (architecture.kind) {
      case 'logistic':
        return new LogisticModel(architecture);
      case 'softmax':
        return new SoftmaxModel(architecture);
      case 'regression':
        return new RegressionModel(architecture);
      case 'multilayer-perceptron':
        return new MultilayerPerceptron(architecture);
      case 'embedding-bag':
        return new EmbeddingBag(architecture);
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw invalidFile(`"architecture" expected dimensions that fit: ${cause.message}`, { cause });
  }
}
