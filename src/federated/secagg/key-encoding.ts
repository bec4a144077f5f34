import type { Bytes } from './crypto.ts';

/**
 * What precedes the 32 bytes of a private key in PKCS #8 (RFC 8410): the one form in which every platform
 * takes a raw private key.
 */
const PKCS8_PREFIX = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65];
const OCTETS = [4, 0x22, 4, 0x20];
const X25519 = 0x6e;
const ED25519 = 0x70;

/** Wraps a raw private key of 32 bytes in PKCS #8. */
export function pkcs8(algorithm: 'X25519' | 'Ed25519', privateKey: Bytes): Bytes {
  const identifier = algorithm === 'X25519' ? X25519 : ED25519;
  return new Uint8Array([...PKCS8_PREFIX, identifier, ...OCTETS, ...privateKey]);
}
