import type { Kernels, Workspace } from '../../core/kernels/kernels.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import type { Batch, Trainable } from './trainable.ts';

/** Parameters of {@link LogisticModel}. */
export interface LogisticModelOptions {
  readonly inputDimension: number;
  readonly outputDimension: number;
  /**
   * The arithmetic to compute with; the fastest that runs here if left out. Vectors and plain loops add in
   * another order: results differ by a few units in the last place of float32.
   */
  readonly kernels?: Kernels;
}

/**
 * Independent logistic regressions, one a tag, on shared features: parameter `[o, i]` is the weight of
 * feature i for tag o, row-major. A constant feature is the caller's business, because its size belongs
 * inside the norm bound of the features.
 *
 * Methods throw RangeError when an array does not fit the dimensions and rows.
 */
export class LogisticModel implements Trainable {
  readonly inputDimension: number;
  readonly outputDimension: number;
  readonly parameterCount: number;
  readonly #kernels: Kernels;

  /** @throws RangeError when a dimension is not a positive integer */
  constructor(options: LogisticModelOptions) {
    for (const name of ['inputDimension', 'outputDimension'] as const) {
      const value = options[name];
      if (!Number.isInteger(value) || value < 1) {
        throw new RangeError(`"${name}" expected a positive integer, got ${value}`);
      }
    }
    this.inputDimension = options.inputDimension;
    this.outputDimension = options.outputDimension;
    this.parameterCount = options.inputDimension * options.outputDimension;
    this.#kernels = options.kernels ?? selectKernels();
  }

  initialParameters(): Float32Array {
    return new Float32Array(this.parameterCount);
  }

  loss(parameters: Float32Array, batch: Batch): number {
    this.#check(parameters, batch);
    if (batch.rows === 0) return 0;
    return this.#within((workspace) => this.#residuals(workspace, parameters, batch).loss);
  }

  gradient(parameters: Float32Array, batch: Batch, out: Float32Array): number {
    this.#check(parameters, batch);
    checkLength('out', out, this.parameterCount);
    if (batch.rows === 0) {
      out.fill(0);
      return 0;
    }
    return this.#within((workspace) => {
      const { features, residuals, loss } = this.#residuals(workspace, parameters, batch);
      const shape = {
        rows: this.outputDimension,
        columns: this.inputDimension,
        inner: batch.rows,
      };
      this.#kernels.gemmTN(shape, residuals, features, out, 'zero');
      return loss;
    });
  }

  gradientNorms(parameters: Float32Array, batch: Batch, out: Float32Array): void {
    this.#check(parameters, batch);
    const { rows } = batch;
    checkLength('out', out, rows);
    if (rows === 0) return;
    this.#within((workspace) => {
      const { features, residuals } = this.#residuals(workspace, parameters, batch);
      const activation = new Float64Array(rows);
      const error = new Float64Array(rows);
      this.#kernels.rowSquaredNorms({ rows, columns: this.inputDimension }, features, activation);
      this.#kernels.rowSquaredNorms({ rows, columns: this.outputDimension }, residuals, error);
      for (let row = 0; row < rows; row++) {
        // The gradient is the outer product of residual and activation: its norm is the product of norms.
        out[row] = Math.sqrt((error[row] as number) * (activation[row] as number));
      }
    });
  }

  predict(parameters: Float32Array, features: Float32Array, rows: number, out: Float32Array): void {
    checkLength('parameters', parameters, this.parameterCount);
    checkLength('features', features, rows * this.inputDimension);
    checkLength('out', out, rows * this.outputDimension);
    if (rows === 0) return;
    this.#kernels.gemmNT(this.#logitShape(rows), features, parameters, out, 'zero');
    this.#kernels.sigmoid(out);
  }

  #check(parameters: Float32Array, { rows, features, labels }: Batch): void {
    if (!Number.isSafeInteger(rows) || rows < 0) {
      throw new RangeError(`"rows" expected a count, got ${rows}`);
    }
    checkLength('parameters', parameters, this.parameterCount);
    checkLength('features', features, rows * this.inputDimension);
    checkLength('labels', labels, rows * this.outputDimension);
  }

  /** Probability − label of every row and tag, `[rows, outputDimension]`, and the summed loss. */
  #residuals(
    workspace: Workspace,
    parameters: Float32Array,
    batch: Batch,
  ): { features: Float32Array; residuals: Float32Array; loss: number } {
    const features = workspace.resident(batch.features);
    const residuals = workspace.float32(batch.rows * this.outputDimension);
    this.#kernels.gemmNT(this.#logitShape(batch.rows), features, parameters, residuals, 'zero');
    const loss = this.#kernels.sigmoidCrossEntropy(residuals, batch.labels, 1);
    return { features, residuals, loss };
  }

  #logitShape(rows: number): { rows: number; columns: number; inner: number } {
    return { rows, columns: this.outputDimension, inner: this.inputDimension };
  }

  /** Runs with a workspace that is given back whatever happens. */
  #within<T>(body: (workspace: Workspace) => T): T {
    const workspace = this.#kernels.workspace();
    try {
      return body(workspace);
    } finally {
      workspace.free();
    }
  }
}

function checkLength(name: string, array: Float32Array, expected: number): void {
  if (array.length !== expected) {
    throw new RangeError(`"${name}" expected ${expected} numbers, got ${array.length}`);
  }
}
