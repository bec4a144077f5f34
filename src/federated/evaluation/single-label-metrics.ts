import { areaUnderCurve } from './ranking-metrics.ts';

/** Quality of the scores of one label. */
export interface SingleLabelMetrics {
  /** Area under the ROC curve; NaN when one class is missing. */
  readonly auc: number;
  /** See {@link averagePrecision}. */
  readonly averagePrecision: number;
  /** See {@link topPrecision}, of the best tenth. */
  readonly precisionAtTop10Percent: number;
}

/**
 * Area under the ROC curve, average precision and precision in the top 10 %.
 *
 * ## Privacy
 * Reads people's labels: call it on a public evaluation set, or count the cost (`evaluateTags`).
 *
 * @param scores - `[users]`
 * @param labels - `[users]`, 0 or 1
 * @throws RangeError when the lengths differ or a score is NaN
 */
export function singleLabelMetrics(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): SingleLabelMetrics {
  return {
    averagePrecision: averagePrecision(scores, labels),
    precisionAtTop10Percent: topPrecision(scores, labels, 0.1),
    auc: areaUnderCurve(scores, labels),
  };
}

/**
 * Mean precision at the positives: the area under the steps of precision over recall. Ties are one step.
 *
 * @param scores - `[n]`
 * @param labels - `[n]`, 0 or 1; NaN is returned without positives
 * @throws RangeError when the lengths differ or a score is NaN
 */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let positives = 0;
  let area = 0;
  for (const tie of tiesFromTheTop(scores, labels)) {
    positives += tie.positives;
    area += (tie.positives * positives) / tie.end;
  }
  return positives === 0 ? Number.NaN : area / positives;
}

/**
 * Share of positives among the best `share` of the users, a rounded number of at least one. Of a tie that is
 * cut by the border, each member counts in part.
 *
 * @param scores - `[n]`
 * @param labels - `[n]`, 0 or 1; NaN is returned when there are none
 * @param share - in (0, 1]
 * @throws RangeError when the lengths differ, a score is NaN or the share is out of range
 */
export function topPrecision(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  share: number,
): number {
  if (!(share > 0 && share <= 1)) {
    throw new RangeError(`"share" expected a number in (0, 1], got ${share}`);
  }
  if (scores.length === 0) return Number.NaN;
  const size = Math.max(1, Math.round(share * scores.length));
  let hits = 0;
  for (const tie of tiesFromTheTop(scores, labels)) {
    if (tie.start >= size) break;
    const inside = (Math.min(tie.end, size) - tie.start) / (tie.end - tie.start);
    hits += inside * tie.positives;
  }
  return hits / size;
}

/** Users of the same score: ranks `start` up to, not including, `end`, best first. */
interface Tie {
  readonly start: number;
  readonly end: number;
  readonly positives: number;
}

function tiesFromTheTop(scores: ArrayLike<number>, labels: ArrayLike<number>): Tie[] {
  if (scores.length !== labels.length) {
    throw new RangeError(`"labels" expected ${scores.length} numbers, got ${labels.length}`);
  }
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) throw new RangeError(`"scores" expected numbers, got NaN at ${i}`);
  }
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number),
  );
  const ties: Tie[] = [];
  for (let start = 0; start < order.length; ) {
    const score = scores[order[start] as number];
    let end = start;
    let positives = 0;
    while (end < order.length && scores[order[end] as number] === score) {
      positives += labels[order[end] as number] as number;
      end++;
    }
    ties.push({ start, end, positives });
    start = end;
  }
  return ties;
}
