import type { Tensor } from '@tensorflow/tfjs-core';
import type { ClippedGradient, GradientClip } from '../federated/index.ts';

/** Loss of some logits `[rows, outputs]`, and its gradient by them. */
export interface LogitErrors {
  readonly loss: number;
  readonly errors: Float32Array;
}

/** A batch as the backend holds it. */
export interface TensorBatch {
  readonly rows: number;
  /** Rows `start` to `end`. `[end − start, …input shape]` */
  features(start: number, end: number): Tensor;
  /** Loss and errors of those rows from their logits. */
  errors(logits: Float32Array, start: number, end: number): LogitErrors;
}

/** How a kind of model finds the gradients of single examples. Parameters are already in the model. */
export interface ExampleGradients {
  /** Writes the summed gradient into `out` and returns the summed loss. */
  sum(batch: TensorBatch, out: Float32Array): number;
  /** Writes the l2 norm of each row's gradient into `out` (`[rows]`). */
  norms(batch: TensorBatch, out: Float32Array): void;
  /** Writes the sum of the clipped gradients into `out`. */
  clippedSum(batch: TensorBatch, clip: GradientClip, out: Float32Array): ClippedGradient;
}
