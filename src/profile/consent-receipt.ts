import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { PURPOSES, type Purpose } from './schema.ts';

/**
 * What one act of consent covers, by tier: `essential` the service agreement, `enhanced` one scene,
 * `restricted` one kind of data in one scene, and explicitly so. One act never covers two of them.
 *
 * With `recipient` it covers passing that data on to this one party, which a plugin and a party abroad need
 * besides the consent for the data itself.
 */
export type ConsentScope = (
  | { readonly tier: 'essential' }
  | { readonly tier: 'enhanced'; readonly scene: string }
  | {
      readonly tier: 'restricted';
      readonly scene: string;
      readonly kind: string;
      readonly explicit: true;
    }
) & { readonly recipient?: string };

/** How a person takes part in a session of a scene. */
export const SESSION_CHOICES = ['as-agreed', 'watch-only', 'ended'] as const;
export type SessionChoice = (typeof SESSION_CHOICES)[number];

/** Something a person decided, or was asked. */
export type ConsentAct =
  | {
      readonly act: 'grant';
      readonly scope: ConsentScope;
      readonly purposes: readonly Purpose[];
      /** Party to whom the consent is given. */
      readonly controller: string;
      /** Parties named to the person to whom the controller may pass the data on. */
      readonly recipients: readonly string[];
      /** Version of the notice the person saw. */
      readonly noticeVersion: number;
      /** SHA-256 of what that notice said, in hexadecimal. */
      readonly notice: string;
      /** First millisecond at which it no longer holds. */
      readonly expiresAt: number;
    }
  | { readonly act: 'withdraw' | 'ask'; readonly scope: ConsentScope }
  | { readonly act: 'opt-out' | 'opt-in'; readonly purpose: Purpose }
  | { readonly act: 'watch-only'; readonly scene: string; readonly on: boolean }
  | { readonly act: 'session'; readonly scene: string; readonly choice: SessionChoice }
  | { readonly act: 'minors-mode'; readonly on: boolean };

/** An act with its place in the person's history and the proof that the person's own ledger recorded it. */
export type ConsentReceipt = ConsentAct & {
  readonly person: string;
  /** 0, 1, 2, … */
  readonly serial: number;
  /** Milliseconds since 1970-01-01T00:00Z; never before the receipt that came earlier. */
  readonly time: number;
  /** HMAC-SHA-256 over this act and the proof before it, in hexadecimal. */
  readonly proof: string;
};

const HEX_32 = /^[0-9a-f]{64}$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A check of one member of a JSON object. */
type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string' && isWholeText(value);
const whole: Check = (value) => Number.isSafeInteger(value);
const flag: Check = (value) => typeof value === 'boolean';
const hex: Check = (value) => typeof value === 'string' && HEX_32.test(value);
const purpose: Check = (value) => PURPOSES.some((known) => known === value);
const listOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const oneOf =
  (...known: readonly unknown[]): Check =>
  (value) =>
    known.includes(value);

/** Exactly these members, each as it should be; `optional` may be absent. */
function hasMembers(
  value: unknown,
  members: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const json = value as Readonly<Record<string, unknown>>;
  const fits = (table: Readonly<Record<string, Check>>, key: string): boolean =>
    Object.hasOwn(json, key) && (table[key] as Check)(json[key]);
  return (
    Object.keys(members).every((key) => fits(members, key)) &&
    Object.keys(json).every((key) =>
      Object.hasOwn(members, key) ? true : Object.hasOwn(optional, key) && fits(optional, key),
    )
  );
}

const recipient = { recipient: text };
const scope: Check = (value) =>
  hasMembers(value, { tier: oneOf('essential') }, recipient) ||
  hasMembers(value, { tier: oneOf('enhanced'), scene: text }, recipient) ||
  hasMembers(
    value,
    { tier: oneOf('restricted'), scene: text, kind: text, explicit: oneOf(true) },
    recipient,
  );

const PLACE = { person: text, serial: whole, time: whole, proof: hex };
const ACTS: Readonly<Record<ConsentAct['act'], Readonly<Record<string, Check>>>> = {
  grant: {
    scope,
    purposes: listOf(purpose),
    controller: text,
    recipients: listOf(text),
    noticeVersion: whole,
    notice: hex,
    expiresAt: whole,
  },
  withdraw: { scope },
  ask: { scope },
  'opt-out': { purpose },
  'opt-in': { purpose },
  'watch-only': { scene: text, on: flag },
  session: { scene: text, choice: oneOf(...SESSION_CHOICES) },
  'minors-mode': { on: flag },
};

/** True for a value of the shape of a receipt; says nothing about its proof. */
export function isReceiptShaped(json: unknown): json is ConsentReceipt {
  const act = (json as { act?: unknown } | null | undefined)?.act;
  if (typeof act !== 'string' || !Object.hasOwn(ACTS, act)) return false;
  return hasMembers(json, { act: text, ...ACTS[act as ConsentAct['act']], ...PLACE });
}

/** False for a lone surrogate, which UTF-8 cannot hold: two texts would become one. */
export function isWholeText(value: string): boolean {
  return !LONE_SURROGATE.test(value);
}

/**
 * The proof that binds an act to its person, its place and everything before it.
 *
 * @param key - of the ledger, at least 32 bytes
 * @param previous - proof of the receipt before; empty for the first
 */
export function proveAct(
  key: Uint8Array,
  previous: string,
  place: { readonly person: string; readonly serial: number; readonly time: number },
  act: ConsentAct,
): string {
  const { person, serial, time } = place;
  return bytesToHex(
    hmac(
      sha256,
      key,
      canonicalBytes([
        'velatura/consent-receipt/2',
        previous,
        person,
        serial,
        time,
        ...fields(act),
      ]),
    ),
  );
}

/** A receipt as a list of plain values, for a signature over several of them. */
export function receiptFields(receipt: ConsentReceipt): readonly unknown[] {
  const { person, serial, time, proof } = receipt;
  return [person, serial, time, proof, ...fields(receipt)];
}

/**
 * Bytes of a list of strings, integers, truth values and such lists. JSON text of a list has one spelling
 * for each value and no order of keys, so equal lists give equal bytes and others do not.
 */
export function canonicalBytes(list: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(utf8ToBytes(JSON.stringify(list)));
}

/** The fields of an act alone: a receipt has more, which must not vouch for itself. */
function fields(act: ConsentAct): readonly unknown[] {
  switch (act.act) {
    case 'grant': {
      const { purposes, controller, recipients, noticeVersion, notice, expiresAt } = act;
      const terms = [purposes, controller, recipients, noticeVersion, notice, expiresAt];
      return [act.act, scopeKey(act.scope), ...terms];
    }
    case 'withdraw':
    case 'ask':
      return [act.act, scopeKey(act.scope)];
    case 'opt-out':
    case 'opt-in':
      return [act.act, act.purpose];
    case 'watch-only':
      return [act.act, act.scene, act.on];
    case 'session':
      return [act.act, act.scene, act.choice];
    case 'minors-mode':
      return [act.act, act.on];
  }
}

/** One string for each scope. */
export function scopeKey(scope: ConsentScope): string {
  const { tier, recipient = null } = scope;
  switch (scope.tier) {
    case 'essential':
      return JSON.stringify([tier, recipient]);
    case 'enhanced':
      return JSON.stringify([tier, recipient, scope.scene]);
    case 'restricted':
      return JSON.stringify([tier, recipient, scope.scene, scope.kind]);
  }
}

/** Compares two proofs in a time that does not depend on where they differ. */
export function sameProof(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length && i < b.length; i++)
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
