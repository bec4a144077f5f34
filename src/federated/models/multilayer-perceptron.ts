import type { Kernels } from '../../core/kernels/kernels.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import { type Activation, DenseStack } from './dense-stack.ts';
import { LayeredModel } from './layered-model.ts';
import { type LossOptions, outputLoss } from './output-loss.ts';

/** Parameters of {@link MultilayerPerceptron}. */
export interface MultilayerPerceptronOptions extends LossOptions {
  readonly inputDimension: number;
  /** Width of each hidden layer, the one next to the inputs first. */
  readonly hidden: readonly number[];
  readonly outputDimension: number;
  /** After each hidden layer. */
  readonly activation: Activation;
  /** Of the initial weights: the same seed gives the same start everywhere. */
  readonly seed: string | number;
  /** The arithmetic to compute with; the fastest that runs here if left out. */
  readonly kernels?: Kernels;
}

/**
 * Dense layers of any depth with biases. Parameters are the layers one after the other, each its weights
 * `[outputs, inputs]`, row-major, then its biases `[outputs]`. Initial weights are uniform with variance
 * 2/inputs before a ReLU and 1/inputs elsewhere, biases zero.
 *
 * Methods throw RangeError when an array does not fit the dimensions and rows.
 */
export class MultilayerPerceptron extends LayeredModel {
  /** @throws RangeError when a dimension is not an integer in [1, 2²⁰], or the loss does not fit it */
  constructor(options: MultilayerPerceptronOptions) {
    const { inputDimension, outputDimension, kernels = selectKernels() } = options;
    const pass = new DenseStack({
      ...{ kernels, inputDimension, widths: [...options.hidden, outputDimension] },
      ...{ activation: options.activation, bias: true, inputErrors: false, start: 0 },
      ...{ loss: outputLoss(options), seed: options.seed },
    });
    super({ kernels, inputDimension, outputDimension, pass });
  }
}
