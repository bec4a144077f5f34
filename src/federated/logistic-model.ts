import type { Batch, Trainable } from './trainable.ts';

/** Parameters of {@link LogisticModel}. */
export interface LogisticModelOptions {
  readonly inputDimension: number;
  readonly outputDimension: number;
}

/**
 * Independent logistic regressions, one a tag, on shared features: parameter `[o, i]` is the weight of
 * feature i for tag o, row-major. A constant feature is the caller's business, because its size belongs
 * inside the norm bound of the features.
 */
export class LogisticModel implements Trainable {
  readonly inputDimension: number;
  readonly outputDimension: number;
  readonly parameterCount: number;

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
  }

  initialParameters(): Float32Array {
    return new Float32Array(this.parameterCount);
  }

  loss(parameters: Float32Array, batch: Batch): number {
    return this.#visit(parameters, batch, () => {});
  }

  gradient(parameters: Float32Array, batch: Batch, out: Float32Array): number {
    out.fill(0);
    const width = this.inputDimension;
    return this.#visit(parameters, batch, (row, output, residual) => {
      const from = row * width;
      const to = output * width;
      for (let i = 0; i < width; i++) {
        out[to + i] = (out[to + i] as number) + residual * (batch.features[from + i] as number);
      }
    });
  }

  gradientNorms(parameters: Float32Array, batch: Batch, out: Float32Array): void {
    const squares = new Float64Array(batch.rows);
    this.#visit(parameters, batch, (row, _output, residual) => {
      squares[row] = (squares[row] as number) + residual * residual;
    });
    const width = this.inputDimension;
    for (let row = 0; row < batch.rows; row++) {
      let activation = 0;
      for (let i = 0; i < width; i++)
        activation += (batch.features[row * width + i] as number) ** 2;
      // The gradient is the outer product of residual and activation: its norm is the product of norms.
      out[row] = Math.sqrt((squares[row] as number) * activation);
    }
  }

  predict(parameters: Float32Array, features: Float32Array, rows: number, out: Float32Array): void {
    for (let row = 0; row < rows; row++) {
      for (let output = 0; output < this.outputDimension; output++) {
        out[row * this.outputDimension + output] =
          1 / (1 + Math.exp(-this.#logit(parameters, features, row, output)));
      }
    }
  }

  #logit(parameters: Float32Array, features: Float32Array, row: number, output: number): number {
    const width = this.inputDimension;
    let logit = 0;
    for (let i = 0; i < width; i++) {
      logit += (parameters[output * width + i] as number) * (features[row * width + i] as number);
    }
    return logit;
  }

  /** Calls `each` with the residual (probability − label) of every row and tag; returns the summed loss. */
  #visit(
    parameters: Float32Array,
    batch: Batch,
    each: (row: number, output: number, residual: number) => void,
  ): number {
    let loss = 0;
    for (let row = 0; row < batch.rows; row++) {
      for (let output = 0; output < this.outputDimension; output++) {
        const logit = this.#logit(parameters, batch.features, row, output);
        const label = batch.labels[row * this.outputDimension + output] as number;
        // log(1 + e^z) − y·z without overflow.
        loss += Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - label * logit;
        each(row, output, 1 / (1 + Math.exp(-logit)) - label);
      }
    }
    return loss;
  }
}
