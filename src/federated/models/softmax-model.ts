import type { Kernels } from '../../core/kernels/kernels.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import { linearPass } from './dense-stack.ts';
import { LayeredModel } from './layered-model.ts';
import { checkDimension } from './model-checks.ts';
import { softmaxLoss } from './output-loss.ts';

/** Parameters of {@link SoftmaxModel}. */
export interface SoftmaxModelOptions {
  readonly inputDimension: number;
  /** Classes of each tag. */
  readonly classes: number;
  /** Tags, each with its own classes; 1 if left out. */
  readonly tags?: number;
  /** The arithmetic to compute with; the fastest that runs here if left out. */
  readonly kernels?: Kernels;
}

/**
 * Tags that are one of several classes: a multinomial logistic regression each, on shared features. Parameter
 * `[t·classes + c, i]` is the weight of feature i for class c of tag t, row-major; a constant feature is the
 * caller's business. Labels are weights ≥ 0 of the classes: a single 1, shares, or zeros where a tag is not known.
 *
 * For levels in an order use `LogisticModel` with the labels of `levelLabels`.
 *
 * Methods throw RangeError when an array does not fit the dimensions and rows.
 */
export class SoftmaxModel extends LayeredModel {
  readonly classes: number;

  /** @throws RangeError when a dimension is not an integer in [1, 2²⁰] */
  constructor(options: SoftmaxModelOptions) {
    const { inputDimension, classes, tags = 1, kernels = selectKernels() } = options;
    checkDimension('classes', classes);
    checkDimension('tags', tags);
    const form = { kernels, inputDimension, outputDimension: tags * classes };
    super({ ...form, pass: linearPass(form, softmaxLoss(classes)) });
    this.classes = classes;
  }
}
