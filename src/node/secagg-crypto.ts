import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  randomFillSync,
  sign,
} from 'node:crypto';
import {
  type AgreementKey,
  type Bytes,
  KEY_LENGTH,
  SEAL_OVERHEAD,
  type SecAggCrypto,
  type SigningKey,
} from '../federated/secagg/crypto.ts';
import { pkcs8 } from '../federated/secagg/key-encoding.ts';
import { refusedKey } from '../federated/secagg/web-crypto.ts';
import { verifyEd25519 } from './ed25519.ts';
import { nodeSha256 } from './sha256.ts';

const X25519_SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex'); // RFC 8410
const NONCE = new Uint8Array(12);
const COUNTER = new Uint8Array(16);

/** OpenSSL through `node:crypto`: the bytes of `WebSecAggCrypto`, several times faster. */
export class NodeSecAggCrypto implements SecAggCrypto {
  readonly name = 'node';
  readonly sha256 = nodeSha256;

  randomBytes(length: number): Bytes {
    return randomFillSync(new Uint8Array(length));
  }

  async agreementKey(privateKey: Bytes): Promise<AgreementKey> {
    const key = privateKeyOf('X25519', privateKey);
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return {
      publicKey: new Uint8Array(spki.subarray(X25519_SPKI_PREFIX.length)),
      agree: async (other) => {
        if (other.length !== KEY_LENGTH) throw refusedKey();
        const encoded = Buffer.concat([X25519_SPKI_PREFIX, other]);
        const publicKey = createPublicKey({ key: encoded, format: 'der', type: 'spki' });
        try {
          return new Uint8Array(diffieHellman({ privateKey: key, publicKey }));
        } catch (cause) {
          throw refusedKey({ cause });
        }
      },
    };
  }

  async signingKey(seed: Bytes): Promise<SigningKey> {
    const key = privateKeyOf('Ed25519', seed);
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return {
      publicKey: new Uint8Array(spki.subarray(X25519_SPKI_PREFIX.length)),
      sign: async (message) => new Uint8Array(sign(null, message, key)),
    };
  }

  async verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
    return verifyEd25519(publicKey, message, signature);
  }

  async hkdf(secret: Bytes, salt: Bytes, info: Bytes): Promise<Bytes> {
    return new Uint8Array(hkdfSync('sha256', secret, salt, info, KEY_LENGTH));
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
    const stream = createCipheriv('aes-256-ctr', key, COUNTER).update(new Uint8Array(length));
    return new Uint8Array(stream.buffer as ArrayBuffer, stream.byteOffset, stream.length);
  }
}

function privateKeyOf(
  algorithm: 'X25519' | 'Ed25519',
  raw: Bytes,
): ReturnType<typeof createPrivateKey> {
  const encoded = pkcs8(algorithm, raw);
  const key = createPrivateKey({ key: Buffer.from(encoded), format: 'der', type: 'pkcs8' });
  encoded.fill(0);
  return key;
}
