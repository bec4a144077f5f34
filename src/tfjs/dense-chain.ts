import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Kernels } from '../core/kernels/kernels.ts';
import type { ClippedGradient, GradientClip } from '../federated/index.ts';
import { clipRows, type LayerNorms } from '../federated/models/row-clipping.ts';
import type { ExampleGradients, TensorBatch } from './example-gradients.ts';
import type { FlatWeights } from './flat-weights.ts';
import type { Tfjs } from './load.ts';
import {
  activationOf,
  applied,
  denseWeights,
  endsInLink,
  type Layer,
  singleInput,
  type TfjsLoss,
} from './output-head.ts';

/** Layers without weights that treat every example by itself. */
const PLAIN_LAYERS: readonly string[] = [
  'InputLayer',
  'Activation',
  'ReLU',
  'LeakyReLU',
  'ELU',
  'ThresholdedReLU',
  'Softmax',
  'Dropout',
  'Flatten',
  'Reshape',
];

/**
 * Backends whose products add up every row in the same order whatever rows stand beside it. A clipped sum needs
 * that, for another person's row must not move one's own; elsewhere rows are computed one by one.
 */
const ROW_WISE_BACKENDS: readonly string[] = ['wasm', 'cpu'];

/** Widest layer for which norms that the kernels add up one after the other are as exact as clipping assumes. */
const WIDEST = 2 ** 20;

/** A dense layer between what goes in and its activation. */
interface DenseStage {
  readonly kind: 'dense';
  readonly inputs: number;
  readonly units: number;
  readonly kernel: Tensor;
  readonly bias: Tensor | null;
  readonly after: Layer | null;
  /** Where its weights begin in the flat vector; null when they are not trained. */
  readonly start: number | null;
}

type Stage = DenseStage | { readonly kind: 'plain'; readonly layer: Layer };

/** What a dense layer's gradient is made of: the sum over rows of input ⊗ error. */
interface DensePass {
  readonly stage: DenseStage;
  /** Where its weights begin in the flat vector. */
  readonly start: number;
  /** `[rows, inputs]` */
  readonly inputs: Float32Array;
  /** Gradient of the loss by what goes into the activation. `[rows, units]` */
  readonly errors: Float32Array;
}

/**
 * Gradients of a chain of dense layers without those of single examples: TensorFlow.js finds the inputs and
 * errors of every layer, the norms are ‖error‖²·(‖input‖² + 1 with a bias) summed over the layers, and the
 * sum of scaled gradients is one product of matrices a layer.
 *
 * Source: Goodfellow, Efficient per-example gradient computations (2015).
 */
export class DenseChain implements ExampleGradients {
  readonly #core: Tfjs['core'];
  readonly #kernels: Kernels;
  readonly #stages: readonly Stage[];

  private constructor(core: Tfjs['core'], kernels: Kernels, stages: readonly Stage[]) {
    this.#core = core;
    this.#kernels = kernels;
    this.#stages = stages;
  }

  /** The model as a chain of dense layers; null when it is anything else, or a layer is wider than 2²⁰. */
  static of(
    { core, layers }: Tfjs,
    kernels: Kernels,
    model: LayersModel,
    weights: FlatWeights,
    loss: TfjsLoss,
  ): DenseChain | null {
    const chain = chainOf(model);
    if (chain === null) return null;
    const last = chain.length - 1;
    const dropLink = endsInLink(model, loss);
    const stages: Stage[] = [];
    for (const [i, layer] of chain.entries()) {
      const link = i === last && dropLink;
      if (layer.getClassName() !== 'Dense') {
        if (!link) stages.push({ kind: 'plain', layer });
        continue;
      }
      const [kernel, bias] = denseWeights(layer);
      const [inputs, units] = kernel.shape as [number, number];
      if (inputs > WIDEST || units > WIDEST) return null;
      const activation = activationOf(layer);
      stages.push({
        kind: 'dense',
        inputs,
        units,
        kernel,
        bias,
        after:
          link || activation === 'linear'
            ? null
            : layers.layers.activation({ activation: activation as 'relu' }),
        start: weights.startOf(kernel) ?? null,
      });
    }
    return new DenseChain(core, kernels, stages);
  }

  sum(batch: TensorBatch, out: Float32Array): number {
    const { loss, passes } = this.#backpropagate(batch, 0, batch.rows);
    this.#products(passes, batch.rows, out);
    return loss;
  }

  norms(batch: TensorBatch, out: Float32Array): void {
    const layers = this.#layerNorms(this.#backpropagate(batch, 0, batch.rows).passes, batch.rows);
    for (let row = 0; row < batch.rows; row++) {
      let squared = 0;
      for (const { activation, error } of layers) {
        squared += (activation[row] as number) * (error[row] as number);
      }
      out[row] = Math.sqrt(squared);
    }
  }

