import type { Kernels } from '../../core/kernels/kernels.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import { type Activation, DenseStack } from './dense-stack.ts';
import { EmbeddingPass } from './embedding-pass.ts';
import { ItemRows } from './item-rows.ts';
import { LayeredModel } from './layered-model.ts';
import { checkDimension, checkLength, checkRows } from './model-checks.ts';
import { type LossOptions, outputLoss } from './output-loss.ts';
import type { Batch, Trainable } from './trainable.ts';

/** Parameters of {@link EmbeddingBag}. */
export interface EmbeddingBagOptions extends LossOptions {
  /** Size of the public catalogue: item ids are 0 … items − 1. At most 2²⁰. */
  readonly items: number;
  /** Places for items in a row; the public bound on how many of its behaviours a row shows. */
  readonly capacity: number;
  /** Whether each place has a weight; all weigh 1 if left out. */
  readonly weighted?: boolean;
  /**
   * `mean`: coefficients of a row add up to 1. `unit-norm`: their squares do, so that rows with many items are
   * heard as loudly as those with few. Either way a row's pull is bounded, however many items it has.
   */
  readonly pooling: 'mean' | 'unit-norm';
  /** Numbers that stand for one item. */
  readonly dimension: number;
  /** Width of each hidden layer; may be none. */
  readonly hidden: readonly number[];
  readonly outputDimension: number;
  /** After each hidden layer. */
  readonly activation: Activation;
  /** Of the initial values: the same seed gives the same start everywhere. */
  readonly seed: string | number;
  /** The arithmetic to compute with; the fastest that runs here if left out. */
  readonly kernels?: Kernels;
}

/**
 * Sparse behaviours → tags: the embeddings of the items in a row are averaged and go through dense layers with
 * biases.
 *
 * Features of a row are `capacity` item ids, −1 where a place is empty, then, where `weighted`, a weight ≥ 0 for
 * each place; an id that repeats counts as often as it comes. Parameters are the embeddings `[items, dimension]`,
 * row-major, then the layers as in `MultilayerPerceptron`.
 *
 * Methods throw RangeError when an array does not fit the dimensions and rows, and VelaturaError
 * `federated/invalid-contribution` for features that are no items or no weights: unlike other models this one
 * refuses them, since an id means nothing but itself.
 */
export class EmbeddingBag extends LayeredModel implements Trainable {
  readonly #rows: ItemRows;

  /** @throws RangeError when a size is not an integer in [1, 2²⁰], or the loss does not fit the outputs */
  constructor(options: EmbeddingBagOptions) {
    const { items, capacity, dimension, outputDimension, seed } = options;
    const { kernels = selectKernels(), weighted = false } = options;
    checkDimension('items', items);
    checkDimension('capacity', capacity);
    checkDimension('dimension', dimension);
    const stack = new DenseStack({
      ...{ kernels, inputDimension: dimension, widths: [...options.hidden, outputDimension] },
      ...{ activation: options.activation, bias: true, inputErrors: true },
      ...{ start: items * dimension, loss: outputLoss(options), seed },
    });
    const rows = new ItemRows({ items, capacity, weighted, pooling: options.pooling });
    const pass = new EmbeddingPass(rows, stack, { items, dimension, seed });
    super({ kernels, inputDimension: rows.width, outputDimension, pass });
    this.#rows = rows;
  }

  checkExamples({ rows, features }: Batch): void {
    checkRows(rows);
    checkLength('features', features, rows * this.inputDimension);
    this.#rows.check(features, rows);
  }
}
