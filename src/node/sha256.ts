import crypto from 'node:crypto';
import type { Sha256 } from '../core/hash-chain.ts';

const DIGEST_LENGTH = 32;

function streaming(parts: readonly Uint8Array[]): Uint8Array {
  const hash = crypto.createHash('sha256');
  for (const part of parts) hash.update(part);
  const { buffer, byteOffset } = hash.digest();
  return new Uint8Array(buffer, byteOffset, DIGEST_LENGTH);
}

/**
 * One call without a hash object, four times faster on short input. Node makes a string of 32 Latin-1
 * characters faster than a Buffer.
 */
function oneShot(part: Uint8Array): Uint8Array {
  const text = crypto.hash('sha256', part, 'binary');
  const digest = new Uint8Array(DIGEST_LENGTH);
  for (let i = 0; i < DIGEST_LENGTH; i++) digest[i] = text.charCodeAt(i);
  return digest;
}

/** Node 21 has `crypto.hash` from 21.7 on. */
const hasOneShot = typeof crypto.hash === 'function';

/** SHA-256 by OpenSSL: several times faster than the portable one, the same hashes. */
export const nodeSha256: Sha256 = (...parts) =>
  hasOneShot && parts.length === 1 ? oneShot(parts[0] as Uint8Array) : streaming(parts);
