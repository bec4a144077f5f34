import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import type { HeadSigner } from '../core/signed-head.ts';
import { isSmallOrder } from '../core/small-order.ts';

/** Bytes of the seed of an Ed25519 key pair. */
export const ED25519_SEED_LENGTH = 32;
const PUBLIC_KEY_LENGTH = 32;
const SIGNATURE_LENGTH = 64;

/** Everything of a PKCS #8 private key and of an SPKI public key before the 32 bytes of the key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A fresh seed from the system's generator. Whoever has it can sign in the budget's name. */
export function generateEd25519Seed(): Uint8Array {
  return new Uint8Array(randomBytes(ED25519_SEED_LENGTH));
}

/**
 * Signs by Ed25519 (RFC 8032).
 *
 * @param seed - 32 random bytes, the private key of RFC 8032
 */
export function ed25519Signer(seed: Uint8Array): HeadSigner {
  if (!(seed instanceof Uint8Array) || seed.length !== ED25519_SEED_LENGTH) {
    const got = seed instanceof Uint8Array ? `${seed.length} bytes` : typeof seed;
    throw new RangeError(`"seed" expected ${ED25519_SEED_LENGTH} bytes, got ${got}`);
  }
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/**
 * True when `signature` is an Ed25519 signature of the message under the key; false also for keys and
 * signatures that are none, and for keys of small order, under which there is nothing secret.
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== PUBLIC_KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  if (isSmallOrder(publicKey)) return false;
  return verify(null, message, publicKeyOf(publicKey), signature);
}

function publicKeyOf(bytes: Uint8Array): KeyObject {
  return createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, bytes]),
    format: 'der',
    type: 'spki',
  });
}
