import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { encodeCanonical } from './cbor.ts';
import type { HeadSigner, VerifySignature } from './signed-head.ts';

/** A document with the signature of somebody over it. Plain JSON. */
export interface SignedDocument<T> {
  readonly content: T;
  /** 64 hexadecimal digits. */
  readonly publicKey: string;
  /** 128 hexadecimal digits. */
  readonly signature: string;
}

const HEX_32 = /^[0-9a-f]{64}$/u;
const HEX_64 = /^[0-9a-f]{128}$/u;

/**
 * Signs a document: Ed25519 over the canonical CBOR of purpose, content and key, so a document of one purpose
 * never passes for one of another, and equal content has one spelling.
 *
 * @param purpose - what kind of document, such as `evidence`
 * @param content - plain JSON
 * @throws {VelaturaError} `core/non-canonical` for content that has no canonical form
 */
export async function signDocument<T>(
  purpose: string,
  content: T,
  signer: HeadSigner,
): Promise<SignedDocument<T>> {
  const publicKey = bytesToHex(signer.publicKey);
  const signature = await signer.sign(signedBytes(purpose, content, publicKey));
  return { content, publicKey, signature: bytesToHex(signature) };
}

/**
 * Checks a signed document.
 *
 * @param expected - key that must have signed it, learnt from its holder and not from the document
 * @returns the problem in words, or null when the signature holds
 */
export async function verifyDocument(
  purpose: string,
  document: SignedDocument<unknown>,
  verify: VerifySignature,
  expected: Uint8Array,
): Promise<string | null> {
  if (typeof document !== 'object' || document === null) return `the ${purpose} is no document`;
  const { content, publicKey, signature } = document;
  if (typeof publicKey !== 'string' || !HEX_32.test(publicKey) || !isSignature(signature)) {
    return `the ${purpose} carries no well-formed signature`;
  }
  if (publicKey !== bytesToHex(expected)) {
    return `the ${purpose} is signed by ${publicKey}, not by the expected key`;
  }
  let message: Uint8Array;
  try {
    message = signedBytes(purpose, content, publicKey);
  } catch {
    return `the ${purpose} has content that nobody can have signed`;
  }
  return (await verify(hexToBytes(publicKey), message, hexToBytes(signature)))
    ? null
    : `the signature of the ${purpose} does not hold: it was altered`;
}

/** SHA-256 of the canonical form of a value, in hexadecimal. */
export function contentDigest(value: unknown): string {
  return bytesToHex(sha256(encodeCanonical(value)));
}

function isSignature(signature: unknown): signature is string {
  return typeof signature === 'string' && HEX_64.test(signature);
}

function signedBytes(purpose: string, content: unknown, publicKey: string): Uint8Array {
  return encodeCanonical(['velatura-document-v1', purpose, content, publicKey]);
}
