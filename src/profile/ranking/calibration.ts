import { type Candidate, orderedCandidates, requireLength, requireShare } from './candidate.ts';

/** Options of {@link calibrate}. */
export interface CalibrationOptions {
  readonly length: number;
  /** What calibration counts beside relevance, in [0, 1]. */
  readonly calibration: number;
  /** Category → share that the list should have, such as the person's own mix; at least 0, of any sum above 0. */
  readonly target: ReadonlyMap<string, number>;
}

/** How much of the target is mixed into the list's own shares, so that a missing category is no infinity. */
const SMOOTHING = 0.01;

/**
 * Chooses a list whose mix of categories is like the target: somebody who is mostly, but not only, interested in
 * one thing does not get only that. Each next item makes
 * (1 − calibration) · Σ relevance − calibration · KL(target ‖ list) largest.
 *
 * @see H. Steck, "Calibrated recommendations", RecSys 2018
 */
export function calibrate(
  candidates: readonly Candidate[],
  options: CalibrationOptions,
): readonly Candidate[] {
  const { length, calibration } = options;
  requireLength('length', length);
  requireShare('calibration', calibration);
  const target = normalised(options.target);
  const waiting = [...orderedCandidates(candidates)];
  const largest = waiting[0]?.relevance || 1;
  const counts = new Map<string, number>();
  const list: Candidate[] = [];
  let relevance = 0;
  while (list.length < length && waiting.length > 0) {
    let best = 0;
    let bestValue = Number.NEGATIVE_INFINITY;
    waiting.forEach((candidate, i) => {
      const distance = divergence(target, counts, list.length, candidate);
      const value =
        (1 - calibration) * (relevance + candidate.relevance / largest) - calibration * distance;
      if (value > bestValue) [best, bestValue] = [i, value];
    });
    const [chosen] = waiting.splice(best, 1) as [Candidate];
    list.push(chosen);
    relevance += chosen.relevance / largest;
    add(counts, chosen, (category) => counts.get(category) ?? 0);
  }
  return list;
}

/**
 * Kullback–Leibler divergence of a list's mix of categories from a target, in nats; 0 for the same mix.
 *
 * @param target - category → share
 */
export function calibrationError(
  list: readonly Pick<Candidate, 'categories'>[],
  target: ReadonlyMap<string, number>,
): number {
  const counts = new Map<string, number>();
  for (const item of list) add(counts, item, (category) => counts.get(category) ?? 0);
  return divergence(normalised(target), counts, list.length, null);
}

/** KL(target ‖ mix) of a list with one item more. */
function divergence(
  target: ReadonlyMap<string, number>,
  counts: ReadonlyMap<string, number>,
  length: number,
  next: Candidate | null,
): number {
  const share = next === null ? 0 : 1 / Math.max(1, next.categories.length);
  const items = length + (next === null ? 0 : 1);
  let sum = 0;
  for (const [category, wanted] of target) {
    const more = next?.categories.includes(category) === true ? share : 0;
    const got = items === 0 ? 0 : ((counts.get(category) ?? 0) + more) / items;
    sum += wanted * Math.log(wanted / ((1 - SMOOTHING) * got + SMOOTHING * wanted));
  }
  return sum;
}

/** An item of several categories counts for each in part. */
function add(
  counts: Map<string, number>,
  { categories }: Pick<Candidate, 'categories'>,
  before: (category: string) => number,
): void {
  for (const category of categories) counts.set(category, before(category) + 1 / categories.length);
}

function normalised(target: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  let sum = 0;
  for (const share of target.values()) {
    if (!(share >= 0 && share < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`"target" expected shares of at least 0, got ${share}`);
    }
    sum += share;
  }
  if (!(sum > 0)) throw new RangeError('"target" expected a share above 0');
  return new Map(
    [...target].filter(([, share]) => share > 0).map(([name, share]) => [name, share / sum]),
  );
}
