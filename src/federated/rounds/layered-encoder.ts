import { VelaturaError } from '../../core/errors.ts';
import { UpdateEncoder, type UpdateEncoderOptions } from './update-encoder.ts';

/** One stretch of an update with a bound of its own. */
export interface LayerClip {
  /** First coordinate. */
  readonly start: number;
  /** After the last coordinate. */
  readonly end: number;
  /** Bound on the l2 norm of these coordinates. */
  readonly clippingNorm: number;
}

/** Public constants of a {@link LayeredEncoder}. */
export interface LayeredEncoderOptions
  extends Pick<UpdateEncoderOptions, 'integerNorm' | 'clippingFlagWeight'> {
  /** Cover the update from coordinate 0 on without a gap. */
  readonly layers: readonly LayerClip[];
}

/**
 * Clips each layer of an update to its own norm, on one lattice for all: a large layer cannot crowd out a
 * small one. Where layers are alike in size a single bound of the same total is better, because it lets
 * one layer use what another leaves.
 *
 * ## Privacy
 * The vector of all layers is at most √Σ(norm of layer)² long, exactly so in integers; that is the sensitivity and
 * the `clippingNorm` of this encoder. Each layer holds integers of Σz² ≤ (its integer norm)² by
 * update-encoder.proof.md, and squares of layers add up; `integerSensitivity` is the root of that sum, rounded up.
 */
export class LayeredEncoder extends UpdateEncoder {
  override readonly integerSensitivity: number;
  readonly #parts: readonly { readonly encoder: UpdateEncoder; readonly start: number }[];

  /**
   * @throws {VelaturaError} `dp/invalid-parameter`, also for a layer whose norm is lost on the lattice
   * @throws {RangeError} for layers that overlap or leave a gap
   */
  constructor(options: LayeredEncoderOptions) {
    const { layers, ...rest } = options;
    const dimension = checkLayers(layers);
    const clippingNorm = Math.sqrt(layers.reduce((sum, l) => sum + l.clippingNorm ** 2, 0));
    super({ ...rest, dimension, clippingNorm });
    const unit = this.clippingNorm / this.integerNorm;
    this.#parts = layers.map((layer) => ({
      start: layer.start,
      encoder: layerEncoder(layer, unit),
    }));
    const squared = this.#parts.reduce(
      (sum, { encoder }) => sum + encoder.integerNorm ** 2,
      this.integerFlag ** 2,
    );
    let bound = Math.floor(Math.sqrt(squared));
    while (bound * bound < squared) bound++;
    this.integerSensitivity = bound;
  }

  /** As of the plain encoder; an update counts as clipped when any of its layers was. */
  override encodeInto(update: ArrayLike<number>, target: Float64Array): boolean {
    this.requireLengths(update, target);
    let clipped = false;
    for (const { encoder, start } of this.#parts) {
      const layer = Float64Array.from({ length: encoder.dimension }, (_, i) =>
        Number(update[start + i]),
      );
      const own = target.subarray(start, start + encoder.dimension);
      if (encoder.encodeInto(layer, own)) clipped = true;
    }
    if (this.integerFlag > 0) target[this.dimension] = clipped ? this.integerFlag : 0;
    return clipped;
  }
}

/** Encoder of one layer on the common lattice; its norm is rounded down to it. */
function layerEncoder({ start, end, clippingNorm }: LayerClip, unit: number): UpdateEncoder {
  const integerNorm = Math.floor(clippingNorm / unit);
  return new UpdateEncoder({
    dimension: end - start,
    clippingNorm: integerNorm * unit,
    integerNorm,
  });
}

/** @returns the number of coordinates */
function checkLayers(layers: readonly LayerClip[]): number {
  let next = 0;
  for (const { start, end, clippingNorm } of layers) {
    if (start !== next || !Number.isInteger(end) || end <= start) {
      throw new RangeError(`"layers" expected a layer from ${next} on, got ${start} to ${end}`);
    }
    if (!(clippingNorm > 0) || !Number.isFinite(clippingNorm)) {
      throw new VelaturaError(
        'dp/invalid-parameter',
        `"clippingNorm" expected a positive number, got ${clippingNorm}`,
        { name: 'clippingNorm' },
      );
    }
    next = end;
  }
  if (next === 0) throw new RangeError('"layers" expected at least one layer');
  return next;
}
