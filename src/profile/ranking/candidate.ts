/** An item that could be shown. */
export interface Candidate {
  /** Unique among the candidates. */
  readonly item: string;
  /** How well it fits, finite and at least 0; more is better. */
  readonly relevance: number;
  /** Categories or genres, for diversity and calibration. */
  readonly categories: readonly string[];
  /** Who profits when it is shown, such as the merchant or streamer; for exposure limits. */
  readonly provider: string;
}

/**
 * Checks candidates and puts them in order: best first, equal ones by name, so that no list depends on the order
 * in which a database happened to answer.
 *
 * @throws RangeError for a relevance that is no number of at least 0, and for an item that comes twice
 */
export function orderedCandidates(candidates: readonly Candidate[]): readonly Candidate[] {
  const seen = new Set<string>();
  for (const { item, relevance } of candidates) {
    if (!(relevance >= 0 && relevance < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`"relevance" expected a finite number of at least 0, got ${relevance}`);
    }
    if (seen.has(item)) throw new RangeError('"candidates" expected each item once');
    seen.add(item);
  }
  return [...candidates].sort(
    (a, b) => b.relevance - a.relevance || (a.item < b.item ? -1 : a.item > b.item ? 1 : 0),
  );
}

/** @throws RangeError unless `value` is in [0, 1] */
export function requireShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) {
    throw new RangeError(`"${name}" expected a number in [0, 1], got ${value}`);
  }
}

/** @throws RangeError unless `value` is an integer of at least 1 */
export function requireLength(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`"${name}" expected an integer of at least 1, got ${value}`);
  }
}
