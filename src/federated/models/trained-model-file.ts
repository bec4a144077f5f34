import type { PrivacyStatement } from '../../dp/statement.ts';
import { checkArchitecture, createModel, type ModelArchitecture } from './model-architecture.ts';
import {
  decodeModelFile,
  type ExpectedModel,
  encodeModelFile,
  expectTensors,
  float32Tensor,
  type ModelFormat,
} from './model-file.ts';
import { invalidFile, type Tensor } from './tensor.ts';
import type { Trainable } from './trainable.ts';

/** A built-in model with trained parameters and the statement of what they cost. */
export interface TrainedModel {
  readonly architecture: ModelArchitecture;
  /** What the outputs mean: each tag has as many of them, one after the other. */
  readonly tags: readonly string[];
  /** Names of the inputs, in order; empty for an embedding bag, whose inputs are item ids. */
  readonly features: readonly string[];
  /** Flat, as the model takes them. `[parameterCount]` */
  readonly parameters: Float32Array;
  readonly statement: PrivacyStatement;
}

/**
 * Writes any built-in model with its privacy statement as a safetensors file, a tensor a layer.
 *
 * ## Privacy
 * A file holds what the model holds, and no more: releasing it costs nothing beyond its statement.
 *
 * @throws {VelaturaError} `federated/invalid-model-file` for a model that could not be read back
 */
export function saveTrainedModel(trained: TrainedModel): Uint8Array<ArrayBuffer> {
  const { parameters, tags, features, statement } = trained;
  const architecture = checkArchitecture(trained.architecture);
  const model = createModel(architecture);
  checkShape(architecture, model, tags, features);
  if (parameters.length !== model.parameterCount) {
    throw invalidFile(
      `"parameters" expected ${model.parameterCount} numbers, got ${parameters.length}`,
    );
  }
  const tensors = new Map<string, Tensor>();
  for (const { name, start, end } of model.layers) {
    tensors.set(name, { shape: [end - start], values: parameters.subarray(start, end) });
  }
  return encodeModelFile({ architecture: { ...architecture }, tags, features, statement, tensors });
}

/**
 * Reads what {@link saveTrainedModel} wrote; `createModel(architecture)` then predicts with the parameters.
 *
 * @param expected - tags and features of the caller's schema; a model of others is refused by name
 * @throws {VelaturaError} `federated/invalid-model-file`
 */
export function loadTrainedModel(bytes: Uint8Array, expected: ExpectedModel = {}): TrainedModel {
  const { tags, features, statement, tensors, ...file } = decodeModelFile(bytes, expected);
  const architecture = checkArchitecture(file.architecture);
  const model = createModel(architecture);
  checkShape(architecture, model, tags, features);
  expectTensors(
    tensors,
    model.layers.map(({ name }) => name),
  );
  // Every tensor is looked at before the whole is allocated.
  const layers = model.layers.map(({ name, start, end }) => ({
    start,
    values: float32Tensor(tensors, name, [end - start]),
  }));
  const parameters = new Float32Array(model.parameterCount);
  for (const { start, values } of layers) parameters.set(values, start);
  return { architecture, tags, features, parameters, statement };
}

/** Built-in models in files and versions. */
export function trainedModelFormat(expected: ExpectedModel = {}): ModelFormat<TrainedModel> {
  return { encode: saveTrainedModel, decode: (bytes) => loadTrainedModel(bytes, expected) };
}

function checkShape(
  architecture: ModelArchitecture,
  model: Trainable,
  tags: readonly string[],
  features: readonly string[],
): void {
  const inputs = architecture.kind === 'embedding-bag' ? 0 : model.inputDimension;
  if (features.length !== inputs) {
    throw invalidFile(`"features" expected ${inputs} names for the model, got ${features.length}`);
  }
  if (tags.length === 0 || model.outputDimension % tags.length !== 0) {
    throw invalidFile(
      `"tags" expected a divisor of the ${model.outputDimension} outputs, got ${tags.length} names`,
    );
  }
}
