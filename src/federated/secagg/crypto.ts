import type { Sha256 } from '../../core/hash-chain.ts';

/** Bytes that WebCrypto takes: never a view of shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Length of keys, seeds, digests and derived secrets. */
export const KEY_LENGTH = 32;
/** Length of an Ed25519 signature. */
export const SIGNATURE_LENGTH = 64;
/** What sealing adds to a plaintext. */
export const SEAL_OVERHEAD = 16;

/** One X25519 key pair (RFC 7748). */
export interface AgreementKey {
  readonly publicKey: Bytes;
  /**
   * The shared secret of 32 bytes; to be put through `hkdf` before use.
   *
   * @throws {VelaturaError} `federated/secagg-forged` for a public key of small order, with which anybody
   * would know the secret
   */
  agree(publicKey: Bytes): Promise<Bytes>;
}

/** One Ed25519 key pair (RFC 8032). */
export interface SigningKey {
  readonly publicKey: Bytes;
  sign(message: Bytes): Promise<Bytes>;
}

/**
 * The primitives of secure aggregation, as a port: the same bytes from every implementation. What is secret
 * stays in the platform's constant-time code.
 */
export interface SecAggCrypto {
  readonly name: 'web' | 'node';
  /** Uniform bytes from the platform's generator. */
  randomBytes(length: number): Bytes;
  readonly sha256: Sha256;
  /** @param privateKey - 32 random bytes */
  agreementKey(privateKey: Bytes): Promise<AgreementKey>;
  /** @param seed - 32 random bytes, the private key of RFC 8032 */
  signingKey(seed: Bytes): Promise<SigningKey>;
  /** False also for keys and signatures that are none, and for keys of small order. */
  verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
  /** HKDF-SHA256 (RFC 5869), 32 bytes of it. */
  hkdf(secret: Bytes, salt: Bytes, info: Bytes): Promise<Bytes>;
  /**
   * AES-256-GCM with the nonce zero: a key must seal one message only.
   *
   * @returns ciphertext ‖ tag, 16 bytes longer than the plaintext
   */
  seal(key: Bytes, plaintext: Bytes): Promise<Bytes>;
  /** Opens what `seal` wrote; null when it was not written under this key. */
  open(key: Bytes, sealed: Bytes): Promise<Bytes | null>;
  /**
   * `length` bytes of the AES-256-CTR stream under the key, counter from zero: uniform over every word, and
   * the same for the same key, so a key must mask one vector only.
   */
  keyStream(key: Bytes, length: number): Promise<Bytes>;
}
