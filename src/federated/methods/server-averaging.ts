import { addScaled } from '../../core/linear-algebra.ts';

/**
 * Which mean of the iterates a run gives out. Averaging is post-processing: it costs no privacy, takes out
 * noise, and saves steps that were set too large.
 */
export type WeightAveraging =
  /** The last iterate alone. */
  | { readonly kind: 'last' }
  /** Equal weights on that share of the last rounds; the last iterate alone where no round is among them. */
  | { readonly kind: 'tail'; readonly share: number }
  /** Weight decay^age, scaled to sum to one (Polyak's average with a short memory). */
  | { readonly kind: 'exponential'; readonly decay: number };

/** Weighted sum of iterates, to be divided by its weight. */
export interface AverageState {
  weight: number;
  /** `[parameterCount]` */
  readonly sum: Float64Array;
}

/** @throws {RangeError} for a share outside [0, 1] or a decay outside [0, 1) */
export function checkAveraging(averaging: WeightAveraging): void {
  if (averaging.kind === 'tail' && !(averaging.share >= 0 && averaging.share <= 1)) {
    throw new RangeError(`"share" expected a number in [0, 1], got ${averaging.share}`);
  }
  if (averaging.kind === 'exponential' && !(averaging.decay >= 0 && averaging.decay < 1)) {
    throw new RangeError(`"decay" expected a number in [0, 1), got ${averaging.decay}`);
  }
}

/**
 * Takes in the iterate after a round.
 *
 * @param round - counted from 1
 * @param rounds - of the whole run
 */
export function addIterate(
  averaging: WeightAveraging,
  average: AverageState,
  parameters: ArrayLike<number>,
  round: number,
  rounds: number,
): void {
  const keep = keptShare(averaging, round, rounds);
  if (keep === null) return;
  for (let i = 0; i < average.sum.length; i++) average.sum[i] = keep * (average.sum[i] as number);
  addScaled(average.sum, parameters, 1);
  average.weight = keep * average.weight + 1;
}

/** What becomes of the sum before this iterate enters with weight one; null when it does not enter. */
function keptShare(averaging: WeightAveraging, round: number, rounds: number): number | null {
  switch (averaging.kind) {
    case 'last':
      return 0;
    case 'exponential':
      return averaging.decay;
    case 'tail':
      return round > Math.floor(rounds * (1 - averaging.share)) ? 1 : null;
  }
}