  clippedSum(batch: TensorBatch, clip: GradientClip, out: Float32Array): ClippedGradient {
    const { loss, passes } = ROW_WISE_BACKENDS.includes(this.#core.getBackend())
      ? this.#backpropagate(batch, 0, batch.rows)
      : this.#oneByOne(batch);
    const layers = this.#layerNorms(passes, batch.rows);
    const { scales, clippedRows, leftOut } = clipRows(layers, batch.rows, clip);
    passes.forEach((pass, i) => {
      const shape = { rows: batch.rows, columns: pass.stage.units };
      for (const row of leftOut) empty(pass, row);
      this.#kernels.scaleRows(shape, pass.errors, scales[i] as Float32Array);
    });
    this.#products(passes, batch.rows, out);
    return { loss, clippedRows };
  }

  /** The same as all rows at once, where a row could come out otherwise in another company. */
  #oneByOne(batch: TensorBatch): { loss: number; passes: readonly DensePass[] } {
    const rows = Array.from({ length: batch.rows }, (_, row) =>
      this.#backpropagate(batch, row, row + 1),
    );
    const first = rows[0] as { passes: readonly DensePass[] };
    const passes = first.passes.map(({ stage, start }, i): DensePass => {
      const inputs = new Float32Array(batch.rows * stage.inputs);
      const errors = new Float32Array(batch.rows * stage.units);
      rows.forEach((own, row) => {
        const pass = own.passes[i] as DensePass;
        inputs.set(pass.inputs, row * stage.inputs);
        errors.set(pass.errors, row * stage.units);
      });
      return { stage, start, inputs, errors };
    });
    return { loss: rows.reduce((sum, own) => sum + own.loss, 0), passes };
  }

  #backpropagate(
    batch: TensorBatch,
    start: number,
    end: number,
  ): { loss: number; passes: readonly DensePass[] } {
    const core = this.#core;
    const dense = this.#stages.filter((stage) => stage.kind === 'dense');
    let loss = 0;
    let inputs: readonly Float32Array[] = [];
    let errors: readonly Float32Array[] = [];
    core.tidy(() => {
      // The gradient by a shift of zeros is the error of the place where it is added.
      const gradients = core.grads((...shifts: Tensor[]) => {
        const walk = this.#walk(batch.features(start, end), shifts);
        inputs = walk.inputs;
        const found = batch.errors(walk.logits.dataSync() as Float32Array, start, end);
        loss = found.loss;
        return core.sum(core.mul(walk.logits, core.tensor(found.errors, walk.logits.shape)));
      })(dense.map(({ units }) => core.zeros([end - start, units])));
      // Copies: they are scaled in place.
      errors = gradients.map((tensor) => Float32Array.from(tensor.dataSync()));
    });
    const passes = dense.flatMap((stage, i): DensePass[] => {
      if (stage.start === null) return [];
      const [input, error] = [inputs[i] as Float32Array, errors[i] as Float32Array];
      return [{ stage, start: stage.start, inputs: input, errors: error }];
    });
    return { loss, passes };
  }

  /** Logits, and what went into every dense layer. */
  #walk(
    features: Tensor,
    shifts: readonly Tensor[],
  ): { logits: Tensor; inputs: readonly Float32Array[] } {
    const core = this.#core;
    const inputs: Float32Array[] = [];
    let value = features;
    for (const stage of this.#stages) {
      if (stage.kind === 'plain') {
        value = applied(stage.layer, value);
        continue;
      }
      const shift = shifts[inputs.length] as Tensor;
      inputs.push(Float32Array.from(value.dataSync()));
      value = core.add(core.matMul(value, stage.kernel), shift);
      if (stage.bias !== null) value = core.add(value, stage.bias);
      if (stage.after !== null) value = applied(stage.after, value);
    }
    return { logits: value, inputs };
  }

  /** What the norms of the rows' gradients are made of, layer by layer. */
  #layerNorms(passes: readonly DensePass[], rows: number): readonly LayerNorms[] {
    return passes.map(({ stage, inputs, errors }) => {
      const activation = new Float64Array(rows);
      const error = new Float64Array(rows);
      this.#kernels.rowSquaredNorms({ rows, columns: stage.inputs }, inputs, activation);
      this.#kernels.rowSquaredNorms({ rows, columns: stage.units }, errors, error);
      // The bias is the weight of a constant 1.
      const constant = stage.bias === null ? 0 : 1;
      return {
        activation: activation.map((squared) => squared + constant),
        error,
        errorWidth: stage.units,
      };
    });
  }

  /** Sum over the rows of input ⊗ error, layer by layer. */
  #products(passes: readonly DensePass[], rows: number, out: Float32Array): void {
    const ones = new Float32Array(rows).fill(1);
    for (const { stage, start, inputs, errors } of passes) {
      const { units } = stage;
      const end = start + stage.inputs * units;
      const shape = { rows: stage.inputs, columns: units, inner: rows };
      this.#kernels.gemmTN(shape, inputs, errors, out.subarray(start, end), 'zero');
      if (stage.bias === null) continue;
      const bias = out.subarray(end, end + units).fill(0);
      this.#kernels.accumulateRows({ rows, columns: units }, errors, ones, bias);
    }
  }
}

/** Empties a row on both sides: no factor makes what is not finite harmless. */
function empty({ stage, inputs, errors }: DensePass, row: number): void {
  inputs.fill(0, row * stage.inputs, (row + 1) * stage.inputs);
  errors.fill(0, row * stage.units, (row + 1) * stage.units);
}

/** Layers from input to output where each feeds the next and nothing else; null otherwise. */
function chainOf(model: LayersModel): readonly Layer[] | null {
  const chain: Layer[] = [];
  let from = model.inputs[0];
  for (const layer of model.layers as Layer[]) {
    const kind = layer.getClassName();
    if (kind === 'InputLayer') continue;
    const input = singleInput(layer);
    if (input === null || input !== from) return null;
    if (kind === 'Dense' ? input.shape.length !== 2 : !PLAIN_LAYERS.includes(kind)) return null;
    chain.push(layer);
    from = layer.output as typeof from;
  }
  return from === model.outputs[0] ? chain : null;
}
