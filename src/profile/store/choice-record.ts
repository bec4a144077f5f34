import type { SlotCodec } from './sealed-slot.ts';
import type { StatedValue, TagChoices, TagCorrection } from './tag-choices.ts';

/**
 * Everything a person decided in one scene, in one record of its own, apart from the data it is about: data
 * that comes back from a backup meets the erasures that were made since. See `choice-record.proof.md`.
 */
export interface ChoiceRecord extends TagChoices {
  /** Tells one history of decisions from another: random, made with the first decision; empty before. */
  readonly origin: string;
  /** How many decisions were made. */
  readonly serial: number;
  readonly left: boolean;
  /** Number of the decision that erased the whole scene last; 0 for none. */
  readonly erasedAll: number;
  /** Tag → number of the decision that erased it last. */
  readonly erased: ReadonlyMap<string, number>;
}

/** One decision of a person about one scene. */
export type ChoiceAct =
  | { readonly act: 'correct'; readonly tag: string; readonly value: StatedValue }
  | { readonly act: 'withdraw-correction'; readonly tag: string }
  | { readonly act: 'opt-out'; readonly tag: string }
  | { readonly act: 'opt-in'; readonly tag: string }
  | { readonly act: 'erase'; readonly tag: string }
  | { readonly act: 'erase-all' | 'leave' | 'rejoin' };

const ORIGIN_BYTES = 16;

export function emptyChoices(): ChoiceRecord {
  return {
    origin: '',
    serial: 0,
    left: false,
    erasedAll: 0,
    erased: new Map(),
    corrections: new Map(),
    optedOut: new Map(),
  };
}

/**
 * The record after one more decision. Corrections and opt-outs erase the evidence of their tag, and `leave`
 * forgets everything but that it happened.
 */
export function decided(record: ChoiceRecord, act: ChoiceAct, at: number): ChoiceRecord {
  const serial = record.serial + 1;
  const next = { ...record, origin: record.origin || newOrigin(), serial };
  switch (act.act) {
    case 'correct':
      return {
        ...next,
        erased: withEntry(record.erased, act.tag, serial),
        corrections: withEntry(record.corrections, act.tag, { value: act.value, at }),
      };
    case 'withdraw-correction':
      return { ...next, corrections: withoutEntry(record.corrections, act.tag) };
    case 'opt-out':
      return {
        ...next,
        erased: withEntry(record.erased, act.tag, serial),
        optedOut: withEntry(record.optedOut, act.tag, at),
      };
    case 'opt-in':
      return { ...next, optedOut: withoutEntry(record.optedOut, act.tag) };
    case 'erase':
      return { ...next, erased: withEntry(record.erased, act.tag, serial) };
    case 'erase-all':
      return { ...next, erasedAll: serial, erased: new Map() };
    case 'leave':
    case 'rejoin':
      return {
        ...emptyChoices(),
        origin: next.origin,
        serial,
        left: act.act === 'leave',
        erasedAll: serial,
      };
  }
}

/**
 * Tags whose evidence a record of data must not hold any more; `all` for every one.
 *
 * @param applied - number of the last decision that the data has followed
 */
export function erasedSince(record: ChoiceRecord, applied: number): 'all' | ReadonlySet<string> {
  if (record.erasedAll > applied) return 'all';
  return new Set([...record.erased].filter(([, serial]) => serial > applied).map(([tag]) => tag));
}

export const CHOICE_CODEC: SlotCodec<ChoiceRecord> = {
  empty: emptyChoices,
  encode: (record) => [
    record.origin,
    record.serial,
    record.left,
    record.erasedAll,
    [...record.erased],
    [...record.corrections].map(([tag, { value, at }]) => [tag, value, at]),
    [...record.optedOut],
  ],
  decode(contents) {
    const [origin, serial, left, erasedAll, erased, corrections, optedOut] = contents as [
      string,
      number,
      boolean,
      number,
      [string, number][],
      [string, StatedValue, number][],
      [string, number][],
    ];
    return {
      origin,
      serial,
      left,
      erasedAll,
      erased: new Map(erased),
      corrections: new Map(
        corrections.map(([tag, value, at]): [string, TagCorrection] => [tag, { value, at }]),
      ),
      optedOut: new Map(optedOut),
    };
  },
};

function newOrigin(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(ORIGIN_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

function withoutEntry<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
