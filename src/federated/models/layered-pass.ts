import type { LayerNorms, RowClipping } from './row-clipping.ts';
import type { LayerRange } from './trainable.ts';

/**
 * The arithmetic of a model of layers on one block of rows. A call may leave behind, in memory shared by all
 * models, what the next ones need: `errors` before `norms`, `scale` and `accumulate`, on the same block, and
 * nothing else between them.
 *
 * What a call makes of a row depends on the parameters and on that row alone.
 */
export interface LayeredPass {
  readonly layers: readonly LayerRange[];
  /** Starting values, from nothing but a seed. `[parameterCount]` */
  initialise(parameters: Float32Array): void;
  predict(parameters: Float32Array, block: Block, out: Float32Array): void;
  /** Returns scale · the loss summed over the rows. */
  loss(parameters: Float32Array, block: LabelledBlock, scale: number): number;
  /** The same, and the back-propagated errors of all layers, scaled too. */
  errors(parameters: Float32Array, block: LabelledBlock, scale: number): number;
  /** Norms of what `errors` left, one entry a layer; good until the next call. */
  norms(block: Block): readonly LayerNorms[];
  /** Multiplies the errors of each row by its scales; rows left out add nothing from then on. */
  scale(block: Block, clipping: RowClipping): void;
  /** The sum over the rows of the gradients that the errors make: alone in `out`, or added to it. */
  accumulate(block: Block, out: Float32Array, start: 'zero' | 'out'): void;
}

/** Some rows of features where the kernels reach them. */
export interface Block {
  readonly rows: number;
  /** `[rows, inputDimension]` */
  readonly features: Float32Array;
}

/** The same with their labels. */
export interface LabelledBlock extends Block {
  /** `[rows, outputDimension]` */
  readonly labels: Float32Array;
}
