import { dpHistogram } from '../../dp/mechanisms/index.ts';
import {
  type AuditCost,
  type AuditedPerson,
  type AuditOutcome,
  type AuditTerms,
  chargedRelease,
} from './charged-audit.ts';
import {
  type Gap,
  type NoisyCount,
  type NoisyShare,
  shareOf,
  simultaneousQuantile,
  sumOf,
} from './noisy-share.ts';

/** Tags of one person beside a sensitive attribute that the person stated for this audit. */
export interface ProxyPerson extends AuditedPerson {
  /** One of the values; people of others are left out. */
  readonly attribute: string;
  /** Tag → level. */
  readonly tags: Readonly<Record<string, string>>;
}

/** What to audit. */
export interface ProxyAuditTerms extends AuditTerms {
  /** Values of the sensitive attribute, a public list of at least two. */
  readonly attributes: readonly string[];
  /** Tag → its levels, public lists of at least two; a level that is not listed is left out. */
  readonly tags: Readonly<Record<string, readonly string[]>>;
}

/** How much one tag gives away. */
export interface TagProxy {
  readonly tag: string;
  /**
   * Total variation between the levels of two groups, for the two that are furthest apart: 0 when the tag says
   * nothing, 1 when it tells them apart with certainty. Whoever guesses between the two by this tag alone is
   * right with probability (1 + advantage)/2 at best. Noise moves `value` up; the interval allows for it.
   */
  readonly advantage: Gap;
}

/** How well single tags predict a sensitive attribute, with what the answer cost. */
export interface ProxyAudit extends AuditCost {
  /** Those that give most away first. */
  readonly tags: readonly TagProxy[];
  readonly confidence: number;
}

/**
 * How well each tag alone predicts a sensitive attribute: a tag that does is that attribute under another name.
 * Tags that give it away only together are found by `attributeInferenceAttack` of `velatura/testing` on public
 * data.
 *
 * The intervals are about these very people and cover the noise alone, all of them at once.
 *
 * ## Privacy
 * Unit: user; relation as given. Each person counts in one cell for each tag, all noised together: costs everybody
 * given `gaussian{noiseMultiplier}`, and the noise grows with the root of the number of tags.
 *
 * @throws {VelaturaError} as `auditGroups`
 * @throws RangeError for terms out of range
 */
export async function auditProxies(
  people: readonly ProxyPerson[],
  terms: ProxyAuditTerms,
): Promise<AuditOutcome<ProxyAudit>> {
  const { attributes, confidence } = terms;
  const tags = Object.entries(terms.tags);
  if (attributes.length < 2 || new Set(attributes).size !== attributes.length) {
    throw new RangeError('"attributes" expected at least two different values');
  }
  for (const [, levels] of tags) {
    if (levels.length < 2 || new Set(levels).size !== levels.length) {
      throw new RangeError('"tags" expected at least two different levels each');
    }
  }
  if (tags.length === 0) throw new RangeError('"tags" expected at least one');
  const name = (tag: number, level: number, attribute: number): string =>
    `${tag}/${level}/${attribute}`;
  const names = tags.flatMap(([, levels], t) =>
    levels.flatMap((_, l) => attributes.map((_, a) => name(t, l, a))),
  );
  const cellsOf = (person: ProxyPerson): string[] => {
    const a = attributes.indexOf(person.attribute);
    if (a < 0) return [];
    return tags.flatMap(([tag, levels], t) => {
      const level = Object.hasOwn(person.tags, tag) ? levels.indexOf(person.tags[tag] ?? '') : -1;
      return level < 0 ? [] : [name(t, level, a)];
    });
  };
  const bounds = [`one cell a person in each of ${tags.length} tables`];
  const outcome = await chargedRelease(terms, people, bounds, (random) =>
    dpHistogram(people.map(cellsOf), {
      relation: terms.relation,
      categories: names,
      maxCategories: tags.length,
      noise: { kind: 'gaussian', noiseMultiplier: terms.noiseMultiplier },
      random,
    }),
  );
  if (outcome.kind === 'refused') return outcome;
  const { value, error } = outcome.release;
  const at = new Map(names.map((cell, i) => [cell, value[i] as number]));
  const z = simultaneousQuantile(confidence, names.length);
  const proxies = tags.map(([tag, levels], t): TagProxy => {
    const shares = attributes.map((_, a) => {
      const counts = levels.map(
        (_, l): NoisyCount => ({
          value: at.get(name(t, l, a)) as number,
          stddev: error.noiseStddev,
        }),
      );
      return counts.map((part, l) => shareOf(part, sumOf(counts.filter((_, i) => i !== l)), z));
    });
    return { tag, advantage: furthestApart(shares) };
  });
  return {
    kind: 'released',
    audit: {
      ...outcome.cost,
      tags: proxies.sort((a, b) => b.advantage.interval.low - a.advantage.interval.low),
      confidence,
    },
  };
}

/** Total variation of the two groups whose shares differ most. @param shares - `[attributes][levels]` */
function furthestApart(shares: readonly (readonly NoisyShare[])[]): Gap {
  const pairs = shares.flatMap((first, i) =>
    shares.slice(i + 1).map((second) => totalVariation(first, second)),
  );
  const values = pairs.flatMap(({ value }) => value ?? []);
  return {
    value: values.length < pairs.length ? null : Math.max(...values),
    interval: {
      low: Math.max(...pairs.map(({ interval }) => interval.low)),
      high: Math.max(...pairs.map(({ interval }) => interval.high)),
    },
  };
}

function totalVariation(first: readonly NoisyShare[], second: readonly NoisyShare[]): Gap {
  let value: number | null = 0;
  let low = 0;
  let high = 0;
  first.forEach((a, level) => {
    const b = second[level] as NoisyShare;
    value =
      value === null || a.value === null || b.value === null
        ? null
        : value + Math.abs(a.value - b.value) / 2;
    const apart = Math.max(a.interval.low - b.interval.high, b.interval.low - a.interval.high);
    // One level alone bounds the whole from below: what one group has more of it, the other has elsewhere.
    low = Math.max(low, apart);
    const widest = Math.max(a.interval.high - b.interval.low, b.interval.high - a.interval.low);
    high += widest / 2;
  });
  return { value, interval: { low, high: Math.min(1, high) } };
}
