import { type RandomSource, uniformInteger } from '../../core/random-source.ts';

/**
 * Puts clients into buckets of equal size (up to one) uniformly at random.
 *
 * Drawn over everybody who could be asked and before any sample, never over a sample: where one account is
 * put must not depend on whether another takes part, or its coming and going would move two sums.
 *
 * @returns the bucket of each client, `[clients]`
 */
export function drawBuckets(clients: number, buckets: number, random: RandomSource): Uint32Array {
  const bucketOf = Uint32Array.from({ length: clients }, (_, i) => i % buckets);
  for (let i = clients - 1; i > 0; i--) {
    const j = uniformInteger(random, i + 1);
    const swap = bucketOf[i] as number;
    bucketOf[i] = bucketOf[j] as number;
    bucketOf[j] = swap;
  }
  return bucketOf;
}
