import type { Interval } from '../../core/special/ratio-interval.ts';
import { DROWNED, type MetricEstimate } from './metric-estimate.ts';

/** Noisy counts of one tag's scores. */
export interface ScoreHistogram {
  /** `[bins − 1]`, ascending: bin i holds the scores from edge i − 1 up to, not including, edge i. */
  readonly edges: readonly number[];
  /** `[bins]`, people with the tag. */
  readonly positives: Float64Array;
  /** `[bins]`, people without it. */
  readonly negatives: Float64Array;
  /** Deviation of the independent noise on every count. */
  readonly noiseStddev: number;
}

/** A noisy confusion matrix; every count with the deviation of its noise. */
export interface NoisyConfusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
  /** Deviation of the two counts at or above the threshold. */
  readonly aboveStddev: number;
  /** Deviation of the two counts under it. */
  readonly belowStddev: number;
}

/**
 * What saying yes from one edge upwards gives.
 *
 * @param edge - position in `edges`
 * @throws RangeError for a position out of range
 */
export function confusionAt(histogram: ScoreHistogram, edge: number): NoisyConfusion {
  const { edges, positives, negatives, noiseStddev } = histogram;
  if (!Number.isInteger(edge) || edge < 0 || edge >= edges.length) {
    throw new RangeError(`"edge" expected an integer in [0, ${edges.length}), got ${edge}`);
  }
  const below = edge + 1;
  return {
    truePositives: total(positives.subarray(below)),
    falsePositives: total(negatives.subarray(below)),
    trueNegatives: total(negatives.subarray(0, below)),
    falseNegatives: total(positives.subarray(0, below)),
    aboveStddev: noiseStddev * Math.sqrt(positives.length - below),
    belowStddev: noiseStddev * Math.sqrt(below),
  };
}

/** People of each class that a tag must have, as in `rankingMetrics`; halves stand above the rounding. */
const LEAST_OF_A_CLASS = 4.5;

/**
 * Area under the ROC curve of one tag from noisy counts, scores of one bin taken as tied.
 *
 * @param z - two-sided normal quantile
 * @returns drowned unless both classes are, beyond noise, at least five people
 * @see evaluate-tags.proof.md
 */
export function binnedAuc(histogram: ScoreHistogram, z: number): MetricEstimate {
  return weightedAuc([histogram], z);
}

/**
 * Mean over tags of their binned AUC, each weighted by its pairs of a positive and a negative: the one AUC of
 * many tags to which rare tags add little noise.
 *
 * The statistic T(θ) = Σ p_b n_b' m_bb' over bins and tags, with m = [b' < b] + ½[b' = b] − θ, is zero in the
 * true counts at that AUC, and unbiased in noisy ones. The interval is of all θ that |T(θ)| ≤ z·sd T(θ) does not
 * rule out, widened by what the bins hide: at most half of the pairs that share one.
 *
 * @param z - two-sided normal quantile
 * @returns drowned unless both classes are, over all tags and beyond noise, at least five people
 * @see evaluate-tags.proof.md
 */
export function weightedAuc(histograms: readonly ScoreHistogram[], z: number): MetricEstimate {
  if (classSize(histograms, z) !== 'enough') return DROWNED;
  let [won, pairs, shared, sharedVariance] = [0, 0, 0, 0];
  for (const { positives, negatives, noiseStddev } of histograms) {
    won += pairsWon(positives, negatives);
    pairs += total(positives) * total(negatives);
    positives.forEach((count, bin) => {
      const other = negatives[bin] as number;
      shared += count * other;
      sharedVariance += noiseStddev ** 2 * (count * count + other * other);
    });
  }
  const interval = consistentWith(histograms, z, won, pairs);
  if (interval === null) return DROWNED;
  const value = won / pairs;
  const binError = Math.max(0, shared + z * Math.sqrt(sharedVariance)) / 2 / pairs;
  return {
    value,
    standardError: Math.sqrt(variance(histograms, value)) / pairs,
    binError,
    interval: { low: interval.low - binError, high: interval.high + binError },
  };
}

