import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  randomFillSync,
  sign,
  verify,
} from 'node:crypto';
import type { Sha256 } from '../core/hash-chain.ts';
import { isSmallOrder } from '../core/small-order.ts';
import {
  type AgreementKey,
  type Bytes,
  KEY_LENGTH,
  SEAL_OVERHEAD,
  type SecAggCrypto,
  SIGNATURE_LENGTH,
  type SigningKey,
} from '../federated/secagg/crypto.ts';
import { refusedKey } from '../federated/secagg/web-crypto.ts';
import { nodeSha256 } from './sha256.ts';

const NONCE = new Uint8Array(12);
const COUNTER = new Uint8Array(16);
const FIRST_BLOCK = Uint8Array.of(1);
/** Public keys kept before all are forgotten. */
const MOST_KEYS = 4096;

/** OpenSSL through `node:crypto`: the bytes of `WebSecAggCrypto`, several times faster. */
export class NodeSecAggCrypto implements SecAggCrypto {
  readonly name = 'node';
  readonly sha256: Sha256 = nodeSha256;
  readonly #verifying = new Map<string, KeyObject>();
  /** What key streams are added to; never written. */
  #zeros = new Uint8Array(0);

  randomBytes(length: number): Bytes {
    return randomFillSync(new Uint8Array(length));
  }

  async agreementKey(privateKey: Bytes): Promise<AgreementKey> {
    const key = privateKeyOf('X25519', privateKey);
    return {
      publicKey: publicPart(key),
      agree: async (other) => {
        if (other.length !== KEY_LENGTH) throw refusedKey();
        try {
          const publicKey = publicKeyOf('X25519', other);
          return new Uint8Array(diffieHellman({ privateKey: key, publicKey }));
        } catch (cause) {
          throw refusedKey({ cause });
        }
      },
    };
  }

  async signingKey(seed: Bytes): Promise<SigningKey> {
    const key = privateKeyOf('Ed25519', seed);
    return {
      publicKey: publicPart(key),
      sign: (message) =>
        new Promise((resolve, reject) => {
          sign(null, message, key, (error, signature) => {
            if (error === null) resolve(new Uint8Array(signature));
            else reject(error);
          });
        }),
    };
  }

  async verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
    if (publicKey.length !== KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
    if (isSmallOrder(publicKey)) return false;
    const key = this.#verifyingKey(publicKey);
    // In the thread pool, as signing: of all that is done here, signatures take the most time.
    return new Promise((resolve, reject) => {
      verify(null, message, key, signature, (error, holds) => {
        if (error === null) resolve(holds);
        else reject(error);
      });
    });
  }

  /** Public keys as OpenSSL has them: each is used several times a round. */
  #verifyingKey(publicKey: Bytes): KeyObject {
    const name = Buffer.from(publicKey).toString('base64url');
    let key = this.#verifying.get(name);
    if (key === undefined) {
      key = publicKeyOf('Ed25519', publicKey);
      if (this.#verifying.size >= MOST_KEYS) this.#verifying.clear();
      this.#verifying.set(name, key);
    }
    return key;
  }

  async hkdf(secret: Bytes, salt: Bytes, info: Bytes): Promise<Bytes> {
    // RFC 5869 written out for its one block: OpenSSL's own takes twice as long to set up.
    const extracted = createHmac('sha256', salt).update(secret).digest();
    return new Uint8Array(
      createHmac('sha256', extracted).update(info).update(FIRST_BLOCK).digest(),
    );
  }

  async seal(key: Bytes, plaintext: Bytes): Promise<Bytes> {
    const cipher = createCipheriv('aes-256-gcm', key, NONCE);
    const sealed = new Uint8Array(plaintext.length + SEAL_OVERHEAD);
    sealed.set(cipher.update(plaintext));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  }

  async open(key: Bytes, sealed: Bytes): Promise<Bytes | null> {
    if (sealed.length < SEAL_OVERHEAD) return null;
    const end = sealed.length - SEAL_OVERHEAD;
    const decipher = createDecipheriv('aes-256-gcm', key, NONCE);
    decipher.setAuthTag(sealed.subarray(end));
    const plaintext = new Uint8Array(decipher.update(sealed.subarray(0, end)));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plaintext;
  }

  async keyStream(key: Bytes, length: number): Promise<Bytes> {
    if (this.#zeros.length < length) this.#zeros = new Uint8Array(length);
    const zeros = this.#zeros.subarray(0, length);
    const stream = createCipheriv('aes-256-ctr', key, COUNTER).update(zeros);
    return new Uint8Array(stream.buffer as ArrayBuffer, stream.byteOffset, stream.length);
  }
}

// As JSON web keys: OpenSSL takes eight times as long to find its way through PKCS #8 and SPKI.

function privateKeyOf(crv: 'X25519' | 'Ed25519', raw: Bytes): KeyObject {
  if (raw.length !== KEY_LENGTH) {
    throw new RangeError(`"privateKey" expected ${KEY_LENGTH} bytes, got ${raw.length}`);
  }
  // The public part must be named and is not read: it is computed anew.
  const key = { kty: 'OKP', crv, d: Buffer.from(raw).toString('base64url'), x: '' };
  return createPrivateKey({ key, format: 'jwk' });
}

function publicKeyOf(crv: 'X25519' | 'Ed25519', raw: Bytes): KeyObject {
  const key = { kty: 'OKP', crv, x: Buffer.from(raw).toString('base64url') };
  return createPublicKey({ key, format: 'jwk' });
}

function publicPart(key: KeyObject): Bytes {
  const { x } = key.export({ format: 'jwk' });
  return Uint8Array.from(Buffer.from(x as string, 'base64url'));
}
