import type { Release } from '../plan.ts';
import { type BoundedSumOptions, latticeSumRule, sumOnLattice } from './bounded-sum.ts';
import { releaseNumber } from './noisy-sum.ts';
import { termsOf } from './terms.ts';

/**
 * Sums values with noise. Each is clipped to the public bounds and rounded to a power-of-two grid first; sum
 * and noise are exact integers of that grid.
 *
 * ## Privacy
 * Unit: user, with at most maxContributions values; relation: as given. Adding, removing or zeroing a user moves
 * the sum by at most maxContributions · max(|lowerBound|, |upperBound|), replacing by maxContributions times the
 * width of the bounds and 0 together. Costs the event of `noise`. Bounds must be chosen without looking at the
 * data. A refused value is visible: check values where they are collected.
 *
 * Source: grid.proof.md; Casacuberta et al. (2022).
 *
 * @param users - the values of one user each, finite; visited once
 * @returns the noisy sum; `error` speaks of the noise alone, and rounding moves each value by at most
 * granularity/2 besides
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function dpSum(
  users: Iterable<ArrayLike<number>>,
  options: BoundedSumOptions,
): Release<number> {
  const terms = termsOf(options);
  const rule = latticeSumRule(options, 0, terms.relation);
  const { total, local } = sumOnLattice(users, rule, options);
  options.onClipped?.(local);
  return releaseNumber(total, rule.noise, rule.granularity, terms);
}
