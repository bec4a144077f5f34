import { symmetricEigen } from '../../core/linear-algebra.ts';

/** Number of coordinates of the second moment of `dimension` features. */
export function momentLength(dimension: number): number {
  return (dimension * (dimension + 1)) / 2;
}

/**
 * Adds weight · svec(x xᵀ) to `out`: the upper triangle row by row, off-diagonals × √2, so that the l2 norm of
 * the vector is the Frobenius norm of the matrix; of one x it is weight · ‖x‖².
 *
 * @param out - `[momentLength(x.length)]`
 */
export function addOuterProduct(out: Float64Array, x: ArrayLike<number>, weight: number): void {
  let at = 0;
  for (let i = 0; i < x.length; i++) {
    const own = weight * (x[i] as number);
    out[at] = (out[at] as number) + own * (x[i] as number);
    at++;
    const others = own * Math.SQRT2;
    for (let j = i + 1; j < x.length; j++, at++) {
      out[at] = (out[at] as number) + others * (x[j] as number);
    }
  }
}

/** A noisy second moment as directions, with what the noise leaves of it. */
export interface MomentDirections {
  readonly dimension: number;
  /** Eigenvalues, at least 0. `[dimension]` */
  readonly values: Float64Array;
  /** Row k is the direction of value k. `[dimension, dimension]` */
  readonly vectors: Float64Array;
  /** Deviation of the noise that is left in an entry off the diagonal, after shrinkage. */
  readonly entryNoise: number;
}

/**
 * Less is kept for the error of the directions than this, however much was shrunk: what is shrunk away was
 * partly signal.
 */
const LEAST_KEPT = 0.15;

/**
 * Cleans a noisy second moment and takes it apart: what the mean of the features explains is kept (it is known
 * far better than single entries), the rest is shrunk by its share of noise, negative directions become 0. All
 * of it is post-processing. Recipe: Ledoit and Wolf 2004 (shrinkage), with the noise known instead of estimated.
 *
 * @param noisySum - svec of Σ x xᵀ plus noise, feature 0 constant; `[momentLength(dimension)]`
 * @param noiseStddev - of each coordinate of `noisySum`
 * @param constantFeature - value of feature 0
 */
export function momentDirections(
  noisySum: ArrayLike<number>,
  dimension: number,
  noiseStddev: number,
  constantFeature: number,
): MomentDirections {
  const raw = new Float64Array(dimension * dimension);
  let at = 0;
  for (let i = 0; i < dimension; i++) {
    for (let j = i; j < dimension; j++, at++) {
      const value = (noisySum[at] as number) / (i === j ? 1 : Math.SQRT2);
      raw[i * dimension + j] = value;
      raw[j * dimension + i] = value;
    }
  }
  // Row 0 belongs to the constant feature: it holds the sum of every feature.
  const total = Math.max(raw[0] as number, constantFeature ** 2);
  const mean = (i: number, j: number): number => ((raw[i] as number) * (raw[j] as number)) / total;
  let observed = 0;
  for (let i = 1; i < dimension; i++) {
    for (let j = 1; j < dimension; j++) {
      if (i !== j) observed += ((raw[i * dimension + j] as number) - mean(i, j)) ** 2;
    }
  }
  const expected = ((dimension - 1) * (dimension - 2) * noiseStddev ** 2) / 2;
  const kept = observed === 0 ? 1 : Math.max(0, 1 - expected / observed);
  const moment = Float64Array.from(raw);
  for (let i = 1; i < dimension; i++) {
    for (let j = 1; j < dimension; j++) {
      if (i === j) continue;
      const entry = i * dimension + j;
      moment[entry] = mean(i, j) + kept * ((raw[entry] as number) - mean(i, j));
    }
  }
  const { values, vectors } = symmetricEigen(moment, dimension);
  return {
    dimension,
    values: values.map((value) => Math.max(0, value)),
    vectors,
    entryNoise: (noiseStddev * Math.max(kept, LEAST_KEPT)) / Math.SQRT2,
  };
}
