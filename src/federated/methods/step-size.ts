/** Limits of {@link totalStep}. */
export interface StepLimits {
  /** Most that the steps may sum up to, a unit of population/noiseMultiplier. */
  readonly perStrength: number;
  /** Most that the steps may sum up to, however weak the noise. */
  readonly most: number;
}

/**
 * Sum of the learning rates of a run: it grows with users × µ, because that is the ratio of a mean gradient to
 * its noise, and what goes further learns noise.
 *
 * @param strength - see `learningStrength`
 */
export function totalStep(strength: number, { perStrength, most }: StepLimits): number {
  return Math.min(perStrength * strength, most);
}

/** How the learning rates of a run fall from round to round. */
export type StepDecay = 'constant' | 'linear' | 'cosine';

/**
 * Learning rates of all rounds that sum up to `total`.
 *
 * @returns `[rounds]`, all positive
 * @throws {RangeError} for fewer than one round
 */
export function learningRates(total: number, rounds: number, decay: StepDecay): number[] {
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`"rounds" expected a positive integer, got ${rounds}`);
  }
  const shape = Array.from({ length: rounds }, (_, i) => {
    const done = (i + 0.5) / rounds;
    if (decay === 'linear') return 1 - done;
    return decay === 'cosine' ? 1 + Math.cos(Math.PI * done) : 1;
  });
  const sum = shape.reduce((a, b) => a + b, 0);
  return shape.map((value) => (total * value) / sum);
}
