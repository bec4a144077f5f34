import type { Kernels } from '../../core/kernels/kernels.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import { linearPass } from './dense-stack.ts';
import { LayeredModel } from './layered-model.ts';
import { SIGMOID_LOSS } from './output-loss.ts';

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
export class LogisticModel extends LayeredModel {
  /** @throws RangeError when a dimension is not an integer in [1, 2²⁰] */
  constructor(options: LogisticModelOptions) {
    const { inputDimension, outputDimension, kernels = selectKernels() } = options;
    const form = { kernels, inputDimension, outputDimension };
    super({ ...form, pass: linearPass(form, SIGMOID_LOSS) });
  }
}
