import { describe, expect, it } from 'vitest';
import type { ChainHead } from '../../src/core/hash-chain.ts';
import {
  type HeadSigner,
  parseCheckpoint,
  type SignedHead,
  signHead,
  verifySignedHead,
} from '../../src/core/signed-head.ts';
import { ed25519Signer, verifyEd25519 } from '../../src/node/ed25519.ts';

const signer = ed25519Signer(new Uint8Array(32).fill(7));
const stranger = ed25519Signer(new Uint8Array(32).fill(8));
const head: ChainHead = { seq: 41, hash: Uint8Array.from({ length: 32 }, (_, i) => i) };
const HASH = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const TIME = 1_700_000_000_000;
const signed = (): Promise<SignedHead> => signHead(head, TIME, signer);
const flipped = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1);

describe('signHead', () => {
  it('notes number, hash and time, signed or not', async () => {
    const unsigned = { seq: 41, hash: HASH, time: TIME, publicKey: null, signature: null };
    expect(await signHead(head, TIME, null)).toEqual(unsigned);
    expect(await signed()).toEqual({
      ...unsigned,
      publicKey: Buffer.from(signer.publicKey).toString('hex'),
      signature: expect.stringMatching(/^[0-9a-f]{128}$/u),
    });
  });

  it('signs tag, entries, time, hash and key', async () => {
    const messages: Uint8Array[] = [];
    const recorder: HeadSigner = {
      publicKey: new Uint8Array(32).fill(0xcc),
      sign: async (message) => {
        messages.push(message);
        return new Uint8Array(64);
      },
    };
    await signHead(head, TIME, recorder);
    await signHead({ seq: -1, hash: new Uint8Array(32) }, 0, recorder);
    const tag = Buffer.from('velatura-head-v1\0').toString('hex');
    const key = 'cc'.repeat(32);
    expect(messages.map((message) => Buffer.from(message).toString('hex'))).toEqual([
      `${tag}000000000000002a0000018bcfe56800${HASH}${key}`,
      `${tag}${'00'.repeat(16)}${'00'.repeat(32)}${key}`,
    ]);
  });

  it('refuses times that are none and signers of another size', async () => {
    for (const time of [-1, 0.5, Number.NaN]) {
      await expect(signHead(head, time, signer)).rejects.toThrow(RangeError);
    }
    const sign = (): Uint8Array => new Uint8Array(64);
    const short = { publicKey: new Uint8Array(31), sign };
    await expect(signHead(head, TIME, short)).rejects.toThrow(RangeError);
    const long = { publicKey: new Uint8Array(32), sign: () => new Uint8Array(65) };
    await expect(signHead(head, TIME, long)).rejects.toThrow(RangeError);
  });
});

describe('verifySignedHead', () => {
  it('accepts what the key of the budget signed, also after a way through JSON', async () => {
    const note = JSON.parse(JSON.stringify(await signed())) as SignedHead;
    expect(await verifySignedHead(note, verifyEd25519, signer.publicKey)).toBeNull();
    expect(await verifySignedHead(note, verifyEd25519)).toBeNull();
    expect(await verifySignedHead(note, async (...all) => verifyEd25519(...all))).toBeNull();
  });

  it.each<readonly [string, (note: SignedHead) => Partial<SignedHead>]>([
    ['number', (note) => ({ seq: note.seq + 1 })],
    ['hash', (note) => ({ hash: flipped(note.hash) })],
    ['time', (note) => ({ time: note.time + 1 })],
    ['signature', (note) => ({ signature: flipped(note.signature as string) })],
    ['key', () => ({ publicKey: Buffer.from(stranger.publicKey).toString('hex') })],
  ])('finds an altered %s', async (_, change) => {
    const note = await signed();
    const problem = await verifySignedHead({ ...note, ...change(note) }, verifyEd25519);
    expect(problem).toMatch(/does not hold/u);
  });

  it('knows a stranger by the key of the budget only', async () => {
    const forged = await signHead(head, TIME, stranger);
    expect(await verifySignedHead(forged, verifyEd25519)).toBeNull();
    expect(await verifySignedHead(forged, verifyEd25519, signer.publicKey)).toMatch(
      /not by the expected key/u,
    );
  });

  it('does not take an unsigned head for a signed one', async () => {
    const note = await signHead(head, TIME, null);
    const never = (): boolean => {
      throw new Error('must not be asked');
    };
    expect(await verifySignedHead(note, never)).toMatch(/not signed/u);
    expect(await verifySignedHead(note, never, signer.publicKey)).toMatch(/not signed/u);
    const half = { ...(await signed()), signature: null };
    expect(await verifySignedHead(half, never)).toMatch(/not well formed.*signature/u);
  });
});

describe('parseCheckpoint', () => {
  it('reads a hash, with capitals and blanks', () => {
    expect(parseCheckpoint(` ${HASH.toUpperCase()}\n`)).toBe(HASH);
  });

  it('reads a signed head, and nothing besides it', async () => {
    const note = await signed();
    const text = JSON.stringify({ ...note, hash: HASH.toUpperCase(), more: 1 }, null, 2);
    expect(parseCheckpoint(text)).toEqual(note);
    const unsigned = await signHead({ seq: -1, hash: head.hash }, 0, null);
    expect(parseCheckpoint(JSON.stringify(unsigned))).toEqual(unsigned);
  });

  it.each<readonly [string, unknown]>([
    ['nothing', ''],
    ['a short hash', HASH.slice(1)],
    ['letters', HASH.replace('0', 'g')],
    ['a list', '[]'],
    ['null', 'null'],
    ['a hash in quotes', JSON.stringify(HASH)],
    ['a number below', { seq: -2 }],
    ['half a number', { seq: 0.5 }],
    ['no hash', { hash: null }],
    ['a time that is text', { time: `${TIME}` }],
    ['a time before 1970', { time: -1 }],
    ['a key without signature', { signature: null }],
    ['a signature without key', { publicKey: null }],
    ['a short key', { publicKey: 'ab' }],
    ['a long signature', { signature: '0'.repeat(130) }],
  ])('refuses %s', async (_, bad) => {
    const text =
      typeof bad === 'string' ? bad : JSON.stringify({ ...(await signed()), ...(bad as object) });
    expect(() => parseCheckpoint(text)).toThrow(
      expect.objectContaining({ code: 'core/invalid-head' }),
    );
  });
});
