import type { Kernels } from '../../core/kernels/kernels.ts';
import { checkClip, type GradientClip } from './gradient-clip.ts';
import type { LabelledBlock, LayeredPass } from './layered-pass.ts';
import { checkBatch, checkLength, checkRows } from './model-checks.ts';
import { clipRows } from './row-clipping.ts';
import type { Batch, ClippedGradient, LayerRange, Trainable } from './trainable.ts';

/** Rows that are worked on together: enough for the kernels, few enough for the second-level cache. */
const BLOCK_ROWS = 256;

/** What a {@link LayeredModel} is made of. */
export interface LayeredModelParts {
  readonly kernels: Kernels;
  readonly inputDimension: number;
  readonly outputDimension: number;
  readonly pass: LayeredPass;
}

/**
 * What all built-in models have in common: batches are cut into blocks of rows, and each block is passed through
 * the layers and back. Memory is kept from call to call and shared by all models on the same kernels.
 *
 * Methods throw RangeError when an array does not fit the dimensions and rows.
 */
export abstract class LayeredModel implements Trainable {
  readonly inputDimension: number;
  readonly outputDimension: number;
  readonly parameterCount: number;
  readonly layers: readonly LayerRange[];
  readonly #kernels: Kernels;
  readonly #pass: LayeredPass;

  protected constructor({ kernels, inputDimension, outputDimension, pass }: LayeredModelParts) {
    this.inputDimension = inputDimension;
    this.outputDimension = outputDimension;
    this.layers = pass.layers.map(({ name, start, end }) => ({ name, start, end }));
    this.parameterCount = (this.layers.at(-1) as LayerRange).end;
    this.#kernels = kernels;
    this.#pass = pass;
  }

  initialParameters(): Float32Array {
    const parameters = new Float32Array(this.parameterCount);
    this.#pass.initialise(parameters);
    return parameters;
  }

  loss(parameters: Float32Array, batch: Batch): number {
    checkBatch(this, parameters, batch);
    let loss = 0;
    this.#blocks(batch, (block) => {
      loss += this.#pass.loss(parameters, block, 1);
    });
    return loss;
  }

  gradient(parameters: Float32Array, batch: Batch, out: Float32Array): number {
    checkBatch(this, parameters, batch);
    checkLength('out', out, this.parameterCount);
    if (batch.rows === 0) out.fill(0);
    let loss = 0;
    this.#blocks(batch, (block, from) => {
      loss += this.#pass.errors(parameters, block, 1);
      this.#pass.accumulate(block, out, from === 0 ? 'zero' : 'out');
    });
    return loss;
  }

  descend(parameters: Float32Array, batch: Batch, rate: number): number {
    checkBatch(this, parameters, batch);
    if (!Number.isFinite(rate)) throw new RangeError(`"rate" expected a number, got ${rate}`);
    if (Math.fround(rate) === 0) return this.loss(parameters, batch);
    if (batch.rows > BLOCK_ROWS) return this.#descendFar(parameters, batch, rate);
    let loss = 0;
    this.#blocks(batch, (block) => {
      loss = this.#pass.errors(parameters, block, -rate) / -rate;
      this.#pass.accumulate(block, parameters, 'out');
    });
    return loss;
  }

  gradientNorms(parameters: Float32Array, batch: Batch, out: Float32Array): void {
    checkBatch(this, parameters, batch);
    checkLength('out', out, batch.rows);
    this.#blocks(batch, (block, from) => {
      this.#pass.errors(parameters, block, 1);
      const norms = this.#pass.norms(block);
      for (let row = 0; row < block.rows; row++) {
        let squared = 0;
        for (const { activation, error } of norms) {
          squared += (activation[row] as number) * (error[row] as number);
        }
        out[from + row] = Math.sqrt(squared);
      }
    });
  }

  clippedGradient(
    parameters: Float32Array,
    batch: Batch,
    clip: GradientClip,
    out: Float32Array,
  ): ClippedGradient {
    checkBatch(this, parameters, batch);
    checkLength('out', out, this.parameterCount);
    checkClip(clip, this.layers.length);
    if (batch.rows === 0) out.fill(0);
    let loss = 0;
    let clippedRows = 0;
    this.#blocks(batch, (block, from) => {
      loss += this.#pass.errors(parameters, block, 1);
      const clipping = clipRows(this.#pass.norms(block), block.rows, clip);
      clippedRows += clipping.clippedRows;
      if (clipping.clippedRows > 0) this.#pass.scale(block, clipping);
      const kept = clipping.leftOut.length === 0 ? block : without(block, clipping.leftOut);
      this.#pass.accumulate(kept, out, from === 0 ? 'zero' : 'out');
    });
    return { loss, clippedRows };
  }

  predict(parameters: Float32Array, features: Float32Array, rows: number, out: Float32Array): void {
    checkRows(rows);
    checkLength('parameters', parameters, this.parameterCount);
    checkLength('features', features, rows * this.inputDimension);
    checkLength('out', out, rows * this.outputDimension);
    // Predictions have the shape of labels.
    this.#blocks({ rows, features, labels: out }, (block) => {
      this.#pass.predict(parameters, block, block.labels);
    });
  }

  /** More than one block must see the same parameters: their gradient is summed before the step. */
  #descendFar(parameters: Float32Array, batch: Batch, rate: number): number {
    const gradient = new Float32Array(this.parameterCount);
    const loss = this.gradient(parameters, batch, gradient);
    this.#kernels.axpy(-rate, gradient, parameters);
    return loss;
  }

  /** Visits the rows in blocks, with their features where the kernels reach them. */
  #blocks(batch: Batch, visit: (block: LabelledBlock, from: number) => void): void {
    const { inputDimension, outputDimension } = this;
    const workspace = this.#kernels.workspace();
    try {
      for (let from = 0; from < batch.rows; from += BLOCK_ROWS) {
        const end = Math.min(batch.rows, from + BLOCK_ROWS);
        const features = part(batch.features, from * inputDimension, end * inputDimension);
        const labels = part(batch.labels, from * outputDimension, end * outputDimension);
        const block = { rows: end - from, features: workspace.resident(features), labels };
        visit(block, from);
        workspace.free();
      }
    } finally {
      workspace.free();
    }
  }
}

/** The array itself where that is all of it. */
function part(array: Float32Array, start: number, end: number): Float32Array {
  return end - start === array.length ? array : array.subarray(start, end);
}

/** The block with zeros for the features of some rows, which may not be finite. */
function without(block: LabelledBlock, rows: readonly number[]): LabelledBlock {
  const features = block.features.slice();
  const width = features.length / block.rows;
  for (const row of rows) features.fill(0, row * width, (row + 1) * width);
  return { ...block, features };
}
