import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { ClippedGradient, GradientClip } from '../federated/index.ts';
import { clipRows, type LayerNorms } from '../federated/models/row-clipping.ts';
import type { ExampleGradients, TensorBatch } from './example-gradients.ts';
import type { FlatWeights } from './flat-weights.ts';
import type { Tfjs } from './load.ts';
import { squaredNorm } from './squared-norm.ts';

/**
 * Gradients of a model of any kind, by the backpropagation of TensorFlow.js: single examples one after the
 * other, whole batches at once. What an example adds to a clipped sum is bounded whatever the model does,
 * because its own gradient is clipped as it comes out.
 */
export class AnyModel implements ExampleGradients {
  readonly #core: Tfjs['core'];
  readonly #weights: FlatWeights;
  readonly #logits: (features: Tensor) => Tensor;

  constructor(core: Tfjs['core'], weights: FlatWeights, logits: (features: Tensor) => Tensor) {
    this.#core = core;
    this.#weights = weights;
    this.#logits = logits;
  }

  sum(batch: TensorBatch, out: Float32Array): number {
    return this.#rows(batch, 0, batch.rows, out);
  }

  norms(batch: TensorBatch, out: Float32Array): void {
    const gradient = new Float32Array(this.#weights.length);
    for (let row = 0; row < batch.rows; row++) {
      this.#rows(batch, row, row + 1, gradient);
      const layers = this.#layerNorms(gradient);
      const squared = layers.reduce((sum, { error }) => sum + (error[0] as number), 0);
      out[row] = Math.sqrt(squared);
    }
  }

  clippedSum(batch: TensorBatch, clip: GradientClip, out: Float32Array): ClippedGradient {
    const gradient = new Float32Array(this.#weights.length);
    const sum = new Float64Array(this.#weights.length);
    let loss = 0;
    let clippedRows = 0;
    for (let row = 0; row < batch.rows; row++) {
      loss += this.#rows(batch, row, row + 1, gradient);
      const clipped = clipRows(this.#layerNorms(gradient), 1, clip);
      clippedRows += clipped.clippedRows;
      if (clipped.leftOut.length > 0) continue;
      this.#weights.layers.forEach(({ start, end }, layer) => {
        const scale = clipped.scales[layer]?.[0] as number;
        for (let i = start; i < end; i++) {
          sum[i] = (sum[i] as number) + scale * (gradient[i] as number);
        }
      });
    }
    out.set(sum);
    return { loss, clippedRows };
  }

  /** Summed gradient of some rows. */
  #rows(batch: TensorBatch, start: number, end: number, out: Float32Array): number {
    const core = this.#core;
    let loss = 0;
    core.tidy(() => {
      const { grads } = core.variableGrads(() => {
        const logits = this.#logits(batch.features(start, end));
        const found = batch.errors(logits.dataSync() as Float32Array, start, end);
        loss = found.loss;
        // The gradient of Σ error·logit, errors held fixed, is that of the loss.
        const errors = core.tensor(found.errors, logits.shape);
        return core.sum(core.mul(logits, errors)) as Scalar;
      }, [...this.#weights.variables]);
      this.#weights.gather(({ name }) => grads[name], out);
    });
    return loss;
  }

  /** The gradient of one row in every layer, as an error that meets an activation of 1. */
  #layerNorms(gradient: Float32Array): readonly LayerNorms[] {
    return this.#weights.layers.map(({ start, end }) => {
      return {
        activation: Float64Array.of(1),
        error: Float64Array.of(squaredNorm(gradient.subarray(start, end))),
        errorWidth: end - start,
      };
    });
  }
}
