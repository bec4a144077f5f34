import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../core/errors.ts';
import type { HeadSigner, VerifySignature } from '../core/signed-head.ts';
import {
  type ConsentReceipt,
  canonicalBytes,
  isReceiptShaped,
  receiptFields,
} from './consent-receipt.ts';
import { copyPlainJson } from './plain-json.ts';

/** Receipts of one person for somebody else, signed by the person's device. Plain JSON. */
export interface SignedReceipts {
  readonly format: typeof FORMAT;
  /** Milliseconds since 1970-01-01T00:00Z, by the clock of the device. */
  readonly signedAt: number;
  readonly receipts: readonly ConsentReceipt[];
  /** 64 hexadecimal digits. */
  readonly publicKey: string;
  /** 128 hexadecimal digits. */
  readonly signature: string;
}

const FORMAT = 'velatura/signed-receipts/1';
const PUBLIC_KEY_HEX = /^[0-9a-f]{64}$/;
const SIGNATURE_HEX = /^[0-9a-f]{128}$/;

/**
 * Signs receipts so that others can check them: all of a ledger for an edge box that collects under them, or
 * one for the person's own files. Controllers and recipients are named in them.
 *
 * One receipt shows what was agreed to then, not that it still holds; the whole history shows what held at
 * `signedAt`.
 *
 * ## Privacy
 * Receipts name the person and what the person agreed to. To hand them out is the person's decision.
 *
 * @param signedAt - milliseconds since 1970-01-01T00:00Z, such as `ledger.now()`
 */
export async function signReceipts(
  receipts: readonly ConsentReceipt[],
  signedAt: number,
  signer: HeadSigner,
): Promise<SignedReceipts> {
  if (!Number.isSafeInteger(signedAt)) {
    throw new RangeError(`"signedAt" expected whole milliseconds, got ${signedAt}`);
  }
  const publicKey = bytesToHex(signer.publicKey);
  const signature = await signer.sign(signedBytes(receipts, signedAt, publicKey));
  return {
    format: FORMAT,
    signedAt,
    receipts: [...receipts],
    publicKey,
    signature: bytesToHex(signature),
  };
}

/**
 * Checks receipts that somebody handed over, and returns an immutable copy of them.
 *
 * @param json - parsed JSON, of anybody
 * @param publicKey - 32 bytes: the key of the person's device, known from elsewhere; the one inside the
 * document proves nothing
 * @throws {VelaturaError} `profile/invalid-consent` when anything is malformed, altered or signed by another
 * key
 */
export async function verifyReceipts(
  json: unknown,
  publicKey: Uint8Array,
  verify: VerifySignature,
): Promise<SignedReceipts> {
  const copy = copyPlainJson(json);
  if (!copy.ok || !isSignedShaped(copy.value)) throw forged('the document is not well formed');
  const document = copy.value;
  if (document.publicKey !== bytesToHex(publicKey)) throw forged('another key signed it');
  const genuine = await verify(
    hexToBytes(document.publicKey),
    signedBytes(document.receipts, document.signedAt, document.publicKey),
    hexToBytes(document.signature),
  );
  if (genuine !== true) throw forged('the signature does not hold');
  return document;
}

function isSignedShaped(value: unknown): value is SignedReceipts {
  if (typeof value !== 'object' || value === null) return false;
  const { format, signedAt, receipts, publicKey, signature, ...rest } = value as SignedReceipts;
  return (
    format === FORMAT &&
    Number.isSafeInteger(signedAt) &&
    Array.isArray(receipts) &&
    receipts.every(isReceiptShaped) &&
    typeof publicKey === 'string' &&
    PUBLIC_KEY_HEX.test(publicKey) &&
    typeof signature === 'string' &&
    SIGNATURE_HEX.test(signature) &&
    Object.keys(rest).length === 0
  );
}

function signedBytes(
  receipts: readonly ConsentReceipt[],
  signedAt: number,
  publicKey: string,
): Uint8Array<ArrayBuffer> {
  return canonicalBytes([FORMAT, signedAt, publicKey, receipts.map(receiptFields)]);
}

function forged(message: string): VelaturaError {
  return new VelaturaError('profile/invalid-consent', `signed receipts: ${message}`);
}
