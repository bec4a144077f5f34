import type { Kernels } from '../../core/kernels/kernels.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import { linearPass } from './dense-stack.ts';
import { LayeredModel } from './layered-model.ts';
import { regressionLoss, type TargetBounds } from './output-loss.ts';

/** Parameters of {@link RegressionModel}. */
export interface RegressionModelOptions {
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** Of all targets; what lies beyond is clipped. */
  readonly bounds: TargetBounds;
  /** The arithmetic to compute with; the fastest that runs here if left out. */
  readonly kernels?: Kernels;
}

/**
 * Numbers between public bounds, a fractional logit each, on shared features: the prediction is
 * lower + (upper − lower) · σ(w·x), never outside the bounds. Labels are targets as they are; they are clipped to
 * the bounds, so that no row pulls harder than its features allow. Parameters lie as in `LogisticModel`.
 *
 * The loss is the cross-entropy of the scaled target and σ: least at the mean of the targets as with squared
 * errors, but convex with a gradient of at most 1 per output (Papke and Wooldridge 1996).
 *
 * Methods throw RangeError when an array does not fit the dimensions and rows.
 */
export class RegressionModel extends LayeredModel {
  /** @throws RangeError when a dimension is not an integer in [1, 2²⁰], or the bounds are none */
  constructor(options: RegressionModelOptions) {
    const { inputDimension, outputDimension, kernels = selectKernels() } = options;
    const form = { kernels, inputDimension, outputDimension };
    super({ ...form, pass: linearPass(form, regressionLoss(options.bounds)) });
  }
}
