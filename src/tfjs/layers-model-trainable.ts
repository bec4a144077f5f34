import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Kernels } from '../core/kernels/kernels.ts';
import { selectKernels } from '../core/kernels/select.ts';
import type {
  Batch,
  ClippedGradient,
  GradientClip,
  LayerRange,
  Trainable,
} from '../federated/index.ts';
import { checkClip } from '../federated/models/gradient-clip.ts';
import { AnyModel } from './any-model.ts';
import { DenseChain } from './dense-chain.ts';
import type { ExampleGradients, LogitErrors, TensorBatch } from './example-gradients.ts';
import { FlatWeights } from './flat-weights.ts';
import type { Tfjs } from './load.ts';
import { logitsOf, type TfjsLoss } from './output-head.ts';
import { unsupportedModel } from './refuse.ts';

/** Options of {@link LayersModelTrainable}. */
export interface LayersModelOptions {
  /** From `loadTfjs`, or the program's own copy of TensorFlow.js, which must be the one the model was made with. */
  readonly tfjs: Tfjs;
  /** `sigmoid`: independent tags. `softmax`: classes that exclude each other; labels are class weights. */
  readonly loss: TfjsLoss;
  /** The arithmetic of losses, norms and clipped sums; the fastest that runs here if left out. */
  readonly kernels?: Kernels;
}

/**
 * A model of TensorFlow.js as a `Trainable`. One tensor goes in (`[rows, …]`, of any fixed shape: features are
 * its numbers row-major), one of `[rows, outputs]` comes out: logits, or the sigmoid or softmax of them.
 *
 * Parameters are the trainable weights in the order of `model.trainableWeights`, each row-major; those that are
 * not trainable stay as they are. The model is the adapter's scratch space: every call overwrites its weights.
 * It runs as it would be served, without dropout and with fixed statistics of batch normalisation. What the
 * model was compiled with does not count, nor do regularisers and constraints of its layers.
 *
 * Chains of dense layers are clipped without gradients of single examples, all other models one example after
 * the other. Methods throw RangeError when an array does not fit the model.
 *
 * ## Privacy
 * The initial weights are released as they are: they must not come from people's data. A chain of dense layers
 * is summed by this library's own kernels, whose error is bounded; the gradient of one example of any other
 * model is clipped after it was computed, so that neither depends on the arithmetic of the backend.
 */
export class LayersModelTrainable implements Trainable {
  readonly parameterCount: number;
  readonly inputDimension: number;
  readonly outputDimension: number;
  readonly layers: readonly LayerRange[];
  readonly #tfjs: Tfjs;
  readonly #loss: TfjsLoss;
  readonly #kernels: Kernels;
  readonly #weights: FlatWeights;
  readonly #initial: Float32Array;
  readonly #inputShape: readonly number[];
  readonly #inputType: 'float32' | 'int32';
  readonly #logits: (features: Tensor) => Tensor;
  readonly #gradients: ExampleGradients;

