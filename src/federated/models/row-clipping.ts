import type { GradientClip } from './gradient-clip.ts';

/**
 * Squared norms of what makes the gradient of each row in one layer: an outer product of the activation (with
 * the constant input of the bias, if there is one) and the back-propagated error.
 */
export interface LayerNorms {
  /** `[rows]` */
  readonly activation: Float64Array;
  /** `[rows]` */
  readonly error: Float64Array;
  /** Numbers in the error of one row. */
  readonly errorWidth: number;
}

/** Above the relative error of a squared norm taken in float64, for layers of up to 2²⁰ numbers. */
const NORM_ERROR = 2 ** -30;
/** Room for rounding the factor and the scaled errors to float32. */
const SHORTENED = 1 - 2 ** -22;
/** Twice the rounding error of a number below the normal ones of float32. */
const UNDERFLOW = 2 ** -149;
const SMALLEST_NORMAL = 2 ** -126;

/** What {@link clipRows} decided. */
export interface RowClipping {
  /** Of each layer, `[rows]`; one array for all of them where they are clipped as a whole. */
  readonly scales: readonly Float32Array[];
  readonly clippedRows: number;
  /** Rows whose gradient is not finite. Their scales are 0, which is not enough: 0 · ∞ is no number. */
  readonly leftOut: readonly number[];
}

/** The factors for the errors of all rows, by {@link clipFactor}. */
export function clipRows(
  norms: readonly LayerNorms[],
  rows: number,
  clip: GradientClip,
): RowClipping {
  const groups =
    clip.kind === 'global'
      ? [{ norm: clip.norm, layers: norms }]
      : norms.map((layer, i) => ({ norm: clip.norms[i] as number, layers: [layer] }));
  const factors = groups.map(() => new Float32Array(rows));
  const leftOut: number[] = [];
  let clippedRows = 0;
  for (let row = 0; row < rows; row++) {
    let least = 1;
    groups.forEach(({ norm, layers }, i) => {
      const factor = clipFactor(layers, row, norm);
      least = Math.min(least, factor);
      (factors[i] as Float32Array)[row] = factor;
    });
    if (least === 1) continue;
    clippedRows++;
    if (!Number.isNaN(least)) continue;
    leftOut.push(row);
    for (const scales of factors) scales[row] = 0;
  }
  const scales = norms.map((_, i) => factors[clip.kind === 'global' ? 0 : i] as Float32Array);
  return { scales, clippedRows, leftOut };
}

/**
 * The factor for the errors of one row in some layers, such that float32 errors multiplied by it and rounded
 * make a gradient of norm at most `norm`: 1 where that holds already, 0 where nothing else is safe, NaN where
 * the gradient is not finite. Argument: `clipping.proof.md`.
 */
function clipFactor(layers: readonly LayerNorms[], row: number, norm: number): number {
  let squared = 0;
  for (const { activation, error } of layers) {
    squared += (activation[row] as number) * (error[row] as number);
  }
  if (squared * (1 + NORM_ERROR) <= norm * norm) return 1;
  if (!Number.isFinite(squared)) return Number.NaN;
  let underflow = 0;
  for (const { activation, errorWidth } of layers) {
    underflow += Math.sqrt((activation[row] as number) * errorWidth) * UNDERFLOW;
  }
  const factor = Math.fround(((norm - underflow) / Math.sqrt(squared)) * SHORTENED);
  return factor < SMALLEST_NORMAL ? 0 : factor;
}
