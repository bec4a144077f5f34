/** Logarithmic discount of a hit at a rank that counts from 0. */
function discount(rank: number): number {
  return 1 / Math.log2(rank + 2);
}

/**
 * Positions of the largest scores, best first; ties keep the order of the positions.
 *
 * @returns `[min(count, scores.length)]`
 */
export function bestOf(scores: ArrayLike<number>, count: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    let at = best.length;
    while (at > 0 && score > (scores[best[at - 1] as number] as number)) at--;
    if (at >= count) continue;
    best.splice(at, 0, i);
    if (best.length > count) best.pop();
  }
  return best;
}

/** Share of relevant tags among the best three of one user; a label above ½ is relevant. */
export function rowPrecisionAt3(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let hits = 0;
  for (const tag of bestOf(scores, 3)) if ((labels[tag] as number) > 0.5) hits++;
  return hits / 3;
}

/** Discounted gain of the best five of one user against the ideal; null with nothing relevant. */
export function rowNdcgAt5(scores: ArrayLike<number>, labels: ArrayLike<number>): number | null {
  let relevant = 0;
  for (let tag = 0; tag < labels.length; tag++) if ((labels[tag] as number) > 0.5) relevant++;
  if (relevant === 0) return null;
  let ideal = 0;
  for (let rank = 0; rank < Math.min(5, relevant); rank++) ideal += discount(rank);
  let gain = 0;
  bestOf(scores, 5).forEach((tag, rank) => {
    if ((labels[tag] as number) > 0.5) gain += discount(rank);
  });
  return gain / ideal;
}
