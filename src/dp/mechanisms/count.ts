import type { Release } from '../plan.ts';
import { type AdditiveNoise, latticeNoise } from './additive-noise.ts';
import { ExactCapacity, releaseNumber } from './noisy-sum.ts';
import { MAX_CONTRIBUTIONS, type RecordOptions } from './record-options.ts';
import { rangeSensitivity } from './relation-sensitivity.ts';
import { requireCount, termsOf } from './terms.ts';

/** Options of {@link dpCount}. */
export interface CountOptions extends RecordOptions {
  readonly noise: AdditiveNoise;
}

/**
 * Counts records with noise.
 *
 * ## Privacy
 * Unit: user, with at most maxContributions records; relation: as given (each moves the count by at most
 * maxContributions). Costs the event of `noise`.
 *
 * @param users - the records of one user each; visited once
 * @returns the noisy count, an integer that may be negative
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function dpCount(
  users: Iterable<ArrayLike<unknown>>,
  options: CountOptions,
): Release<number> {
  const terms = termsOf(options);
  const { maxContributions, noise } = options;
  requireCount('maxContributions', maxContributions, MAX_CONTRIBUTIONS);
  const reach = rangeSensitivity(terms.relation, { least: 0, most: maxContributions });
  const bounded = latticeNoise(noise, { l1: reach, l2: reach, dimension: 1 });
  const capacity = new ExactCapacity(maxContributions);
  let count = 0;
  let dropped = 0;
  for (const { length } of users) {
    capacity.admit();
    const kept = Math.min(length, maxContributions);
    count += kept;
    dropped += length - kept;
  }
  options.onClipped?.({ clipped: 0, dropped });
  return releaseNumber(count, bounded, 1, terms);
}
