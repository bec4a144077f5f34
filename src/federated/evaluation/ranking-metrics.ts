import { rowNdcgAt5, rowPrecisionAt3 } from './ranked-row.ts';

/** Quality of tag rankings. All scores and labels are `[users, tags]`, row-major. */
export interface RankingMetrics {
  /** Mean over all users of the share of relevant tags among the best three; nothing relevant counts 0. */
  readonly precisionAt3: number;
  /** Mean over tags with at least five users of each class of the area under the ROC curve; NaN if none. */
  readonly macroAuc: number;
  /** Mean over users with a relevant tag of the discounted gain of the best five, against the ideal. */
  readonly ndcgAt5: number;
}

/**
 * Precision@3, macro AUC and NDCG@5. Ties keep the order of the tags (ranks) or count half (AUC).
 *
 * ## Privacy
 * Reads people's labels: call it on a public evaluation set, or count the cost (DESIGN: evaluation costs too).
 *
 * @param scores - `[users, tags]`
 * @param labels - `[users, tags]`, 0 or 1
 */
export function rankingMetrics(
  scores: Float32Array,
  labels: Float32Array,
  tags: number,
): RankingMetrics {
  if (scores.length !== labels.length || scores.length % tags !== 0) {
    throw new RangeError(`"scores" expected the shape of labels and a multiple of ${tags}`);
  }
  const users = scores.length / tags;
  let precision = 0;
  let gain = 0;
  let withRelevant = 0;
  for (let user = 0; user < users; user++) {
    const own = scores.subarray(user * tags, (user + 1) * tags);
    const truth = labels.subarray(user * tags, (user + 1) * tags);
    precision += rowPrecisionAt3(own, truth);
    const ndcg = rowNdcgAt5(own, truth);
    if (ndcg !== null) {
      withRelevant++;
      gain += ndcg;
    }
  }
  return {
    precisionAt3: precision / users,
    macroAuc: macroAuc(scores, labels, tags),
    ndcgAt5: withRelevant === 0 ? Number.NaN : gain / withRelevant,
  };
}

function macroAuc(scores: Float32Array, labels: Float32Array, tags: number): number {
  const users = scores.length / tags;
  let sum = 0;
  let counted = 0;
  for (let tag = 0; tag < tags; tag++) {
    const column = Float64Array.from(
      { length: users },
      (_, user) => scores[user * tags + tag] as number,
    );
    const truth = Uint8Array.from(
      { length: users },
      (_, user) => labels[user * tags + tag] as number,
    );
    const positives = truth.reduce((total, label) => total + label, 0);
    if (positives < 5 || users - positives < 5) continue;
    sum += areaUnderCurve(column, truth);
    counted++;
  }
  return counted === 0 ? Number.NaN : sum / counted;
}

/**
 * Area under the ROC curve by mid-ranks: the chance that a positive scores above a negative, ties half.
 *
 * @param scores - `[n]`
 * @param labels - `[n]`, 0 or 1; NaN is returned when one class is missing
 */
export function areaUnderCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const n = scores.length;
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => (scores[a] as number) - (scores[b] as number),
  );
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < n; ) {
    let end = start;
    const value = scores[order[start] as number] as number;
    while (end < n && scores[order[end] as number] === value) end++;
    const midRank = (start + end + 1) / 2;
    for (let i = start; i < end; i++) {
      if (labels[order[i] as number] === 1) {
        positives++;
        rankSum += midRank;
      }
    }
    start = end;
  }
  const negatives = n - positives;
  if (positives === 0 || negatives === 0) return Number.NaN;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
