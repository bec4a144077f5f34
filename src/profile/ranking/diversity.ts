import { type Candidate, orderedCandidates, requireLength, requireShare } from './candidate.ts';

/** Options of {@link diversify}. */
export interface DiversityOptions {
  /** Most items of the list. */
  readonly length: number;
  /** What diversity counts beside relevance, in [0, 1]; 0 keeps the order of relevance. */
  readonly diversity: number;
  /** Of two items, in [0, 1]. Default: {@link categorySimilarity}. */
  readonly similarity?: (a: Candidate, b: Candidate) => number;
}

/**
 * Maximal marginal relevance: each next item has the largest
 * (1 − diversity) · relevance − diversity · (likeness to the most alike item that is in the list already).
 * Relevance is divided by the largest one, so that the weight means the same for every list.
 *
 * Costs length · candidates similarities.
 *
 * @see J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking …", SIGIR 1998
 */
export function diversify(
  candidates: readonly Candidate[],
  options: DiversityOptions,
): readonly Candidate[] {
  const { length, diversity, similarity = categorySimilarity } = options;
  requireLength('length', length);
  requireShare('diversity', diversity);
  const waiting = [...orderedCandidates(candidates)];
  const largest = waiting[0]?.relevance || 1;
  const likeness = waiting.map(() => 0);
  const list: Candidate[] = [];
  while (list.length < length && waiting.length > 0) {
    let best = 0;
    let bestValue = Number.NEGATIVE_INFINITY;
    waiting.forEach(({ relevance }, i) => {
      const value = (1 - diversity) * (relevance / largest) - diversity * (likeness[i] as number);
      if (value > bestValue) [best, bestValue] = [i, value];
    });
    const [chosen] = waiting.splice(best, 1) as [Candidate];
    likeness.splice(best, 1);
    list.push(chosen);
    waiting.forEach((candidate, i) => {
      likeness[i] = Math.max(likeness[i] as number, similarity(candidate, chosen));
    });
  }
  return list;
}

/** Share of categories that two items have in common (Jaccard); 0 for items without any. */
export function categorySimilarity(a: Candidate, b: Candidate): number {
  const first = new Set(a.categories);
  const second = new Set(b.categories);
  const common = [...first].filter((category) => second.has(category)).length;
  const all = first.size + second.size - common;
  return all === 0 ? 0 : common / all;
}