  /**
   * @param model - built, so that its shapes are known
   * @throws {VelaturaError} `tfjs/unsupported-model` for several inputs or outputs, open shapes, state kept
   * between calls, another last activation than the loss's, or an operation the backend has no gradient for
   */
  constructor(model: LayersModel, options: LayersModelOptions) {
    const { tfjs, loss, kernels = selectKernels() } = options;
    if (loss !== 'sigmoid' && loss !== 'softmax') {
      throw new RangeError(`"loss" expected sigmoid or softmax, got ${loss}`);
    }
    if (model.stateful) throw unsupportedModel('it carries state from one person to the next');
    this.#inputShape = fixedShape('input', model.inputs);
    const outputs = fixedShape('output', model.outputs);
    if (outputs.length !== 1) throw unsupportedModel('its output expected rows of numbers');
    this.#inputType = model.inputs[0]?.dtype === 'int32' ? 'int32' : 'float32';
    this.#tfjs = tfjs;
    this.#loss = loss;
    this.#kernels = kernels;
    this.#weights = new FlatWeights(tfjs.core, model);
    this.#initial = this.#weights.read();
    this.#logits = logitsOf(tfjs, model, loss);
    this.#gradients =
      DenseChain.of(tfjs, kernels, model, this.#weights, loss) ??
      new AnyModel(tfjs.core, this.#weights, this.#logits);
    this.parameterCount = this.#weights.length;
    this.layers = this.#weights.layers;
    this.inputDimension = this.#inputShape.reduce((product, size) => product * size, 1);
    this.outputDimension = outputs[0] as number;
    this.#tryOut();
  }

  /** The weights the model had when the adapter was made. */
  initialParameters(): Float32Array {
    return this.#initial.slice();
  }

  loss(parameters: Float32Array, batch: Batch): number {
    this.#check(parameters, batch);
    if (batch.rows === 0) return 0;
    this.#weights.write(parameters);
    const data = this.#tensors(batch);
    const logits = this.#forward(() => data.features(0, batch.rows));
    return data.errors(logits, 0, batch.rows).loss;
  }

  gradient(parameters: Float32Array, batch: Batch, out: Float32Array): number {
    this.#check(parameters, batch);
    checkLength('out', out, this.parameterCount);
    if (batch.rows === 0) {
      out.fill(0);
      return 0;
    }
    this.#weights.write(parameters);
    return this.#gradients.sum(this.#tensors(batch), out);
  }

  gradientNorms(parameters: Float32Array, batch: Batch, out: Float32Array): void {
    this.#check(parameters, batch);
    checkLength('out', out, batch.rows);
    if (batch.rows === 0) return;
    this.#weights.write(parameters);
    this.#gradients.norms(this.#tensors(batch), out);
  }

  clippedGradient(
    parameters: Float32Array,
    batch: Batch,
    clip: GradientClip,
    out: Float32Array,
  ): ClippedGradient {
    this.#check(parameters, batch);
    checkLength('out', out, this.parameterCount);
    checkClip(clip, this.layers.length);
    if (batch.rows === 0) {
      out.fill(0);
      return { loss: 0, clippedRows: 0 };
    }
    this.#weights.write(parameters);
    return this.#gradients.clippedSum(this.#tensors(batch), clip, out);
  }

  predict(parameters: Float32Array, features: Float32Array, rows: number, out: Float32Array): void {
    checkLength('parameters', parameters, this.parameterCount);
    checkLength('features', features, rows * this.inputDimension);
    checkLength('out', out, rows * this.outputDimension);
    if (rows === 0) return;
    this.#weights.write(parameters);
    out.set(this.#forward(() => this.#featureTensor(features, rows)));
    if (this.#loss === 'sigmoid') this.#kernels.sigmoid(out);
    else softmaxRows(out, this.outputDimension);
  }

  /** Puts parameters into the model, to save or serve it as TensorFlow.js does. */
  writeWeights(parameters: Float32Array): void {
    checkLength('parameters', parameters, this.parameterCount);
    this.#weights.write(parameters);
  }

  /** Finds out now, not in the middle of training, what the backend cannot do. */
  #tryOut(): void {
    const features = new Float32Array(this.inputDimension);
    const labels = new Float32Array(this.outputDimension);
    try {
      const out = new Float32Array(this.parameterCount);
      this.gradient(this.#initial, { rows: 1, features, labels }, out);
    } catch (cause) {
      const { message } = cause as Error;
      // Written by TensorFlow.js: "Kernel 'X' not registered for backend 'Y'".
      if (!/not registered|gradient/i.test(message)) throw cause;
      throw unsupportedModel(`the backend "${this.#tfjs.backend}" says: ${message}`);
    }
  }

  #forward(features: () => Tensor): Float32Array {
    const { core } = this.#tfjs;
    let logits = new Float32Array();
    core.tidy(() => {
      logits = Float32Array.from(this.#logits(features()).dataSync());
    });
    return logits;
  }

  #featureTensor(features: Float32Array, rows: number): Tensor {
    const { core } = this.#tfjs;
    const shape = [rows, ...this.#inputShape];
    if (this.#inputType === 'int32') {
      return core.tensor(Int32Array.from(features), shape, 'int32');
    }
    return core.tensor(features, shape, 'float32');
  }

  #tensors({ rows, features, labels }: Batch): TensorBatch {
    const part = (array: Float32Array, width: number, start: number, end: number): Float32Array =>
      array.subarray(start * width, end * width);
    return {
      rows,
      features: (start, end) =>
        this.#featureTensor(part(features, this.inputDimension, start, end), end - start),
      errors: (logits, start, end) =>
        this.#errors(logits, part(labels, this.outputDimension, start, end), end - start),
    };
  }

  #errors(logits: Float32Array, labels: Float32Array, rows: number): LogitErrors {
    const errors = Float32Array.from(logits);
    const shape = { rows, columns: this.outputDimension };
    const loss =
      this.#loss === 'sigmoid'
        ? this.#kernels.sigmoidCrossEntropy(errors, labels, 1)
        : this.#kernels.softmaxCrossEntropy(shape, errors, labels, 1);
    return { loss, errors };
  }

  #check(parameters: Float32Array, { rows, features, labels }: Batch): void {
    if (!Number.isSafeInteger(rows) || rows < 0) {
      throw new RangeError(`"rows" expected a count, got ${rows}`);
    }
    checkLength('parameters', parameters, this.parameterCount);
    checkLength('features', features, rows * this.inputDimension);
    checkLength('labels', labels, rows * this.outputDimension);
  }
}

/** Shape of the only tensor without its batch dimension. */
function fixedShape(
  what: 'input' | 'output',
  tensors: readonly { readonly shape: readonly (number | null)[] }[],
): readonly number[] {
  const [tensor, second] = tensors;
  if (tensor === undefined || second !== undefined) {
    throw unsupportedModel(`it expected one ${what}, got ${tensors.length}`);
  }
  return tensor.shape.slice(1).map((size) => {
    if (size === null) throw unsupportedModel(`the shape of its ${what} is open`);
    return size;
  });
}

function checkLength(name: string, array: Float32Array, expected: number): void {
  if (array.length !== expected) {
    throw new RangeError(`"${name}" expected ${expected} numbers, got ${array.length}`);
  }
}

function softmaxRows(values: Float32Array, columns: number): void {
  for (let start = 0; start < values.length; start += columns) {
    const row = values.subarray(start, start + columns);
    const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const weights = Float64Array.from(row, (value) => Math.exp(value - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    row.set(weights.map((weight) => weight / total));
  }
}
