import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ChainEntry, HashChain, headHex, portableSha256 } from '../../src/core/hash-chain.ts';
import { nodeSha256 } from '../../src/node/sha256.ts';

const chain = new HashChain('test');

function entriesOf(count: number, rules: HashChain = chain): ChainEntry[] {
  const entries: ChainEntry[] = [];
  for (let i = 0; i < count; i++) {
    entries.push(rules.append(entries.at(-1) ?? rules.start(), Uint8Array.of(i, i)));
  }
  return entries;
}

describe('HashChain', () => {
  it('hashes tag, previous hash, number and body', () => {
    const [first, second] = entriesOf(2) as [ChainEntry, ChainEntry];
    const number = (n: number): Buffer =>
      Buffer.from(BigInt(n).toString(16).padStart(16, '0'), 'hex');
    const expected = (previous: Uint8Array, n: number): string =>
      createHash('sha256')
        .update('velatura-chain-v1\0test\0')
        .update(previous)
        .update(number(n))
        .update(Buffer.of(n, n))
        .digest('hex');
    expect(headHex(first)).toBe(expected(new Uint8Array(32), 0));
    expect(headHex(second)).toBe(expected(first.hash, 1));
  });

  it('gives the same hashes whichever SHA-256 it uses', () => {
    expect(entriesOf(5, new HashChain('test', nodeSha256)).map(headHex)).toEqual(
      entriesOf(5, new HashChain('test', portableSha256)).map(headHex),
    );
  });

  it.each([0, 1, 100, 2047, 2048, 2049, 70_000])('hashes bodies of %i bytes alike', (length) => {
    const bytes = Uint8Array.from({ length: length + 3 }, (_, i) => i % 251);
    const body = bytes.subarray(3);
    const head = { seq: 2 ** 40 + 2 ** 32 + 258, hash: new Uint8Array(32).fill(5) };
    const expected = createHash('sha256')
      .update('velatura-chain-v1\0test\0')
      .update(head.hash)
      .update(Buffer.from('0000010100000103', 'hex'))
      .update(body)
      .digest('hex');
    for (const sha256 of [portableSha256, nodeSha256]) {
      const rules = new HashChain('test', sha256);
      rules.append(head, new Uint8Array(2048).fill(9));
      expect(headHex(rules.append(head, body))).toBe(expected);
    }
  });

  it('follows only heads of 32 bytes', () => {
    const head = { seq: 3, hash: new Uint8Array(31) };
    expect(() => chain.append(head, Uint8Array.of(1))).toThrow(RangeError);
  });

  it('follows an honest log in one go or in parts', () => {
    const entries = entriesOf(6);
    const middle = chain.verify(chain.start(), entries.slice(0, 4));
    expect(chain.verify(middle, entries.slice(4))).toEqual(chain.verify(chain.start(), entries));
    expect(chain.verify(middle, [])).toEqual(middle);
  });

  it.each<readonly [string, number, (entries: ChainEntry[]) => void]>([
    ['an altered body', 2, (e) => Object.assign(e[2] as object, { body: Uint8Array.of(9) })],
    ['an altered hash', 2, (e) => Object.assign(e[2] as object, { hash: new Uint8Array(32) })],
    [
      'a hash cut short',
      2,
      (e) => Object.assign(e[2] as object, { hash: e[2]?.hash.slice(0, 31) }),
    ],
    ['an altered number', 2, (e) => Object.assign(e[2] as object, { seq: 7 })],
    ['a missing entry', 1, (e) => e.splice(1, 1)],
    ['a missing beginning', 0, (e) => e.splice(0, 2)],
    ['swapped entries', 1, (e) => e.splice(1, 2, e[2] as ChainEntry, e[1] as ChainEntry)],
    [
      'a foreign entry',
      3,
      (e) => e.splice(3, 1, entriesOf(4, new HashChain('other'))[3] as ChainEntry),
    ],
  ])('names the first entry that does not follow: %s', (_, seq, spoil) => {
    const entries = entriesOf(5);
    spoil(entries);
    expect(chain.fault(chain.start(), entries)?.seq).toBe(seq);
    expect(() => chain.verify(chain.start(), entries)).toThrow(
      expect.objectContaining({ code: 'core/broken-chain', details: { seq } }),
    );
  });

  it('never lets logs of different purposes share an entry', () => {
    const one = new HashChain('a').append(chain.start(), Uint8Array.of(1));
    const other = new HashChain('b').append(chain.start(), Uint8Array.of(1));
    expect(headHex(one)).not.toBe(headHex(other));
    expect(() => new HashChain('a\0b')).toThrow(RangeError);
  });
});

describe('SHA-256', () => {
  it('hashes parts as one', () => {
    const parts = [new Uint8Array(70).fill(1), new Uint8Array(0), Uint8Array.of(2)];
    const whole = new Uint8Array(71).fill(1, 0, 70).fill(2, 70);
    for (const sha256 of [portableSha256, nodeSha256]) {
      expect(Object.getPrototypeOf(sha256(...parts))).toBe(Uint8Array.prototype);
      expect(Buffer.from(sha256(...parts)).toString('hex')).toBe(
        createHash('sha256').update(whole).digest('hex'),
      );
    }
  });

  it.each([1, 55, 56, 64, 1000, 100_000])('hashes one part of %i bytes', (length) => {
    const part = Uint8Array.from({ length }, (_, i) => 255 - (i % 256));
    const expected = createHash('sha256').update(part).digest('hex');
    for (const sha256 of [portableSha256, nodeSha256]) {
      const [first, second] = [sha256(part), sha256(part)];
      expect(Buffer.from(first).toString('hex')).toBe(expected);
      second.fill(0); // every call gives bytes of its own
      expect(Buffer.from(first).toString('hex')).toBe(expected);
    }
  });

  it('knows the empty message (FIPS 180-4)', () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    for (const sha256 of [portableSha256, nodeSha256]) {
      expect(Buffer.from(sha256()).toString('hex')).toBe(empty);
    }
  });
});
