import { VelaturaError } from '../../core/errors.ts';
import { portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import { isSmallOrder } from '../../core/small-order.ts';
import {
  type AgreementKey,
  type Bytes,
  KEY_LENGTH,
  SEAL_OVERHEAD,
  type SecAggCrypto,
  SIGNATURE_LENGTH,
  type SigningKey,
} from './crypto.ts';
import { pkcs8 } from './key-encoding.ts';

/** The most that one `getRandomValues` call fills. */
const RANDOM_LIMIT = 65_536;
const NONCE = new Uint8Array(12);
const COUNTER = new Uint8Array(16);

/** WebCrypto: every browser of 2025 and later, and Node. Keys are imported as not extractable. */
export class WebSecAggCrypto implements SecAggCrypto {
  readonly name = 'web';
  readonly sha256: Sha256 = portableSha256;
  readonly #subtle: SubtleCrypto;

  /** @throws {TypeError} outside a secure context, where a browser has no WebCrypto */
  constructor() {
    const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
    if (subtle === undefined) {
      throw new TypeError('"crypto.subtle" expected WebCrypto, which needs a secure context');
    }
    this.#subtle = subtle;
  }

  randomBytes(length: number): Bytes {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += RANDOM_LIMIT) {
      globalThis.crypto.getRandomValues(bytes.subarray(at, at + RANDOM_LIMIT));
    }
    return bytes;
  }

  async agreementKey(privateKey: Bytes): Promise<AgreementKey> {
    const encoded = pkcs8('X25519', privateKey);
    const key = await this.#subtle.importKey('pkcs8', encoded, 'X25519', false, ['deriveBits']);
    const publicKey = await this.#publicKey('X25519', encoded, 'deriveBits');
    return { publicKey, agree: (other) => this.#agree(key, other) };
  }

  async signingKey(seed: Bytes): Promise<SigningKey> {
    const encoded = pkcs8('Ed25519', seed);
    const key = await this.#subtle.importKey('pkcs8', encoded, 'Ed25519', false, ['sign']);
    const publicKey = await this.#publicKey('Ed25519', encoded, 'sign');
    return {
      publicKey,
      sign: async (message) => new Uint8Array(await this.#subtle.sign('Ed25519', key, message)),
    };
  }

  async verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
    if (publicKey.length !== KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
    if (isSmallOrder(publicKey)) return false;
    try {
      const key = await this.#subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
      return await this.#subtle.verify('Ed25519', key, signature, message);
    } catch {
      return false; // no point of the curve
    }
  }

  async hkdf(secret: Bytes, salt: Bytes, info: Bytes): Promise<Bytes> {
    const key = await this.#subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
    const law = { name: 'HKDF', hash: 'SHA-256', salt, info };
    return new Uint8Array(await this.#subtle.deriveBits(law, key, KEY_LENGTH * 8));
  }

  async seal(key: Bytes, plaintext: Bytes): Promise<Bytes> {
    const imported = await this.#subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
    const law = { name: 'AES-GCM', iv: NONCE };
    return new Uint8Array(await this.#subtle.encrypt(law, imported, plaintext));
  }

  async open(key: Bytes, sealed: Bytes): Promise<Bytes | null> {
    if (sealed.length < SEAL_OVERHEAD) return null;
    const imported = await this.#subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
    try {
      const law = { name: 'AES-GCM', iv: NONCE };
      return new Uint8Array(await this.#subtle.decrypt(law, imported, sealed));
    } catch {
      return null;
    }
  }

  async keyStream(key: Bytes, length: number): Promise<Bytes> {
    const imported = await this.#subtle.importKey('raw', key, 'AES-CTR', false, ['encrypt']);
    const law = { name: 'AES-CTR', counter: COUNTER, length: 64 };
    return new Uint8Array(await this.#subtle.encrypt(law, imported, new Uint8Array(length)));
  }

  /** WebCrypto has no other way from a private to its public key than the export as a JSON web key. */
  async #publicKey(name: 'X25519' | 'Ed25519', encoded: Bytes, usage: KeyUsage): Promise<Bytes> {
    const open = await this.#subtle.importKey('pkcs8', encoded, name, true, [usage]);
    const { x } = await this.#subtle.exportKey('jwk', open);
    if (x === undefined) throw new TypeError(`"${name}" expected a key with a public part`);
    const text = atob(x.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  }

  async #agree(key: CryptoKey, other: Bytes): Promise<Bytes> {
    try {
      const imported = await this.#subtle.importKey('raw', other, 'X25519', false, []);
      const law = { name: 'X25519', public: imported };
      const secret = new Uint8Array(await this.#subtle.deriveBits(law, key, KEY_LENGTH * 8));
      // Node's WebCrypto does not refuse what the standard has it refuse.
      if (secret.some((byte) => byte !== 0)) return secret;
    } catch (cause) {
      throw refusedKey({ cause });
    }
    throw refusedKey();
  }
}

/** The refusal of a public key that agrees on nothing secret. */
export function refusedKey(options?: ErrorOptions): VelaturaError {
  return new VelaturaError(
    'federated/secagg-forged',
    'a public key expected a point of large order',
    {},
    options,
  );
}
