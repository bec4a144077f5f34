import type { DpEvent } from '../event.ts';
import type { Release } from '../plan.ts';
import { type AdditiveNoise, latticeNoise } from './additive-noise.ts';
import {
  type BoundedSumOptions,
  type LatticeSumRule,
  latticeSumRule,
  sumOnLattice,
} from './bounded-sum.ts';
import { releaseNumber } from './noisy-sum.ts';
import { requireBounds } from './record-options.ts';
import { rangeSensitivity } from './relation-sensitivity.ts';
import { requirePositive, type Terms, termsOf, userPlan } from './terms.ts';

/** Options of {@link dpMean}: what is summed, and what the sum is divided by. */
export type MeanOptions = BoundedSumOptions &
  (
    | {
        /** The number of records, where it is a public fact; never counted from the data. */
        readonly publicCount: number;
        readonly countNoise?: never;
      }
    | {
        readonly publicCount?: never;
        /** Noise of a second release, of the number of records. */
        readonly countNoise: AdditiveNoise;
      }
  );

/**
 * The mean of values with noise: the noisy sum of their distances from the middle of the bounds, divided by a
 * public count or by a noisy one that is paid for. The true number of records is never a divisor.
 *
 * ## Privacy
 * Unit: user, with at most maxContributions values; relation: as given. Distances from the middle have half the
 * sensitivity of values. Costs the event of `noise`, composed with that of `countNoise` if there is one; division
 * and clamping to the bounds are post-processing.
 *
 * @param users - the values of one user each, finite; visited once
 * @returns the mean, within the bounds. `error.halfWidth` holds at the stated confidence for every data set
 * (mean.proof.md) and is the whole width of the bounds where the noisy count is lost in its noise;
 * `error.noiseStddev` is to first order with a noisy count
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function dpMean(users: Iterable<ArrayLike<number>>, options: MeanOptions): Release<number> {
  const terms = termsOf(options);
  const { lowerBound, upperBound } = options;
  requireBounds(options);
  const middle = lowerBound + (upperBound - lowerBound) / 2;
  const rule = latticeSumRule(options, middle, terms.relation);
  const divide = divisorOf(options, terms);
  const { total, records, local } = sumOnLattice(users, rule, options);
  options.onClipped?.(local);
  const largest = Math.max(-rule.least, rule.most) * rule.granularity;
  const { value, deviation, halfWidth, event } = divide(total, records, rule, largest);
  return {
    value: Math.min(upperBound, Math.max(lowerBound, rule.centre * rule.granularity + value)),
    plan: userPlan(terms.relation, event),
    error: {
      noiseStddev: deviation,
      // Rounding moves a mean by half a step.
      halfWidth: Math.min(halfWidth + rule.granularity / 2, upperBound - lowerBound),
      confidence: terms.confidence,
    },
    insecure: terms.insecure,
  };
}

/** A noisy quotient before it is moved to the middle of the bounds. */
interface NoisyQuotient {
  readonly value: number;
  readonly deviation: number;
  readonly halfWidth: number;
  readonly event: DpEvent;
}

/** @param largest - bound on the size of the quotient of any data */
type Divide = (
  total: number,
  records: number,
  rule: LatticeSumRule,
  largest: number,
) => NoisyQuotient;

/** Checks the divisor before any data is read. */
function divisorOf(options: MeanOptions, terms: Terms): Divide {
  const { publicCount, countNoise, maxContributions } = options;
  if (publicCount !== undefined) {
    requirePositive('publicCount', publicCount);
    return (total, _records, rule) => {
      const sum = releaseNumber(total, rule.noise, rule.granularity, terms);
      return {
        value: sum.value / publicCount,
        deviation: sum.error.noiseStddev / publicCount,
        halfWidth: sum.error.halfWidth / publicCount,
        event: sum.plan.event,
      };
    };
  }
  const reach = rangeSensitivity(terms.relation, { least: 0, most: maxContributions });
  const noise = latticeNoise(countNoise, { l1: reach, l2: reach, dimension: 1 });
  // Both intervals hold together with the stated confidence.
  const halved = { ...terms, confidence: 1 - (1 - terms.confidence) / 2 };
  return (total, records, rule, largest) => {
    const sum = releaseNumber(total, rule.noise, rule.granularity, halved);
    const count = releaseNumber(records, noise, 1, halved);
    const event: DpEvent = { kind: 'composed', events: [sum.plan.event, count.plan.event] };
    const value = sum.value / Math.max(1, count.value);
    if (count.value <= count.error.halfWidth) {
      return { value, deviation: largest, halfWidth: Number.POSITIVE_INFINITY, event };
    }
    return { ...quotientError(sum, count, largest), value, event };
  };
}

/** See mean.proof.md: |S̃/Ñ − S/N| ≤ (h_S + |S/N|·h_N)/Ñ. */
function quotientError(
  sum: Release<number>,
  count: Release<number>,
  largest: number,
): { readonly deviation: number; readonly halfWidth: number } {
  const size = Math.abs(sum.value / count.value);
  const spread = count.error.halfWidth;
  const halfWidth = Math.min(
    (sum.error.halfWidth + largest * spread) / count.value,
    (sum.error.halfWidth + size * spread) / (count.value - spread),
  );
  const slope = Math.min(size, largest) * count.error.noiseStddev;
  return { deviation: Math.hypot(sum.error.noiseStddev, slope) / count.value, halfWidth };
}
