import { type Interval, ratioInterval } from '../../core/special/ratio-interval.ts';
import { gaussianMechanism } from '../../dp/mechanisms/index.ts';
import {
  type AuditCost,
  type AuditedPerson,
  type AuditOutcome,
  type AuditTerms,
  chargedRelease,
} from './charged-audit.ts';
import { simultaneousQuantile } from './noisy-share.ts';

/** What one person was asked to pay. */
export interface PricedPerson extends AuditedPerson {
  /** True for somebody who has bought here before. */
  readonly returning: boolean;
  readonly price: number;
  /** Price on the list for the same thing at the same time, above 0. */
  readonly listPrice: number;
}

/** What to audit. */
export interface PriceAuditTerms extends AuditTerms {
  /** Prices further from the list than this share of it count as that far; a public constant in (0, 1]. */
  readonly bound: number;
}

/** A mean of prices over list prices, 1 for the list itself. */
export interface MeanPrice {
  readonly value: number | null;
  /** Null where the noise drowns it. */
  readonly interval: Interval | null;
}

/** Whether the same thing costs those who come back more. */
export interface PriceAudit extends AuditCost {
  readonly returning: MeanPrice;
  readonly fresh: MeanPrice;
  /** Mean of returning people less that of new ones, in shares of the list price. */
  readonly difference: MeanPrice;
  readonly confidence: number;
}

/**
 * Compares what returning and new people pay for the same things (PIPL Art. 24; Algorithm Recommendation
 * Provisions Art. 21: no unreasonable differential treatment in prices). Whether one pricing function treats two
 * equal people differently: `pairedTest`.
 *
 * ## Privacy
 * Unit: user; relation as given. Each person adds (1, r) to one of two pairs of sums, with r in [−1, 1], so with a
 * norm of at most √2: costs everybody given `gaussian{noiseMultiplier}`.
 *
 * @throws {VelaturaError} as `auditGroups`
 * @throws RangeError for a bound out of range
 */
export async function auditPrices(
  people: readonly PricedPerson[],
  terms: PriceAuditTerms,
): Promise<AuditOutcome<PriceAudit>> {
  const { bound, confidence } = terms;
  if (!(bound > 0 && bound <= 1)) {
    throw new RangeError(`"bound" expected a number in (0, 1], got ${bound}`);
  }
  const vectorOf = ({ returning, price, listPrice }: PricedPerson): readonly number[] => {
    const relative = (price / listPrice - 1) / bound;
    // What is no price counts for nothing, rather than showing by an error that it was there.
    if (!Number.isFinite(relative) || !(listPrice > 0)) return [0, 0, 0, 0];
    const clipped = Math.min(1, Math.max(-1, relative));
    return returning ? [1, clipped, 0, 0] : [0, 0, 1, clipped];
  };
  const bounds = [`prices clipped to ±${100 * bound} % of the list`, 'one price a person'];
  const outcome = await chargedRelease(terms, people, bounds, (random) =>
    gaussianMechanism(people.map(vectorOf), {
      relation: terms.relation,
      dimension: 4,
      clippingNorm: Math.SQRT2,
      noiseMultiplier: terms.noiseMultiplier,
      random,
    }),
  );
  if (outcome.kind === 'refused') return outcome;
  const { value, error } = outcome.release;
  const z = simultaneousQuantile(confidence, 2);
  const mean = (at: number): MeanPrice =>
    meanPrice(value[at + 1] as number, value[at] as number, error.noiseStddev, bound, z);
  const [returning, fresh] = [mean(0), mean(2)];
  const known = returning.interval !== null && fresh.interval !== null;
  return {
    kind: 'released',
    audit: {
      ...outcome.cost,
      returning,
      fresh,
      difference: {
        value:
          returning.value === null || fresh.value === null ? null : returning.value - fresh.value,
        interval: known
          ? {
              low: (returning.interval as Interval).low - (fresh.interval as Interval).high,
              high: (returning.interval as Interval).high - (fresh.interval as Interval).low,
            }
          : null,
      },
      confidence,
    },
  };
}

function meanPrice(
  sum: number,
  count: number,
  noiseStddev: number,
  bound: number,
  z: number,
): MeanPrice {
  const interval = ratioInterval(
    {
      numerator: sum,
      numeratorStddev: noiseStddev,
      denominator: count,
      denominatorStddev: noiseStddev,
    },
    z,
  );
  if (interval === null) return { value: null, interval: null };
  return {
    value: 1 + (bound * sum) / count,
    interval: { low: 1 + bound * interval.low, high: 1 + bound * interval.high },
  };
}
