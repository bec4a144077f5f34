import type { SeededRandom } from '../../core/seeded-random.ts';
import { nearestCentre } from './segment-space.ts';

/** Points that nobody needs to protect any more, with weights. */
export interface WeightedPoints {
  /** `[points, dimension]` */
  readonly places: Float64Array;
  /** `[points]`, positive. */
  readonly weights: Float64Array;
  readonly dimension: number;
}

/** How long to look. */
export interface KMeansSearch {
  readonly centres: number;
  readonly restarts: number;
  readonly iterations: number;
}

/**
 * Lloyd's iterations from k-means++ starts, the best of several.
 *
 * @returns `[centres, dimension]`; with fewer points than centres some coincide
 * @see D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007
 */
export function weightedKMeans(
  points: WeightedPoints,
  search: KMeansSearch,
  random: SeededRandom,
): Float64Array {
  let best = new Float64Array(0);
  let bestLoss = Infinity;
  for (let restart = 0; restart < search.restarts; restart++) {
    const centres = plusPlusStart(points, search.centres, random);
    const loss = lloyd(points, centres, search.iterations);
    if (loss < bestLoss) {
      bestLoss = loss;
      best = centres;
    }
  }
  return best;
}

/** Each next centre is a point drawn by weight times squared distance from those before it. */
function plusPlusStart(
  { places, weights, dimension: d }: WeightedPoints,
  count: number,
  random: SeededRandom,
): Float64Array<ArrayBuffer> {
  const centres = new Float64Array(count * d);
  const chances = Float64Array.from(weights);
  const distances = new Float64Array(weights.length).fill(Infinity);
  for (let centre = 0; centre < count; centre++) {
    const at = draw(chances, random) * d;
    const chosen = places.subarray(at, at + d);
    centres.set(chosen, centre * d);
    for (let i = 0; i < weights.length; i++) {
      const { squaredDistance } = nearestCentre(places, i, chosen, d);
      distances[i] = Math.min(distances[i] as number, squaredDistance);
      chances[i] = (weights[i] as number) * (distances[i] as number);
    }
  }
  return centres;
}

function draw(chances: Float64Array, random: SeededRandom): number {
  let left = random.uniform() * chances.reduce((sum, chance) => sum + chance, 0);
  let last = 0;
  for (let i = 0; i < chances.length; i++) {
    const chance = chances[i] as number;
    if (chance === 0) continue;
    last = i;
    left -= chance;
    if (left < 0) break;
  }
  return last;
}

/** Moves the centres; returns the loss before the last move. */
function lloyd(
  { places, weights, dimension: d }: WeightedPoints,
  centres: Float64Array,
  iterations: number,
): number {
  let loss = Infinity;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const sums = new Float64Array(centres.length);
    const counts = new Float64Array(centres.length / d);
    const before = loss;
    loss = 0;
    for (let point = 0; point < weights.length; point++) {
      const { index, squaredDistance } = nearestCentre(places, point, centres, d);
      const weight = weights[point] as number;
      loss += weight * squaredDistance;
      counts[index] = (counts[index] as number) + weight;
      for (let i = 0; i < d; i++) {
        sums[index * d + i] =
          (sums[index * d + i] as number) + weight * (places[point * d + i] as number);
      }
    }
    for (let at = 0; at < centres.length; at++) {
      const count = counts[Math.floor(at / d)] as number;
      if (count > 0) centres[at] = (sums[at] as number) / count;
    }
    if (!(loss < before)) break;
  }
  return loss;
}
