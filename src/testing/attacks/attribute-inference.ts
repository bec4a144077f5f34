import { SeededRandom } from '../../core/seeded-random.ts';
import type { AttackedRow } from './linkage.ts';

/** How well tags together gave a sensitive attribute away. */
export interface AttributeInferenceResult {
  /** People on whom the attack was tried. */
  readonly people: number;
  /** Mean over the attribute's values of the share of their people guessed right. */
  readonly balancedAccuracy: number;
  /** The same for guessing without the tags: 1 over the number of values. */
  readonly baseline: number;
}

/**
 * Predicts a sensitive attribute from all tags together by naive Bayes, learnt on one half of the people and tried
 * on the other. It finds proxies that no single tag is.
 *
 * ## Privacy
 * Reads the attribute and answers exactly: for public or made-up data only. For people: `auditProxies`.
 *
 * @param people - tags of each person, in text, beside the attribute
 * @param seed - splits the people
 */
export function attributeInferenceAttack(
  people: readonly { readonly attribute: string; readonly tags: AttackedRow }[],
  seed: string,
): AttributeInferenceResult {
  const order = new SeededRandom(seed).permutation(people.length);
  const shuffled = [...order].map((i) => people[i] as (typeof people)[number]);
  const half = shuffled.length >> 1;
  const [training, test] = [shuffled.slice(0, half), shuffled.slice(half)];
  const values = [...new Set(training.map(({ attribute }) => attribute))].sort();
  if (values.length < 2) throw new RangeError('"people" expected at least two attribute values');
  const counts = new Map<string, number>();
  const levels = new Map<string, Set<string>>();
  const sizes = new Map<string, number>();
  const key = (...parts: readonly string[]): string => JSON.stringify(parts);
  for (const { attribute, tags } of training) {
    sizes.set(attribute, (sizes.get(attribute) ?? 0) + 1);
    for (const [tag, level] of Object.entries(tags)) {
      const cell = key(attribute, tag, level);
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
      levels.set(tag, (levels.get(tag) ?? new Set()).add(level));
    }
  }
  /** Log likelihood of the tags; values count alike, however common they are. */
  const likelihood = (attribute: string, tags: AttackedRow): number =>
    Object.entries(tags).reduce((sum, [tag, level]) => {
      const known = levels.get(tag);
      if (known === undefined) return sum;
      const count = counts.get(key(attribute, tag, level)) ?? 0;
      return sum + Math.log((count + 1) / ((sizes.get(attribute) as number) + known.size + 1));
    }, 0);
  const hits = new Map(values.map((value) => [value, { right: 0, all: 0 }]));
  for (const { attribute, tags } of test) {
    const tally = hits.get(attribute);
    if (tally === undefined) continue;
    const guessed = values
      .map((value) => ({ value, fit: likelihood(value, tags) }))
      .reduce((best, next) => (next.fit > best.fit ? next : best));
    tally.all += 1;
    if (guessed.value === attribute) tally.right += 1;
  }
  const rates = [...hits.values()]
    .filter(({ all }) => all > 0)
    .map(({ right, all }) => right / all);
  return {
    people: test.length,
    balancedAccuracy: rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
    baseline: 1 / values.length,
  };
}
