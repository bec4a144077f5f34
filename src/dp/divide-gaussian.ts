import { VelaturaError } from '../core/errors.ts';

/** Budgets count in integers of this many units a µ² of one. */
const UNITS = 2 ** 32;

/**
 * Divides one Gaussian release into several that together cost no more, also after each cost is rounded up
 * to whole units of 2⁻³² as budgets do.
 *
 * ## Privacy
 * Gaussian differential privacy adds up in 1/noiseMultiplier² (Dong, Roth, Su 2022, Corollary 3.3): the parts
 * get floor(share · units) each, so their sum is at most the whole.
 *
 * @param noiseMultiplier - of the whole, positive; 0 (non-private) gives parts of 0
 * @param shares - positive parts of the whole, summing to at most 1 (up to float error)
 * @returns a noise multiplier for each share
 * @throws {VelaturaError} `dp/invalid-parameter`; `dp/no-solution` when a part would be less than a unit
 */
export function divideGaussian(noiseMultiplier: number, shares: readonly number[]): number[] {
  if (noiseMultiplier === 0) return shares.map(() => 0);
  if (!(noiseMultiplier > 0) || !Number.isFinite(noiseMultiplier)) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `"noiseMultiplier" expected a positive number, got ${noiseMultiplier}`,
      { name: 'noiseMultiplier' },
    );
  }
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (shares.length === 0 || shares.some((share) => !(share > 0)) || total > 1 + 1e-9) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `"shares" expected positive numbers that sum to at most 1, got a sum of ${total}`,
      { name: 'shares', total },
    );
  }
  const units = Math.floor(UNITS / noiseMultiplier ** 2);
  return shares.map((share) => {
    const part = Math.floor((share / Math.max(1, total)) * units);
    if (part < 1) {
      throw new VelaturaError(
        'dp/no-solution',
        'a part of the release would cost less than one unit',
        {
          units,
          share,
        },
      );
    }
    // A hair more noise keeps 1/m² at or under `part` units whatever way the division rounds.
    return Math.sqrt(UNITS / part) * (1 + 2 ** -48);
  });
}

/** The same for `count` equal parts; one number, since they are alike. */
export function divideGaussianEvenly(noiseMultiplier: number, count: number): number {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`"count" expected a positive integer, got ${count}`);
  }
  return divideGaussian(noiseMultiplier, [1 / count])[0] as number;
}
