import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { expect } from 'vitest';
import type { Bytes, SecAggCrypto } from '../../../src/federated/secagg/crypto.ts';

const bytes = (hex: string): Bytes => new Uint8Array(hexToBytes(hex));

/** Known answers that every implementation must give, by the document they are from. */
export const CRYPTO_CASES: readonly {
  readonly name: string;
  run(crypto: SecAggCrypto): Promise<void>;
}[] = [
  {
    name: 'X25519 of RFC 7748 §6.1',
    async run(crypto) {
      const alice = await crypto.agreementKey(bytes(ALICE));
      const bob = await crypto.agreementKey(bytes(BOB));
      expect(bytesToHex(alice.publicKey)).toBe(
        '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
      );
      expect(bytesToHex(bob.publicKey)).toBe(
        'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
      );
      const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
      expect(bytesToHex(await alice.agree(bob.publicKey))).toBe(secret);
      expect(bytesToHex(await bob.agree(alice.publicKey))).toBe(secret);
    },
  },
  {
    name: 'X25519 keys of small order and other lengths are refused',
    async run(crypto) {
      const key = await crypto.agreementKey(bytes(ALICE));
      // Orders 4, 1, 8 and 8, 2: RFC 7748 §7, D. J. Bernstein, Curve25519, "contributory behaviour".
      for (const point of [
        '00'.repeat(32),
        `01${'00'.repeat(31)}`,
        'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
        '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
        `ec${'ff'.repeat(30)}7f`,
        `ed${'ff'.repeat(30)}7f`,
        `ee${'ff'.repeat(30)}7f`,
        '09'.repeat(31),
        '09'.repeat(33),
      ]) {
        await expect(key.agree(bytes(point))).rejects.toMatchObject({
          code: 'federated/secagg-forged',
        });
      }
    },
  },
  {
    name: 'Ed25519 of RFC 8032 §7.1',
    async run(crypto) {
      const cases: readonly [string, string, string, string][] = [
        [
          '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
          'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
          '',
          'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
        ],
        [
          '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
          '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
          '72',
          '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
        ],
      ];
      for (const [seed, publicKey, message, signature] of cases) {
        const key = await crypto.signingKey(bytes(seed));
        expect(bytesToHex(key.publicKey)).toBe(publicKey);
        expect(bytesToHex(await key.sign(bytes(message)))).toBe(signature);
        expect(await crypto.verify(bytes(publicKey), bytes(message), bytes(signature))).toBe(true);
        const other = bytes(`${message}00`);
        expect(await crypto.verify(bytes(publicKey), other, bytes(signature))).toBe(false);
      }
    },
  },
  {
    name: 'Ed25519 keys of small order and what is no key verify nothing',
    async run(crypto) {
      // R of order 1 and s = 0 satisfy s·B = R + h·A for every A of order 1.
      const identity = `01${'00'.repeat(31)}`;
      const signature = bytes(identity + '00'.repeat(32));
      expect(await crypto.verify(bytes(identity), bytes('00'), signature)).toBe(false);
      expect(await crypto.verify(bytes(`01${'00'.repeat(30)}80`), bytes('00'), signature)).toBe(
        false,
      );
      expect(await crypto.verify(bytes('02'.repeat(31)), bytes('00'), signature)).toBe(false);
      expect(await crypto.verify(bytes('02'.repeat(32)), bytes('00'), signature)).toBe(false);
      expect(await crypto.verify(bytes('03'.repeat(32)), bytes('00'), bytes('00'))).toBe(false);
    },
  },
  {
    name: 'HKDF-SHA256 of RFC 5869 A.1 and A.3, the first 32 bytes',
    async run(crypto) {
      const secret = bytes('0b'.repeat(22));
      const salt = bytes('000102030405060708090a0b0c');
      const info = bytes('f0f1f2f3f4f5f6f7f8f9');
      expect(bytesToHex(await crypto.hkdf(secret, salt, info))).toBe(
        '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf',
      );
      const empty = new Uint8Array(0);
      expect(bytesToHex(await crypto.hkdf(secret, empty, empty))).toBe(
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d',
      );
    },
  },
  {
    name: 'AES-256-GCM of the GCM specification (McGrew, Viega), test cases 13 and 14',
    async run(crypto) {
      const key = new Uint8Array(32);
      expect(bytesToHex(await crypto.seal(key, new Uint8Array(0)))).toBe(
        '530f8afbc74536b9a963b4f1c4cb738b',
      );
      const sealed = await crypto.seal(key, new Uint8Array(16));
      expect(bytesToHex(sealed)).toBe(
        'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
      );
      expect(await crypto.open(key, sealed)).toEqual(new Uint8Array(16));
      for (let at = 0; at < sealed.length; at++) {
        const altered = Uint8Array.from(sealed);
        altered[at] = (altered[at] as number) ^ 1;
        expect(await crypto.open(key, altered)).toBeNull();
      }
      expect(await crypto.open(key, sealed.slice(0, 15))).toBeNull();
    },
  },
  {
    name: 'AES-256-CTR from counter zero: blocks 0, 1 and 2 under the zero key (same test cases)',
    async run(crypto) {
      const stream = await crypto.keyStream(new Uint8Array(32), 45);
      expect(bytesToHex(stream)).toBe(
        'dc95c078a2408989ad48a21492842087530f8afbc74536b9a963b4f1c4cb738bcea7403d4d606b6e074ec5d3ba',
      );
    },
  },
  {
    name: 'a stream has the same bytes whatever its length, and random bytes of any length differ',
    async run(crypto) {
      const long = await crypto.keyStream(bytes('5a'.repeat(32)), 100_000);
      const short = await crypto.keyStream(bytes('5a'.repeat(32)), 1001);
      expect(bytesToHex(long.slice(0, 1001))).toBe(bytesToHex(short));
      expect(bytesToHex(crypto.sha256(long))).toBe(LONG_STREAM_DIGEST);
      const [one, two] = [crypto.randomBytes(70_001), crypto.randomBytes(70_001)];
      // 2^-64 for each of the three to fail.
      for (const at of [0, 65_536, 69_993]) {
        expect(one.slice(at, at + 8)).not.toEqual(two.slice(at, at + 8));
      }
    },
  },
];

const ALICE = '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a';
const BOB = '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb';
/** SHA-256 of the stream, by OpenSSL 3. */
const LONG_STREAM_DIGEST = 'ce440ac6f3d8a0f89a8860e0384782c3af30f066557bd648826979c7090e2ef5';
