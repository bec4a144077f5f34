import type { NeighbourRelation } from '../plan.ts';

/** Public facts and guesses about the sums of one round. */
export interface RoundShape {
  /** Users in all; a public number. */
  readonly population: number;
  /** Share of them in a round, in (0, 1]. */
  readonly samplingRate: number;
  /** True when a round's users are drawn by chance: then the sum varies with the draw too. */
  readonly drawn: boolean;
  /** Numbers in one update. */
  readonly dimension: number;
  /** Noise deviation over l2 sensitivity, under the relation. */
  readonly noiseMultiplier: number;
  readonly relation: NeighbourRelation;
  /** ‖mean update‖ / clipping norm, in (0, 1]: how much users agree on the direction. A guess. */
  readonly alignment: number;
}

/** l2 sensitivity of a sum of clipped updates, in clipping norms. */
export function sensitivityInClips(relation: NeighbourRelation): number {
  return relation === 'replace-one-user' ? 2 : 1;
}

/**
 * Expected signal-to-noise ratio of a round's noisy sum, as norms of vectors. Everything is counted in
 * clipping norms, so the clip cancels:
 *
 * signal = alignment · rate · population; noise² = dimension · (noiseMultiplier · sensitivity)², and for a
 * drawn cohort + rate · (1 − rate) · population, the most that the draw of clipped updates varies.
 *
 * It is a model, not a promise: it takes clipped updates to be as long as the clip.
 */
export function roundSignalToNoise(shape: RoundShape): number {
  const { population, samplingRate, dimension, noiseMultiplier, relation, alignment } = shape;
  const added = dimension * (noiseMultiplier * sensitivityInClips(relation)) ** 2;
  const draw = shape.drawn ? samplingRate * (1 - samplingRate) * population : 0;
  return (alignment * samplingRate * population) / Math.sqrt(added + draw);
}

/** Signal-to-noise ratio of the mean of all rounds, as if the direction stayed the same. */
export function runSignalToNoise(roundRatio: number, rounds: number): number {
  return roundRatio * Math.sqrt(rounds);
}

/**
 * Expected excess loss after a run, in units of (distance to the optimum) · (gradient at the start):
 * 1/rounds for what the steps have not reached, √2/ratio for the noise.
 *
 * Source: Bubeck, Convex optimization: algorithms and complexity (2015), theorem 6.3, for a loss whose
 * gradient vanishes at constant curvature between start and optimum.
 *
 * @param ratio - of the whole run, see {@link runSignalToNoise}
 */
export function predictedError(rounds: number, ratio: number): number {
  return 1 / rounds + Math.SQRT2 / ratio;
}
