import type { GradientClip } from './gradient-clip.ts';

/** Rows of examples, row-major. */
export interface Batch {
  readonly rows: number;
  /** `[rows, inputDimension]` */
  readonly features: Float32Array;
  /** `[rows, outputDimension]` */
  readonly labels: Float32Array;
}

/** One layer's stretch of the flat parameters, its biases included: `start` up to, not including, `end`. */
export interface LayerRange {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What a clipped sum tells beside itself. Neither number is protected. */
export interface ClippedGradient {
  /** Summed loss of the rows, unclipped. */
  readonly loss: number;
  /** Rows that were scaled down, or left out because their gradient is not finite. */
  readonly clippedRows: number;
}

/**
 * A model that can be trained privately: parameters are one flat vector, and per-example gradient norms
 * come without per-example gradients (for dense layers ‖activation‖·‖backpropagated error‖).
 *
 * Methods may keep memory from call to call, and are not re-entrant: one model serves one thread.
 *
 * Conformance suite: `trainableConformance` in `velatura/testing`.
 */
export interface Trainable {
  readonly parameterCount: number;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** The layers in the order of the parameters, which they cover without a gap. */
  readonly layers: readonly LayerRange[];
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
  /**
   * Writes Σ over the rows of the row's gradient, each scaled down to its clip, into `out`
   * (`[parameterCount]`).
   *
   * ## Privacy
   * `out` is at most `clippedSumError(model, rows, clip)` away, in l2, from an exact sum of vectors one a row,
   * each of them a function of the parameters and its own row alone, whose norm is at most the clip (whole, or
   * in each layer), whatever the row holds; a row whose gradient is not finite adds nothing.
   */
  clippedGradient(
    parameters: Float32Array,
    batch: Batch,
    clip: GradientClip,
    out: Float32Array,
  ): ClippedGradient;
  /** Writes predictions into `out` (`[rows, outputDimension]`): probabilities for classifiers. */
  predict(parameters: Float32Array, features: Float32Array, rows: number, out: Float32Array): void;
  /**
   * One step of gradient descent in place: parameters ← parameters − rate · gradient of the sum over the rows.
   * Returns the summed loss before the step. Absent where a model has no faster way than `gradient`.
   */
  descend?(parameters: Float32Array, batch: Batch, rate: number): number;
  /**
   * Refuses rows that the other methods would refuse for what they hold. Absent where every row of finite
   * numbers will do. Private training asks it of all rows at once, before anything is released, so that no row
   * decides in the middle whether the training goes on.
   *
   * @throws {VelaturaError} that names the row, and never what it holds
   */
  checkExamples?(batch: Batch): void;
}
