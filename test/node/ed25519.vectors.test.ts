import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ED25519_SEED_LENGTH,
  ed25519Signer,
  generateEd25519Seed,
  verifyEd25519,
} from '../../src/node/ed25519.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

/** RFC 8032, 7.1: tests 1, 2, 3 and SHA(abc). */
const VECTORS = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    seed: '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    publicKey: 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    message:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    signature:
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  },
];

describe('Ed25519', () => {
  it.each(VECTORS)('signs as RFC 8032 does', (vector) => {
    const signer = ed25519Signer(bytes(vector.seed));
    expect(signer.publicKey).toEqual(bytes(vector.publicKey));
    expect(signer.sign(bytes(vector.message))).toEqual(bytes(vector.signature));
  });

  it.each(VECTORS)('verifies $message and nothing near it', (vector) => {
    const publicKey = bytes(vector.publicKey);
    const message = bytes(vector.message);
    const signature = bytes(vector.signature);
    expect(verifyEd25519(publicKey, message, signature)).toBe(true);
    expect(verifyEd25519(publicKey, Uint8Array.of(...message, 0), signature)).toBe(false);
    for (const at of [0, 31, 32, 63]) {
      const other = signature.slice();
      other[at] = (other[at] as number) ^ 1;
      expect(verifyEd25519(publicKey, message, other)).toBe(false);
    }
    const others = VECTORS.filter((other) => other !== vector);
    for (const other of others) {
      expect(verifyEd25519(bytes(other.publicKey), message, signature)).toBe(false);
    }
    expect(verifyEd25519(publicKey.slice(0, 31), message, signature)).toBe(false);
    expect(verifyEd25519(publicKey, message, signature.slice(0, 63))).toBe(false);
    expect(verifyEd25519(new Uint8Array(32).fill(0xff), message, signature)).toBe(false);
  });

  /** S must be below the group order (RFC 8032, 5.1.7), or a signature has a twin. */
  it('refuses the twin of a signature', () => {
    const { publicKey, signature } = VECTORS[0] as (typeof VECTORS)[0];
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const twin = bytes(signature);
    let s =
      [...twin.subarray(32)].reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n) + order;
    for (let i = 32; i < 64; i++, s /= 256n) twin[i] = Number(s % 256n);
    expect(verifyEd25519(bytes(publicKey), new Uint8Array(0), twin)).toBe(false);
  });

  it.each([
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ])('refuses the key of small order %s, under which anybody can sign', (hex) => {
    const spki = Buffer.concat([bytes('302a300506032b6570032100'), bytes(hex)]);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    // R the neutral element, S zero: holds for one message in the order of the key, at most 8.
    const forged = bytes(`01${'00'.repeat(63)}`);
    const messages = Array.from({ length: 400 }, (_, i) => Uint8Array.of(i, i >> 8));
    expect(messages.some((message) => verify(null, message, key, forged))).toBe(true);
    expect(messages.some((message) => verifyEd25519(bytes(hex), message, forged))).toBe(false);
  });

  it('makes a new seed each time, of 32 bytes, and takes no other length', () => {
    const [one, other] = [generateEd25519Seed(), generateEd25519Seed()];
    expect(one).toHaveLength(ED25519_SEED_LENGTH);
    expect(one).not.toEqual(other);
    expect(ed25519Signer(one).publicKey).not.toEqual(ed25519Signer(other).publicKey);
    for (const bad of [new Uint8Array(31), new Uint8Array(64), 'x'.repeat(32)]) {
      expect(() => ed25519Signer(bad as Uint8Array)).toThrow(RangeError);
    }
  });
});
