import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { portableSha256 } from '../../../src/core/hash-chain.ts';
import { KeyRing, matchingRing } from '../../../src/dp/budget/account-key.ts';
import { nodeSha256 } from '../../../src/node/sha256.ts';

const secrets = [1, 2, 3, 4].map((n) => new Uint8Array(32).fill(n));
const ring = (count: number): KeyRing => new KeyRing(secrets.slice(0, count), nodeSha256);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The definition in account-key.proof.md, by OpenSSL's HMAC. */
function prf(secret: number, tag: number, message: Uint8Array | string): Buffer {
  return createHmac('sha256', secrets[secret - 1] as Uint8Array)
    .update(Uint8Array.of(tag))
    .update(message)
    .digest()
    .subarray(0, 16);
}
const key = (id: string, level: number): Buffer =>
  level === 1 ? prf(1, 1, id) : prf(level, 2, key(id, level - 1));
function tombstone(id: string, erasedAt: number, level: number): Buffer {
  return level === erasedAt
    ? prf(level, 3, key(id, level))
    : prf(level, 2, tombstone(id, erasedAt, level - 1));
}

const IDS = [
  'anna',
  '',
  '\0',
  'bert é',
  '日本',
  '日'.repeat(150),
  '😀',
  'a'.repeat(190),
  'ü'.repeat(1000),
  'b'.repeat(5000),
  'carl',
];

describe('KeyRing', () => {
  it.each([1, 2, 3, 4])('makes the keys of its definition under %i secrets', (count) => {
    for (const sha256 of [portableSha256, nodeSha256]) {
      const keys = new KeyRing(secrets.slice(0, count), sha256).keysOf(IDS);
      expect(hex(keys)).toBe(hex(Buffer.concat(IDS.map((id) => key(id, count)))));
    }
  });

  it('keeps making the keys that budgets already hold', () => {
    expect(hex(ring(1).keysOf(['anna']))).toBe('68428539d6d4c65f125e3109e259ced3');
    expect(hex(ring(2).keysOf(['anna']))).toBe('b5e733bd966ecde7df175180ada64f5a');
    expect(hex(ring(2).tombstonesOf(ring(2).keysOf(['anna'])))).toBe(
      '3c28e6400fc0502559847b2e25a34c4c',
    );
    expect(hex(ring(2).check)).toBe('838554d9ae342c8d6dbc81e5839f52b2');
  });

  it('makes the same keys in parts', () => {
    const whole = ring(2).keysOf(IDS);
    expect(hex(ring(2).keysOf(IDS, 2, 5))).toBe(hex(whole.subarray(32, 80)));
    expect(ring(2).keysOf(IDS, 3, 3)).toHaveLength(0);
    expect(ring(2).tombstonesOfAccounts(IDS, 2, 5).map(hex)).toEqual(
      ring(2)
        .tombstonesOfAccounts(IDS)
        .map((tombstones) => hex(tombstones.subarray(32, 80))),
    );
  });

  it('rotates stored keys without ids', () => {
    let stored = ring(1).keysOf(IDS);
    let current = ring(1);
    for (const secret of secrets.slice(1)) {
      current = current.extended(secret);
      stored = current.rekeyed(stored);
      expect(hex(stored)).toBe(hex(current.keysOf(IDS)));
    }
    expect(hex(current.check)).toBe(hex(ring(4).check));
  });

  it.each([1, 2, 3, 4])(
    'finds an erasure under %i secrets after every later rotation',
    (erasedAt) => {
      let stored = ring(erasedAt).tombstonesOf(ring(erasedAt).keysOf(IDS));
      for (let level = erasedAt; ; level++) {
        const candidates = ring(level).tombstonesOfAccounts(IDS);
        expect(candidates).toHaveLength(level);
        expect(hex(candidates[erasedAt - 1] as Uint8Array)).toBe(hex(stored));
        expect(hex(stored)).toBe(
          hex(Buffer.concat(IDS.map((id) => tombstone(id, erasedAt, level)))),
        );
        if (level === 4) break;
        stored = ring(level + 1).rekeyed(stored);
      }
    },
  );

  it('never gives two uses the same output', () => {
    const outputs = [1, 2, 3, 4].flatMap((count) => {
      const keys = ring(count).keysOf(IDS);
      const images = [keys, ...ring(count).tombstonesOfAccounts(IDS)].map(hex).join('');
      return [hex(ring(count).check), ...(images.match(/.{32}/gu) ?? [])];
    });
    expect(new Set(outputs).size).toBe(outputs.length);
    expect(outputs).toHaveLength(4 + IDS.length * (2 + 3 + 4 + 5));
  });

  it('leaves its input alone and is not changed by what the caller does to a secret', () => {
    const secret = Buffer.alloc(32, 1);
    const own = new KeyRing([secret]);
    secret.fill(9);
    const keys = own.keysOf(['anna']);
    expect(hex(keys)).toBe(hex(key('anna', 1)));
    own.tombstonesOf(keys);
    own.extended(new Uint8Array(32).fill(2)).rekeyed(keys);
    expect(hex(keys)).toBe(hex(key('anna', 1)));
    expect(hex(own.extended(secrets[1] as Uint8Array).check)).toBe(hex(ring(2).check));
  });

  it.each([
    ['31 bytes', [new Uint8Array(31)]],
    ['no bytes', [new Uint8Array(0)]],
    ['text', ['x'.repeat(32) as unknown as Uint8Array]],
    ['no secret at all', []],
    ['the same secret again', [new Uint8Array(32), new Uint8Array(32)]],
  ])('refuses %s', (_, bad) => {
    expect(() => new KeyRing(bad)).toThrow(RangeError);
  });

  it('refuses keys cut short', () => {
    expect(() => ring(1).tombstonesOf(new Uint8Array(17))).toThrow(RangeError);
    expect(() => ring(1).rekeyed(new Uint8Array(15))).toThrow(RangeError);
  });
});

describe('matchingRing', () => {
  it('takes as many secrets as the log was made under', () => {
    for (const count of [1, 2, 3, 4]) {
      const found = matchingRing(secrets, ring(count).check);
      expect(found?.length).toBe(count);
      expect(hex(found?.keysOf(['anna']) as Uint8Array)).toBe(hex(ring(count).keysOf(['anna'])));
    }
  });

  it('takes no other secrets, no other order and no later ones alone', () => {
    const check = ring(2).check;
    const [a, b, c] = secrets as [Uint8Array, Uint8Array, Uint8Array];
    for (const others of [[a], [b], [b, a], [c], []]) {
      expect(matchingRing(others, check)).toBeNull();
    }
    // A rotation that did not come to pass left its secret in between.
    expect(matchingRing([a, c, b], check)?.length).toBe(2);
    expect(matchingRing(secrets, check.slice(0, 15))).toBeNull();
    expect(matchingRing(secrets, new Uint8Array(16))).toBeNull();
  });
});
