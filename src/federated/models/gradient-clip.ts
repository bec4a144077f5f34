import type { Trainable } from './trainable.ts';

/**
 * How far the gradient of one row may reach, in l2: as a whole, or in each layer on its own (in the order of
 * `Trainable.layers`). Norms lie in [2⁻⁶⁰, 2⁶⁰] and are public.
 */
export type GradientClip =
  | { readonly kind: 'global'; readonly norm: number }
  | { readonly kind: 'layers'; readonly norms: readonly number[] };

/** Unit round-off of float32. */
const ROUND_OFF = 2 ** -24;
/** Twice the error of a product below the normal numbers of float32. */
const UNDERFLOW = 2 ** -149;

/**
 * The l2 norm that one row's clipped gradient cannot exceed: the sensitivity of an exact sum to one row coming
 * or going.
 */
export function clipBound(clip: GradientClip): number {
  return clip.kind === 'global' ? clip.norm : Math.hypot(...clip.norms);
}

/**
 * A bound, free of data, on the l2 distance between what `clippedGradient` writes for that many rows and the
 * exact sum of its clipped gradients: γ·rows·C, with γ = rows·u / (1 − rows·u) and u = 2⁻²⁴. With a row more or
 * less both sums carry it. It grows with the square of the rows: sum large batches in chunks.
 *
 * Source: `clipping.proof.md`; Higham, Accuracy and Stability of Numerical Algorithms (2002), §3.1.
 *
 * @throws RangeError when `rows` is not an integer in [0, 2²²]
 */
export function clippedSumError(
  model: Pick<Trainable, 'parameterCount'>,
  rows: number,
  clip: GradientClip,
): number {
  if (!Number.isInteger(rows) || rows < 0 || rows > 2 ** 22) {
    throw new RangeError(`"rows" expected an integer in [0, 2^22], got ${rows}`);
  }
  const growth = (rows * ROUND_OFF) / (1 - rows * ROUND_OFF);
  return rows * (growth * clipBound(clip) + UNDERFLOW * Math.sqrt(model.parameterCount));
}

/** @throws RangeError when a norm is out of range, or there is not one for each layer */
export function checkClip(clip: GradientClip, layers: number): void {
  const norms = clip.kind === 'global' ? [clip.norm] : clip.norms;
  if (clip.kind === 'layers' && norms.length !== layers) {
    throw new RangeError(`"norms" expected ${layers} numbers, got ${norms.length}`);
  }
  for (const norm of norms) {
    if (!(norm >= 2 ** -60 && norm <= 2 ** 60)) {
      throw new RangeError(`"norm" expected a number in [2^-60, 2^60], got ${norm}`);
    }
  }
}
