import { type Candidate, requireLength } from './candidate.ts';

/** When an item was shown to the person; stays on the person's device. */
export interface Showing {
  readonly item: string;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly time: number;
}

/** Limits on what one list may show. */
export interface ExposureLimits {
  /** Most items of one provider in a list. */
  readonly perProvider: number;
  /** Most showings of one item to the person within the period; what had more is left out. */
  readonly perItem: number;
  readonly periodMs: number;
}

/**
 * The first items that the limits let through, in the same order. A list becomes shorter rather than to pass a
 * limit.
 *
 * @param candidates - in order of preference
 * @param showings - of the person; later than `at` counts as now
 */
export function limitExposure(
  candidates: readonly Candidate[],
  length: number,
  limits: ExposureLimits,
  showings: readonly Showing[],
  at: number,
): readonly Candidate[] {
  requireLength('length', length);
  requireLength('perProvider', limits.perProvider);
  requireLength('perItem', limits.perItem);
  const shown = new Map<string, number>();
  for (const { item, time } of showings) {
    if (time > at - limits.periodMs) shown.set(item, (shown.get(item) ?? 0) + 1);
  }
  const providers = new Map<string, number>();
  const list: Candidate[] = [];
  for (const candidate of candidates) {
    if (list.length === length) break;
    const { item, provider } = candidate;
    const sofar = providers.get(provider) ?? 0;
    if (sofar >= limits.perProvider || (shown.get(item) ?? 0) >= limits.perItem) continue;
    providers.set(provider, sofar + 1);
    list.push(candidate);
  }
  return list;
}

/** How fast the memory of having shown something fades. */
export interface RepetitionDecay {
  /** What a showing just now leaves of an item's relevance, in (0, 1]. */
  readonly retained: number;
  /** After which a showing counts half. */
  readonly halfLifeMs: number;
}

/**
 * Candidates with less relevance the more often and the more recently they were shown: retained^c, where each
 * showing adds 2^(−age / half-life) to c.
 */
export function decayRepetition(
  candidates: readonly Candidate[],
  decay: RepetitionDecay,
  showings: readonly Showing[],
  at: number,
): readonly Candidate[] {
  const { retained, halfLifeMs } = decay;
  if (!(retained > 0 && retained <= 1)) {
    throw new RangeError(`"retained" expected a number in (0, 1], got ${retained}`);
  }
  if (!(halfLifeMs > 0)) {
    throw new RangeError(`"halfLifeMs" expected a positive number, got ${halfLifeMs}`);
  }
  const weights = new Map<string, number>();
  for (const { item, time } of showings) {
    const weight = 2 ** (-Math.max(0, at - time) / halfLifeMs);
    weights.set(item, (weights.get(item) ?? 0) + weight);
  }
  return candidates.map((candidate) => ({
    ...candidate,
    relevance: candidate.relevance * retained ** (weights.get(candidate.item) ?? 0),
  }));
}
