import { afterEach, describe, expect, it, vi } from 'vitest';
import { uint53, uniformInteger } from '../../src/core/random-source.ts';
import { SecureRandom } from '../../src/core/secure-random.ts';
import { SeededRandom } from '../../src/core/seeded-random.ts';

afterEach(() => vi.restoreAllMocks());

describe('SecureRandom', () => {
  it('zeroes in its pool what it hands out', () => {
    let pool: Uint32Array | undefined;
    vi.spyOn(globalThis.crypto, 'getRandomValues').mockImplementation((array) => {
      pool = array as unknown as Uint32Array;
      pool.fill(0xdead_beef);
      return array;
    });
    const random = new SecureRandom();
    expect(random.uint32()).toBe(0xdead_beef);
    const words = new Uint32Array(99);
    random.fillUint32(words);
    expect(words.every((word) => word === 0xdead_beef)).toBe(true);
    expect(pool?.subarray(0, 100).every((word) => word === 0)).toBe(true);
    expect(pool?.[100]).toBe(0xdead_beef);
  });

  it('draws from the platform, and never the same word pattern twice', () => {
    const random = new SecureRandom();
    const first = new Uint32Array(50_000);
    const second = new Uint32Array(50_000);
    random.fillUint32(first);
    random.fillUint32(second);
    expect(first.some((word, i) => word !== second[i])).toBe(true);
    // 50,000 words with a mean of 2³¹: 8 deviations are passed with a chance below 1e-14.
    const mean = first.reduce((sum, word) => sum + word, 0) / first.length;
    const deviation = 2 ** 32 / Math.sqrt(12 * first.length);
    expect(Math.abs(mean - 2 ** 31)).toBeLessThan(8 * deviation);
  });

  it('gives as many bytes as asked', () => {
    expect(new SecureRandom().bytes(33).length).toBe(33);
  });
});

describe('SeededRandom', () => {
  it('repeats under a seed and differs under another', () => {
    const take = (seed: string): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 5 }, () => random.uint32());
    };
    expect(take('a')).toEqual(take('a'));
    expect(take('a')).not.toEqual(take('b'));
  });

  it('is not a SecureRandom for the compiler', () => {
    const take = (random: SecureRandom): number => random.uint32();
    // @ts-expect-error: the two types are unrelated on purpose
    expect(() => take(new SeededRandom(1))).not.toThrow();
  });

  it('permutes: each position once, and the order of a seed is fixed', () => {
    const order = new SeededRandom(1000).permutation(500);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(order).toEqual(new SeededRandom(1000).permutation(500));
  });
});

describe('uniformInteger', () => {
  it('hits every residue equally often', () => {
    const random = new SeededRandom('uniform');
    const counts = new Uint32Array(6);
    const draws = 60_000;
    for (let i = 0; i < draws; i++) {
      const value = uniformInteger(random, 6);
      counts[value] = (counts[value] as number) + 1;
    }
    const chiSquare = counts.reduce(
      (sum, count) => sum + (count - draws / 6) ** 2 / (draws / 6),
      0,
    );
    // 99.9999 % point of chi-square with 5 degrees of freedom is 35.9; the seed is fixed.
    expect(chiSquare).toBeLessThan(36);
  });

  it('rejects the words that would bias it', () => {
    const words = [0xffff_ffff, 7];
    const scripted = { uint32: () => words.shift() as number, fillUint32: () => {} };
    // 2³² mod 6 = 4, so the last four words are drawn again.
    expect(uniformInteger(scripted, 6)).toBe(1);
  });

  it('uses 53 bits above 2³²', () => {
    const words = [2 ** 31, 5];
    const scripted = { uint32: () => words.shift() as number, fillUint32: () => {} };
    expect(uint53(scripted)).toBe(((2 ** 31) >>> 11) * 2 ** 32 + 5);
    expect(uniformInteger(new SeededRandom(3), 2 ** 40)).toBeLessThan(2 ** 40);
  });

  it.each([0, 1.5, 2 ** 53 + 2, Number.NaN])('refuses the bound %d', (bound) => {
    expect(() => uniformInteger(new SeededRandom(1), bound)).toThrow(RangeError);
  });
});
