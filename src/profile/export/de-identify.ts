import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { ProfileEvent } from '../event.ts';
import { deriveKey } from '../pseudonym.ts';

/** A field of a base record. */
export type BaseField = string | number | boolean | null;

/** A record of one person, as the application holds it. */
export interface BaseRecord {
  /** Account id. */
  readonly account: string;
  /** When it was collected: milliseconds since 1970-01-01T00:00Z. */
  readonly time: number;
  readonly fields: Readonly<Record<string, BaseField>>;
}

/** What leaves of a base record. */
export interface NamedRecord {
  /** 32 hexadecimal digits: the person's name for this destination alone. */
  readonly person: string;
  readonly fields: Readonly<Record<string, BaseField>>;
}

/** What leaves of interaction data: how many people, and how much, for a tag on a day. */
export interface InteractionCount {
  readonly tag: string;
  /** UTC, `YYYY-MM-DD`. */
  readonly day: string;
  readonly people: number;
  /** Of their values, each person's at most `valueCap`. */
  readonly total: number;
}

const NAME_BYTES = 16;

/**
 * Base records with a keyed name in the place of the account, other for each destination, and only the fields that
 * the policy lists. It is pseudonymous, not anonymous: whoever holds the secret can find the person.
 */
export function nameRecords(
  records: readonly BaseRecord[],
  fields: readonly string[],
  destination: string,
  secret: Uint8Array,
): readonly NamedRecord[] {
  const key = deriveKey(secret, 'export', destination);
  return records.map((record) => ({
    person: bytesToHex(hmac(sha256, key, utf8ToBytes(record.account)).subarray(0, NAME_BYTES)),
    fields: Object.fromEntries(
      fields
        .filter((field) => Object.hasOwn(record.fields, field))
        .map((field) => [field, record.fields[field] as BaseField]),
    ),
  }));
}

/**
 * Interaction events as counts by tag and day; a count of fewer than `minimumPeople` is left out, and a person
 * counts with at most `valueCap` in each.
 *
 * ## Privacy
 * Generalisation and suppression (k people behind each number), not differential privacy: whoever knows all but
 * one of them learns the last one's value, and two exports of nearly the same people can be subtracted. Where that
 * matters send a noised release instead.
 */
export function countInteractions(
  events: readonly ProfileEvent[],
  minimumPeople: number,
  valueCap: number,
): readonly InteractionCount[] {
  if (!(valueCap > 0)) {
    throw new RangeError(`"valueCap" expected a positive number, got ${valueCap}`);
  }
  const cells = new Map<string, { tag: string; day: string; people: Map<string, number> }>();
  for (const { user, time, tag, value } of events) {
    const day = new Date(time).toISOString().slice(0, 10);
    const key = JSON.stringify([tag, day]);
    const cell = cells.get(key) ?? { tag, day, people: new Map<string, number>() };
    cells.set(key, cell);
    cell.people.set(user, Math.min(valueCap, (cell.people.get(user) ?? 0) + value));
  }
  return [...cells.values()]
    .filter(({ people }) => people.size >= minimumPeople)
    .map(({ tag, day, people }) => ({
      tag,
      day,
      people: people.size,
      total: [...people.values()].reduce((sum, value) => sum + value, 0),
    }))
    .sort((a, b) => (a.day + a.tag < b.day + b.tag ? -1 : 1));
}
