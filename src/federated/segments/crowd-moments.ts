import { symmetricEigen } from '../../core/linear-algebra.ts';
import type { SeededRandom } from '../../core/seeded-random.ts';
import { normalQuantile } from '../../core/special/index.ts';
import { meanSquaredDistance, pullIntoUnitBall } from './segment-space.ts';
import { weightedKMeans } from './weighted-k-means.ts';

/** Of the one that counts people; the rest of a client's vector has norm at most √2. */
const COUNT_WEIGHT = 0.5;

/** Above that many features only their single variances are asked for: the noise of all pairs would be too much. */
const MOST_PAIRED = 32;

/** Bound on the norm of {@link momentContribution}. */
export const MOMENT_NORM: number = Math.sqrt(COUNT_WEIGHT ** 2 + 2);

/** Coordinates of {@link momentContribution}. */
export function momentDimension(features: number): number {
  return 1 + features + (features > MOST_PAIRED ? features : (features * (features + 1)) / 2);
}

/**
 * What one client sends of its place u: (½, u, svec(u uᵀ)), off-diagonals × √2, or (½, u, u ∘ u) where
 * features are many. The last part has norm at most ‖u‖² ≤ 1, the whole at most √(¼ + 1 + 1).
 *
 * @param place - in the unit ball; null for a client without data
 */
export function momentContribution(place: Float64Array | null, features: number): Float64Array {
  const vector = new Float64Array(momentDimension(features));
  if (place === null) return vector;
  vector[0] = COUNT_WEIGHT;
  vector.set(place, 1);
  let at = 1 + features;
  for (let i = 0; i < features; i++) {
    const end = features > MOST_PAIRED ? i + 1 : features;
    for (let j = i; j < end; j++, at++) {
      vector[at] = (i === j ? 1 : Math.SQRT2) * (place[i] as number) * (place[j] as number);
    }
  }
  return vector;
}

/** Where the crowd is and how it spreads, as far as the noise lets one see. */
export interface CrowdShape {
  /** `[features]` */
  readonly mean: Float64Array;
  /** Deviations along the axes, in the same order. `[features]` */
  readonly deviations: Float64Array;
  /** Unit vectors as rows. `[features, features]` */
  readonly axes: Float64Array;
}

/** Reads a noisy sum of {@link momentContribution}s. */
export function crowdShape(
  noisySum: Float64Array,
  noiseStddev: number,
  features: number,
): CrowdShape {
  const people = Math.max(1, (noisySum[0] as number) / COUNT_WEIGHT);
  const mean = noisySum.slice(1, 1 + features).map((sum) => sum / people);
  pullIntoUnitBall(mean);
  const covariance = new Float64Array(features * features);
  let at = 1 + features;
  for (let i = 0; i < features; i++) {
    const end = features > MOST_PAIRED ? i + 1 : features;
    for (let j = i; j < end; j++, at++) {
      const moment = (noisySum[at] as number) / people / (i === j ? 1 : Math.SQRT2);
      const value = moment - (mean[i] as number) * (mean[j] as number);
      covariance[i * features + j] = value;
      covariance[j * features + i] = value;
    }
  }
  const { values, vectors } = symmetricEigen(covariance, features);
  // Noise spreads eigenvalues over ±2√features of its deviation: a direction of less variance cannot be told
  // from an empty one, and a little of it is kept in case it is not.
  const least = Math.max((0.3 * Math.sqrt(features) * noiseStddev) / people, 1e-6);
  return {
    mean,
    deviations: values.map((value) => Math.sqrt(Math.min(1, Math.max(value, least)))),
    axes: vectors,
  };
}

/** Cells that part the crowd finely where it is dense. */
export interface CrowdCells {
  /** `[cells, features]`, in the unit ball. */
  readonly seeds: Float64Array;
  /** Mean squared distance to the next seed if the crowd were normal. */
  readonly squaredRadius: number;
}

const SAMPLES_PER_CELL = 12;

/**
 * Lays out cells for a normal crowd of that shape: the centres of clusters of points drawn from it. Only noisy
 * sums go in, so this costs no privacy.
 */
export function crowdCells(shape: CrowdShape, cells: number, random: SeededRandom): CrowdCells {
  const dimension = shape.mean.length;
  const count = SAMPLES_PER_CELL * cells;
  const places = new Float64Array(count * dimension);
  for (let i = 0; i < count; i++) places.set(drawFrom(shape, random), i * dimension);
  const weights = new Float64Array(count).fill(1);
  const search = { centres: cells, restarts: 1, iterations: 6 };
  const seeds = weightedKMeans({ places, weights, dimension }, search, random);
  return { seeds, squaredRadius: meanSquaredDistance(places, weights, seeds) };
}

/** One point of a normal crowd, pulled into the unit ball. */
export function drawFrom(shape: CrowdShape, random: SeededRandom): Float64Array {
  const d = shape.mean.length;
  const place = Float64Array.from(shape.mean);
  for (let axis = 0; axis < d; axis++) {
    // uniform() may be 0.
    const z = normalQuantile((random.uniform() + 2 ** -54) / (1 + 2 ** -53));
    const length = (shape.deviations[axis] as number) * z;
    for (let i = 0; i < d; i++) {
      place[i] = (place[i] as number) + length * (shape.axes[axis * d + i] as number);
    }
  }
  pullIntoUnitBall(place);
  return place;
}