/**
 * Plain mean of the AUC of the tags with at least five people of each class, as in `rankingMetrics`; the noise
 * of tags is independent.
 *
 * @returns drowned where noise hides of a single tag whether it has five: a mean over other tags is another one
 */
export function macroAuc(histograms: readonly ScoreHistogram[], z: number): MetricEstimate {
  const sizes = histograms.map((histogram) => classSize([histogram], z));
  if (sizes.includes('unclear')) return DROWNED;
  const estimates = histograms
    .filter((_, tag) => sizes[tag] === 'enough')
    .map((histogram) => binnedAuc(histogram, z));
  const count = estimates.length;
  let [sum, squares, binError] = [0, 0, 0];
  for (const { value, standardError, binError: own } of estimates) {
    if (value === null || standardError === null) return DROWNED;
    sum += value / count;
    squares += (standardError / count) ** 2;
    binError += own / count;
  }
  if (count === 0) return DROWNED;
  const standardError = Math.sqrt(squares);
  const reach = z * standardError + binError;
  return {
    value: sum,
    standardError,
    binError,
    interval: { low: sum - reach, high: sum + reach },
  };
}

/** Whether both classes are at least five people, in all tags together, with z deviations to spare. */
function classSize(
  histograms: readonly ScoreHistogram[],
  z: number,
): 'enough' | 'rare' | 'unclear' {
  let [positive, negative, squares] = [0, 0, 0];
  for (const { positives, negatives, noiseStddev } of histograms) {
    positive += total(positives);
    negative += total(negatives);
    squares += positives.length * noiseStddev ** 2;
  }
  const smaller = Math.min(positive, negative);
  const slack = z * Math.sqrt(squares);
  if (smaller - slack > LEAST_OF_A_CLASS) return 'enough';
  return smaller + slack < LEAST_OF_A_CLASS ? 'rare' : 'unclear';
}

/** Pairs of a positive above a negative, ties half. */
function pairsWon(positives: Float64Array, negatives: Float64Array): number {
  let below = 0;
  let won = 0;
  positives.forEach((count, bin) => {
    const own = negatives[bin] as number;
    won += count * (below + own / 2);
    below += own;
  });
  return won;
}

/** σ²(‖M n‖² + ‖Mᵀ p‖²) over the tags: the variance of T(θ), and a little more. */
function variance(histograms: readonly ScoreHistogram[], theta: number): number {
  let sum = 0;
  for (const { positives, negatives, noiseStddev } of histograms) {
    const n = total(negatives);
    const p = total(positives);
    let below = 0;
    let above = p;
    positives.forEach((count, bin) => {
      const own = negatives[bin] as number;
      above -= count;
      const rows = below + own / 2 - theta * n;
      const columns = above + count / 2 - theta * p;
      sum += noiseStddev ** 2 * (rows ** 2 + columns ** 2);
      below += own;
    });
  }
  return sum;
}

/** All θ with (won − θ·pairs)² ≤ z²·variance(θ), which is quadratic in θ; null when they have no bounds. */
function consistentWith(
  histograms: readonly ScoreHistogram[],
  z: number,
  won: number,
  pairs: number,
): Interval | null {
  const [at0, atHalf, at1] = [0, 0.5, 1].map((theta) => z * z * variance(histograms, theta)) as [
    number,
    number,
    number,
  ];
  const curvature = 2 * (at0 - 2 * atHalf + at1);
  const slope = at1 - at0 - curvature;
  const a = pairs * pairs - curvature;
  const b = -2 * won * pairs - slope;
  const c = won * won - at0;
  if (!(pairs > 0 && a > 0)) return null;
  // Between 0 and rounding where there is no noise.
  const root = Math.sqrt(Math.max(0, b * b - 4 * a * c));
  return { low: (-b - root) / (2 * a), high: (-b + root) / (2 * a) };
}

function total(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
