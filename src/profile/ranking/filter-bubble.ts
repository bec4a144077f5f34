/** An item that was shown, with what it is about. */
export interface ShownItem {
  readonly item: string;
  readonly categories: readonly string[];
}

/** How narrow what one person sees has become. */
export interface FilterBubble {
  /** Share of all categories of the catalogue that were shown, in [0, 1]. */
  readonly coverage: number;
  /** Entropy of the categories shown over that of all of them alike, in [0, 1]; 1 is even. */
  readonly entropy: number;
  /** Gini coefficient of the showings over all categories, in [0, 1]; 0 is even. */
  readonly gini: number;
  /**
   * Jensen–Shannon distance from what an unprofiled control saw, in [0, 1]: 0 for the same mix of categories, 1
   * for nothing in common.
   */
  readonly drift: number;
}

/**
 * Measures what a person was shown against the catalogue and against a control without a profile, who was shown
 * the non-personalised list over the same time.
 *
 * ## Privacy
 * For the person's own device. Means over people leave through a noised sum only.
 *
 * @param shown - to the person, at least one
 * @param control - shown without a profile, at least one
 * @param categories - all of the catalogue, each once; others are not counted
 */
export function filterBubble(
  shown: readonly ShownItem[],
  control: readonly ShownItem[],
  categories: readonly string[],
): FilterBubble {
  if (categories.length === 0 || new Set(categories).size !== categories.length) {
    throw new RangeError('"categories" expected at least one, each once');
  }
  const own = mix('shown', shown, categories);
  const other = mix('control', control, categories);
  const sorted = [...own].sort((a, b) => a - b);
  const n = sorted.length;
  const ranked = sorted.reduce((sum, share, i) => sum + (2 * (i + 1) - n - 1) * share, 0);
  return {
    coverage: own.filter((share) => share > 0).length / n,
    entropy: n === 1 ? 1 : entropy(own) / Math.log(n),
    gini: ranked / n,
    drift: Math.sqrt(Math.max(0, jensenShannon(own, other)) / Math.LN2),
  };
}

/** Shares of the categories; an item of several counts for each in part. */
function mix(
  name: string,
  items: readonly ShownItem[],
  categories: readonly string[],
): readonly number[] {
  const at = new Map(categories.map((category, i) => [category, i]));
  const counts = categories.map(() => 0);
  let sum = 0;
  for (const item of items) {
    const known = item.categories.flatMap((category) => at.get(category) ?? []);
    for (const i of known) counts[i] = (counts[i] as number) + 1 / known.length;
    if (known.length > 0) sum += 1;
  }
  if (sum === 0) throw new RangeError(`"${name}" expected an item of a known category`);
  return counts.map((count) => count / sum);
}

function entropy(shares: readonly number[]): number {
  return shares.reduce((sum, share) => (share > 0 ? sum - share * Math.log(share) : sum), 0);
}

function jensenShannon(a: readonly number[], b: readonly number[]): number {
  const middle = a.map((share, i) => (share + (b[i] as number)) / 2);
  return entropy(middle) - (entropy(a) + entropy(b)) / 2;
}
