/** Rows of examples, row-major. */
export interface Batch {
  readonly rows: number;
  /** `[rows, inputDimension]` */
  readonly features: Float32Array;
  /** `[rows, outputDimension]` */
  readonly labels: Float32Array;
}

/**
 * A model that can be trained privately: parameters are one flat vector, and per-example gradient norms
 * come without per-example gradients (for dense layers ‖activation‖·‖backpropagated error‖).
 *
 * Conformance suite: `trainableConformance` in `velatura/testing`.
 */
export interface Trainable {
  readonly parameterCount: number;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** A fresh start, without looking at data. `[parameterCount]` */
  initialParameters(): Float32Array;
  /** Sum over the rows of the loss. */
  loss(parameters: Float32Array, batch: Batch): number;
  /**
   * Writes the sum (never the mean) over the rows of the loss gradient into `out` (`[parameterCount]`)
   * and returns the summed loss.
   */
  gradient(parameters: Float32Array, batch: Batch, out: Float32Array): number;
  /** Writes the l2 norm of each row's gradient into `out` (`[rows]`). */
  gradientNorms(parameters: Float32Array, batch: Batch, out: Float32Array): void;
  /** Writes predictions into `out` (`[rows, outputDimension]`): probabilities for classifiers. */
  predict(parameters: Float32Array, features: Float32Array, rows: number, out: Float32Array): void;
}
