import { nearestCentre } from './segment-space.ts';

/** Cells around public centres, and what a client tells about the one it is in. Public constants. */
export interface CellQuestion {
  /** `[cells, features]`, in the unit ball. */
  readonly centres: Float64Array;
  readonly features: number;
  /** Longest way from the centre that counts; a longer one is shortened to it. In (0, 2]. */
  readonly reach: number;
  /** Of the one that counts people, against the way of norm at most 1. */
  readonly countWeight: number;
  /** Of the squared length of the way; 0 leaves it out. */
  readonly energyWeight: number;
}

/** Noisy sums over the people of each cell, in units of the unit ball. */
export interface CellSums {
  /** Number of people. `[cells]` */
  readonly counts: Float64Array;
  readonly countStddev: number;
  /** Sum of their ways from the centre, each at most `reach` long. `[cells, features]` */
  readonly ways: Float64Array;
  readonly wayStddev: number;
  /** Sum of the squared lengths of those ways; empty without an energy weight. `[cells]` */
  readonly energies: Float64Array;
}

/** Bound on the norm of {@link cellContribution}: one cell only, (way/reach, a, e·‖way‖²/reach²). */
export function cellNorm({ countWeight, energyWeight }: CellQuestion): number {
  return Math.sqrt(1 + countWeight ** 2 + energyWeight ** 2);
}

/** Coordinates of {@link cellContribution}. */
export function cellDimension(question: CellQuestion): number {
  return (question.centres.length / question.features) * blockOf(question);
}

function blockOf({ features, energyWeight }: CellQuestion): number {
  return features + (energyWeight > 0 ? 2 : 1);
}

/**
 * What one client sends: zeros but for the block of the cell it is in. Ways are taken from the centre of the
 * cell, not from the origin, so that their bound, and with it the noise, is as small as the cells are.
 *
 * @param place - in the unit ball; null for a client without data
 */
export function cellContribution(place: Float64Array | null, question: CellQuestion): Float64Array {
  const vector = new Float64Array(cellDimension(question));
  if (place === null) return vector;
  const { centres, features, reach, countWeight, energyWeight } = question;
  const { index, squaredDistance } = nearestCentre(place, 0, centres, features);
  const block = vector.subarray(index * blockOf(question), (index + 1) * blockOf(question));
  const scale = 1 / Math.max(reach, Math.sqrt(squaredDistance));
  for (let i = 0; i < features; i++) {
    block[i] = scale * ((place[i] as number) - (centres[index * features + i] as number));
  }
  block[features] = countWeight;
  if (energyWeight > 0) {
    block[features + 1] = energyWeight * Math.min(1, squaredDistance / reach ** 2);
  }
  return vector;
}

/** Reads a noisy sum of {@link cellContribution}s. */
export function readCellSums(
  noisySum: Float64Array,
  noiseStddev: number,
  question: CellQuestion,
): CellSums {
  const { centres, features, reach, countWeight, energyWeight } = question;
  const block = blockOf(question);
  const cells = centres.length / features;
  const counts = new Float64Array(cells);
  const ways = new Float64Array(centres.length);
  const energies = new Float64Array(energyWeight > 0 ? cells : 0);
  for (let cell = 0; cell < cells; cell++) {
    const at = cell * block;
    for (let i = 0; i < features; i++) {
      ways[cell * features + i] = reach * (noisySum[at + i] as number);
    }
    counts[cell] = (noisySum[at + features] as number) / countWeight;
    if (energyWeight > 0) {
      energies[cell] = (reach ** 2 * (noisySum[at + features + 1] as number)) / energyWeight;
    }
  }
  return {
    counts,
    countStddev: noiseStddev / countWeight,
    ways,
    wayStddev: reach * noiseStddev,
    energies,
  };
}

/**
 * The mean way of a cell's people, shrunk by its share of noise: the positive-part rule of James and Stein, by
 * which a centre that has arrived is not moved any more by noise alone.
 *
 * @returns `[features]`
 */
export function shrunkWay(sums: CellSums, cell: number, features: number): Float64Array {
  const count = sums.counts[cell] as number;
  const way = sums.ways.slice(cell * features, (cell + 1) * features).map((sum) => sum / count);
  const energy = way.reduce((sum, value) => sum + value * value, 0);
  const noise = features * (sums.wayStddev / count) ** 2;
  const kept = energy > noise ? 1 - noise / energy : 0;
  return way.map((value) => kept * value);
}
