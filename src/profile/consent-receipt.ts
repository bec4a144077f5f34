import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { encodeCanonical, isWellFormedText } from '../core/cbor.ts';
import { PURPOSES, type Purpose } from './schema.ts';

/**
 * What one act of consent covers, by tier: `essential` the service agreement, `enhanced` one scene,
 * `restricted` one kind of data in one scene, and explicitly so. One act never covers two of them.
 */
export type ConsentScope =
  | { readonly tier: 'essential' }
  | { readonly tier: 'enhanced'; readonly scene: string }
  | {
      readonly tier: 'restricted';
      readonly scene: string;
      readonly kind: string;
      readonly explicit: true;
    };

/** Something a person decided. */
export type ConsentAct =
  | {
      readonly act: 'grant';
      readonly scope: ConsentScope;
      readonly purposes: readonly Purpose[];
      /** Party to whom the consent is given. */
      readonly controller: string;
      /** Version of the notice the person saw. */
      readonly noticeVersion: number;
      /** First millisecond at which it no longer holds. */
      readonly expiresAt: number;
    }
  | { readonly act: 'withdraw'; readonly scope: ConsentScope }
  | { readonly act: 'opt-out' | 'opt-in'; readonly purpose: Purpose }
  | { readonly act: 'watch-only'; readonly scene: string; readonly on: boolean };

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

const text = v.pipe(v.string(), v.check(isWellFormedText));
const milliseconds = v.pipe(v.number(), v.safeInteger());
const scope = v.variant('tier', [
  v.strictObject({ tier: v.literal('essential') }),
  v.strictObject({ tier: v.literal('enhanced'), scene: text }),
  v.strictObject({
    tier: v.literal('restricted'),
    scene: text,
    kind: text,
    explicit: v.literal(true),
  }),
]);
const purpose = v.picklist(PURPOSES);
const place = {
  person: text,
  serial: milliseconds,
  time: milliseconds,
  proof: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
};
const receiptShape = v.variant('act', [
  v.strictObject({
    act: v.literal('grant'),
    scope,
    purposes: v.array(purpose),
    controller: text,
    noticeVersion: v.number(),
    expiresAt: milliseconds,
    ...place,
  }),
  v.strictObject({ act: v.literal('withdraw'), scope, ...place }),
  v.strictObject({ act: v.picklist(['opt-out', 'opt-in']), purpose, ...place }),
  v.strictObject({ act: v.literal('watch-only'), scene: text, on: v.boolean(), ...place }),
]);

/** True for a value of the shape of a receipt; says nothing about its proof. */
export function isReceiptShaped(json: unknown): json is ConsentReceipt {
  return v.is(receiptShape, json);
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
  const message = encodeCanonical([
    'velatura/consent-receipt/1',
    previous,
    place.person,
    place.serial,
    place.time,
    actFields(act),
  ]);
  return bytesToHex(hmac(sha256, key, message));
}

/** The fields of an act alone: a receipt has more, which must not vouch for itself. */
function actFields(act: ConsentAct): readonly unknown[] {
  switch (act.act) {
    case 'grant': {
      const { scope, purposes, controller, noticeVersion, expiresAt } = act;
      return [act.act, scopeKey(scope), purposes, controller, noticeVersion, expiresAt];
    }
    case 'withdraw':
      return [act.act, scopeKey(act.scope)];
    case 'opt-out':
    case 'opt-in':
      return [act.act, act.purpose];
    case 'watch-only':
      return [act.act, act.scene, act.on];
  }
}

/** One string for each scope. */
export function scopeKey(scope: ConsentScope): string {
  switch (scope.tier) {
    case 'essential':
      return JSON.stringify([scope.tier]);
    case 'enhanced':
      return JSON.stringify([scope.tier, scope.scene]);
    case 'restricted':
      return JSON.stringify([scope.tier, scope.scene, scope.kind]);
  }
}

/** Compares two proofs in a time that does not depend on where they differ. */
export function sameProof(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length && i < b.length; i++)
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
