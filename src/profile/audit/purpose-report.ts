import { own } from '../names.ts';
import { type ProfileSchema, type Purpose, requireValidated } from '../schema.ts';
import type { AuditRecord } from './audit-record.ts';

/** How often one tag or kind of data was used in one scene for one purpose. */
export interface PurposeUse {
  /** A tag or a kind. */
  readonly item: string;
  readonly scene: string;
  readonly purpose: Purpose;
  readonly party: string;
  readonly reads: number;
  /** Of the first and the last read: milliseconds since 1970-01-01T00:00Z. */
  readonly first: number;
  readonly last: number;
  /**
   * Why the schema does not cover the use: the item is not declared, or prohibited, its purposes or scenes do
   * not hold this one, or the party is no controller or recipient of it. Null when it is covered.
   */
  readonly undeclared: 'item' | 'purpose' | 'scene' | 'party' | null;
}

/** What was declared, held against what was done. */
export interface PurposeReport {
  /** Uses that the schema does not cover first, then by item. */
  readonly uses: readonly PurposeUse[];
  /** Declared purposes for which nothing was read: candidates to be taken out of the schema. */
  readonly unused: readonly { readonly item: string; readonly purpose: Purpose }[];
  readonly reads: number;
}

/**
 * Holds the reads of an audit log against the purposes that the schema declares (purpose limitation: PIPL
 * Art. 6, GDPR Art. 5(1)(b)).
 *
 * It sees what was logged; code that reads around the log is not in it.
 */
export function purposeReport(
  schema: ProfileSchema,
  records: Iterable<AuditRecord>,
): PurposeReport {
  requireValidated(schema);
  const uses = new Map<string, PurposeUse>();
  const seen = new Set<string>();
  let reads = 0;
  for (const record of records) {
    if (record.kind !== 'read') continue;
    reads += 1;
    const { scene, purpose, party, time } = record;
    for (const item of new Set(record.items)) {
      seen.add(JSON.stringify([item, purpose]));
      const key = JSON.stringify([item, scene, purpose, party]);
      const before = uses.get(key);
      uses.set(key, {
        item,
        scene,
        purpose,
        party,
        reads: (before?.reads ?? 0) + 1,
        first: before?.first ?? time,
        last: time,
        undeclared: before?.undeclared ?? gapOf(schema, item, scene, purpose, party),
      });
    }
  }
  const rank = (use: PurposeUse): number => (use.undeclared === null ? 1 : 0);
  return {
    uses: [...uses.values()].sort((a, b) => rank(a) - rank(b) || compare(a.item, b.item)),
    unused: declaredPurposes(schema).filter(
      ({ item, purpose }) => !seen.has(JSON.stringify([item, purpose])),
    ),
    reads,
  };
}

function gapOf(
  schema: ProfileSchema,
  item: string,
  scene: string,
  purpose: Purpose,
  party: string,
): PurposeUse['undeclared'] {
  if (own(schema.scenes, scene) === undefined) return 'scene';
  const tag = own(schema.tags, item);
  const kinds = (tag === undefined ? [item] : tag.from).map((kind) => own(schema.kinds, kind));
  const flow = schema.flows.find(
    (flow) =>
      tag !== undefined &&
      flow.to === scene &&
      flow.tags.includes(item) &&
      flow.purposes.includes(purpose),
  );
  if (tag !== undefined && flow === undefined) {
    if (!tag.scenes.includes(scene)) return 'scene';
    if (!tag.purposes.includes(purpose)) return 'purpose';
  }
  for (const kind of kinds) {
    if (kind === undefined || kind.tier === 'prohibited') return 'item';
    if (flow === undefined && !kind.purposes.includes(purpose)) return 'purpose';
    const { controller, recipients } = flow ?? kind;
    if (party !== controller && !recipients.includes(party)) return 'party';
  }
  return null;
}

function declaredPurposes(schema: ProfileSchema): { item: string; purpose: Purpose }[] {
  const items = Object.entries(schema.tags).flatMap(([item, { purposes }]) =>
    purposes.map((purpose) => ({ item, purpose })),
  );
  for (const [item, kind] of Object.entries(schema.kinds)) {
    if (kind.tier === 'prohibited') continue;
    for (const purpose of kind.purposes) items.push({ item, purpose });
  }
  return items.sort((a, b) => compare(a.item, b.item) || compare(a.purpose, b.purpose));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
