import { isWellFormedText } from '../../core/cbor.ts';
import { PURPOSES, type Purpose } from '../schema.ts';

/** Things that hold data of people, or open what holds it. */
export const CUSTODY_KINDS = ['key', 'file', 'store', 'backup', 'service'] as const;
export type CustodyKind = (typeof CUSTODY_KINDS)[number];

/** How an objection ended. */
export const REVIEW_OUTCOMES = ['upheld', 'overturned'] as const;
export type ReviewOutcome = (typeof REVIEW_OUTCOMES)[number];

/**
 * What an audit log records, by `kind`. It names who did what for which purpose, with names of tags and kinds;
 * never a value of a person. `subject` is a name from the log's own keyed function, not an account id.
 *
 * - `read`: personal data was read; `items` are tags or kinds
 * - `custody`: an object holds data of these subjects, or a key opens these objects
 * - `destruction`: an object is gone
 * - `decision`, `objection`, `review`: the way of one decision about a person
 * - `export`, `export-refused`: data left, or was stopped
 * - `incident`: objects were exposed, in earnest or as a drill
 */
export type AuditFact =
  | {
      readonly kind: 'read';
      readonly actor: string;
      readonly party: string;
      readonly scene: string;
      readonly purpose: Purpose;
      readonly items: readonly string[];
      readonly subject: string;
    }
  | {
      readonly kind: 'custody';
      readonly actor: string;
      readonly object: string;
      readonly objectKind: CustodyKind;
      readonly scene: string;
      readonly items: readonly string[];
      readonly subjects: readonly string[];
      /** Objects that this one opens, such as the files that a key seals. */
      readonly opens: readonly string[];
    }
  | { readonly kind: 'destruction'; readonly actor: string; readonly object: string }
  | {
      readonly kind: 'decision';
      readonly actor: string;
      readonly decision: string;
      readonly scene: string;
      readonly subject: string;
      readonly digest: string;
    }
  | { readonly kind: 'objection'; readonly decision: string; readonly digest: string }
  | {
      readonly kind: 'review';
      readonly actor: string;
      readonly decision: string;
      readonly outcome: ReviewOutcome;
      readonly digest: string;
    }
  | {
      readonly kind: 'export';
      readonly actor: string;
      readonly flow: string;
      readonly destination: string;
      readonly dataClass: string;
      readonly digest: string;
    }
  | {
      readonly kind: 'export-refused';
      readonly actor: string;
      readonly flow: string;
      readonly destination: string;
      readonly dataClass: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'incident';
      readonly actor: string;
      readonly objects: readonly string[];
      readonly drill: boolean;
    };

/** A fact with its place in the log. */
export type AuditRecord = AuditFact & {
  /** 0, 1, 2, … */
  readonly seq: number;
  /** Milliseconds since 1970-01-01T00:00Z; never before that of an earlier record. */
  readonly time: number;
};

/** Longest text of a record, in UTF-16 units, and longest list. */
const MAX_TEXT = 256;
const MAX_LIST = 65_536;

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string' && value.length <= MAX_TEXT;
const texts: Check = (value) => {
  if (!Array.isArray(value) || value.length > MAX_LIST) return false;
  for (let i = 0; i < value.length; i++) if (!text(value[i])) return false;
  return true;
};
const oneOf =
  (known: readonly unknown[]): Check =>
  (value) =>
    known.includes(value);

/** Members of each kind, in the order in which they are written. */
const MEMBERS: { readonly [K in AuditFact['kind']]: readonly (readonly [string, Check])[] } = {
  read: [
    ['actor', text],
    ['party', text],
    ['scene', text],
    ['purpose', oneOf(PURPOSES)],
    ['items', texts],
    ['subject', text],
  ],
  custody: [
    ['actor', text],
    ['object', text],
    ['objectKind', oneOf(CUSTODY_KINDS)],
    ['scene', text],
    ['items', texts],
    ['subjects', texts],
    ['opens', texts],
  ],
  destruction: [
    ['actor', text],
    ['object', text],
  ],
  decision: [
    ['actor', text],
    ['decision', text],
    ['scene', text],
    ['subject', text],
    ['digest', text],
  ],
  objection: [
    ['decision', text],
    ['digest', text],
  ],
  review: [
    ['actor', text],
    ['decision', text],
    ['outcome', oneOf(REVIEW_OUTCOMES)],
    ['digest', text],
  ],
  export: [
    ['actor', text],
    ['flow', text],
    ['destination', text],
    ['dataClass', text],
    ['digest', text],
  ],
  'export-refused': [
    ['actor', text],
    ['flow', text],
    ['destination', text],
    ['dataClass', text],
    ['reason', text],
  ],
  incident: [
    ['actor', text],
    ['objects', texts],
    ['drill', (value) => typeof value === 'boolean'],
  ],
};

/**
 * A fact as the JSON of a record. Members that its kind does not have are left behind, so a careless caller
 * cannot put values of people beside them.
 *
 * @throws TypeError for a kind or member that is none
 */
export function recordJson(fact: AuditFact, seq: number, time: number): string {
  const members = Object.hasOwn(MEMBERS, fact.kind) ? MEMBERS[fact.kind] : undefined;
  if (members === undefined) throw new TypeError('"fact.kind" expected a kind of audit record');
  const record: Record<string, unknown> = { seq, time, kind: fact.kind };
  for (const [name, check] of members) {
    const value = (fact as unknown as Readonly<Record<string, unknown>>)[name];
    if (!check(value)) throw new TypeError(`"fact.${name}" expected what a ${fact.kind} has there`);
    record[name] = value;
  }
  const json = JSON.stringify(record);
  if (!isWhole(json)) throw new TypeError('"fact" expected text without halves of characters');
  return json;
}

/** JSON escapes a lone surrogate, which UTF-8 cannot hold, and no other character from \ud800 on. */
function isWhole(json: string): boolean {
  if (!json.includes('\\ud')) return true;
  let whole = true;
  JSON.parse(json, (_name, value: unknown) => {
    if (typeof value === 'string' && !isWellFormedText(value)) whole = false;
    return value;
  });
  return whole;
}

/** Reads a record back; null for text that is no record. */
export function parseRecord(json: string): AuditRecord | null {
  let value: unknown;
  try {
    if (!isWhole(json)) return null;
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const record = value as Readonly<Record<string, unknown>>;
  const { seq, time, kind } = record;
  if (!isIndex(seq) || !Number.isSafeInteger(time) || typeof kind !== 'string') return null;
  const members = Object.hasOwn(MEMBERS, kind) ? MEMBERS[kind as AuditFact['kind']] : undefined;
  if (members === undefined) return null;
  // Plain loops: a log is read by the million. No name here is one that objects inherit.
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as (typeof members)[number];
    if (!member[1](record[member[0]])) return null;
  }
  let count = 0;
  for (const _ in record) count += 1;
  return count === members.length + 3 ? (value as AuditRecord) : null;
}

function isIndex(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
