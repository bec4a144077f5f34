import { normalDensity, normalQuantile } from '../../core/special/index.ts';

/**
 * How sums over public random buckets of clients become one. Coordinate by coordinate, so it needs no
 * single update and works on top of secure sums.
 */
export type RobustRule =
  /** Mean without the `trim` least and the `trim` greatest values. */
  | { readonly kind: 'trimmed-mean'; readonly buckets: number; readonly trim: number }
  /** The middle value, or the mean of the two in the middle. */
  | { readonly kind: 'median'; readonly buckets: number };

/**
 * Most buckets that may be wholly in an attacker's hand while every coordinate still lies between the least
 * and the greatest of the honest buckets.
 */
export function toleratedBuckets(rule: RobustRule): number {
  return rule.kind === 'median' ? Math.ceil(rule.buckets / 2) - 1 : rule.trim;
}

/** @throws {RangeError} for fewer than three buckets, or when trimming leaves none */
export function checkRobustRule(rule: RobustRule): void {
  const { buckets } = rule;
  if (!Number.isInteger(buckets) || buckets < 3) {
    throw new RangeError(`"buckets" expected an integer of at least 3, got ${buckets}`);
  }
  if (rule.kind === 'median') return;
  if (!Number.isInteger(rule.trim) || rule.trim < 1 || 2 * rule.trim >= buckets) {
    throw new RangeError(
      `"trim" expected an integer in [1, ${Math.ceil(buckets / 2) - 1}], got ${rule.trim}`,
    );
  }
}

/**
 * Estimates the sum over all clients from the sums of the buckets: buckets × the robust mean.
 *
 * Yin et al. (2018), arXiv 1803.01498, for the two rules; over buckets as in Karimireddy, He & Jaggi (2022),
 * arXiv 2006.09365.
 *
 * @param sums - one of `[dimension]` a bucket
 * @returns `[dimension]`
 */
export function combineBuckets(rule: RobustRule, sums: readonly Float64Array[]): Float64Array {
  const cut = toleratedBuckets(rule);
  const kept = sums.length - 2 * cut;
  const column = new Float64Array(sums.length);
  return Float64Array.from({ length: sums[0]?.length ?? 0 }, (_, i) => {
    for (let b = 0; b < sums.length; b++) column[b] = (sums[b] as Float64Array)[i] as number;
    column.sort();
    let inner = 0;
    for (let b = cut; b < sums.length - cut; b++) inner += column[b] as number;
    return (inner * sums.length) / kept;
  });
}

/**
 * Deviation of the combined sum over that of the noise of one bucket, where buckets differ by their noise
 * alone: √(buckets · v) with the asymptotic variance v of a trimmed mean (Huber 1981, §3.3), π/2 where a single
 * value is left. With few buckets the latter is up to 8 % too large; the others are right to 1 %.
 */
export function noiseInflation(rule: RobustRule): number {
  return Math.sqrt(rule.buckets * asymptoticVariance(rule));
}

/** Of √n times the estimate from n standard normal values. */
function asymptoticVariance(rule: RobustRule): number {
  const cut = toleratedBuckets(rule);
  if (rule.buckets - 2 * cut === 1) return Math.PI / 2;
  const share = cut / rule.buckets;
  const edge = normalQuantile(1 - share);
  const inner = 1 - 2 * share - 2 * edge * normalDensity(edge);
  return (inner + 2 * share * edge * edge) / (1 - 2 * share) ** 2;
}
