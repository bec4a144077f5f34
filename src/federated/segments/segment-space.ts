import { VelaturaError } from '../../core/errors.ts';
import { l2Norm } from '../../core/linear-algebra.ts';
import type { Batch } from '../models/trainable.ts';

/** Where people's features are expected to lie: a ball that is chosen without looking at data. */
export interface FeatureBall {
  /** Middle of the ball; the origin if left out. `[features]` */
  readonly middle?: readonly number[];
  /** In units of the features; whoever is farther out counts as on the edge. */
  readonly radius: number;
}

/**
 * The place of a point in the ball, in units of its radius from its middle; points outside go to the edge.
 *
 * @returns `[features]`, of norm at most 1
 * @throws {VelaturaError} `federated/non-finite`
 */
export function toUnitBall(point: ArrayLike<number>, ball: FeatureBall): Float64Array {
  const { middle, radius } = ball;
  const place = Float64Array.from(point, (value, i) => (value - (middle?.[i] ?? 0)) / radius);
  const norm = l2Norm(place);
  if (!Number.isFinite(norm)) {
    throw new VelaturaError('federated/non-finite', 'features hold NaN, an infinity or too much');
  }
  if (norm > 1) for (let i = 0; i < place.length; i++) place[i] = (place[i] as number) / norm;
  return place;
}

/** Mean of the rows: one point a person. `[features]` */
export function meanOfRows(data: Batch): Float64Array {
  const features = data.features.length / data.rows;
  const mean = new Float64Array(features);
  data.features.forEach((value, at) => {
    mean[at % features] = (mean[at % features] as number) + value / data.rows;
  });
  return mean;
}

/** The centre next to a place, and the square of the distance. */
export interface Nearest {
  readonly index: number;
  readonly squaredDistance: number;
}

/**
 * @param places - `[any, dimension]`
 * @param row - which of them
 * @param centres - `[any, dimension]`, at least one
 */
export function nearestCentre(
  places: ArrayLike<number>,
  row: number,
  centres: Float64Array,
  dimension: number,
): Nearest {
  const from = row * dimension;
  let index = 0;
  let squaredDistance = Infinity;
  for (let at = 0, centre = 0; at < centres.length; at += dimension, centre++) {
    let sum = 0;
    for (let i = 0; i < dimension && sum < squaredDistance; i++) {
      const way = (places[from + i] as number) - (centres[at + i] as number);
      sum += way * way;
    }
    if (sum < squaredDistance) {
      squaredDistance = sum;
      index = centre;
    }
  }
  return { index, squaredDistance };
}

/** Weighted mean of the squared distances to the nearest centre. */
export function meanSquaredDistance(
  places: Float64Array,
  weights: Float64Array,
  centres: Float64Array,
): number {
  const dimension = places.length / weights.length;
  let sum = 0;
  let total = 0;
  weights.forEach((weight, row) => {
    sum += weight * nearestCentre(places, row, centres, dimension).squaredDistance;
    total += weight;
  });
  return sum / total;
}

/** Puts a place that noise moved out of the unit ball back on its edge. */
export function pullIntoUnitBall(place: Float64Array): void {
  const norm = l2Norm(place);
  if (norm > 1) for (let i = 0; i < place.length; i++) place[i] = (place[i] as number) / norm;
}
