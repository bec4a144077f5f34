import { describe, expect, it } from 'vitest';
import { KeyedRandom, type StreamUse } from '../../../src/federated/simulation/keyed-random.ts';

const uses: readonly StreamUse[] = ['cohort', 'attendance', 'order', 'data', 'noise'];

function words(random: KeyedRandom, count = 4): number[] {
  return Array.from({ length: count }, () => random.uint32());
}

describe('KeyedRandom', () => {
  it('depends on seed, use, round and user, and on nothing before', () => {
    const random = new KeyedRandom('seed');
    const first = words(random.start('order', 3, 5));
    words(random.start('noise', 9, 9), 100);
    expect(words(random.start('order', 3, 5))).toEqual(first);
    expect(words(new KeyedRandom('seed').start('order', 3, 5))).toEqual(first);
    const streams = [
      ...uses.map((use) => words(random.start(use, 3, 5))),
      words(random.start('order', 5, 3)),
      words(random.start('order', 3, 6)),
      words(random.start('order', 2, 5)),
      words(new KeyedRandom('seeds').start('order', 3, 5)),
    ];
    expect(new Set(streams.map(String)).size).toBe(streams.length);
  });

  it('changes half of all bits for the next user, the next round and another use', () => {
    const random = new KeyedRandom('avalanche');
    const pairs: ((i: number) => [number[], number[]])[] = [
      (i) => [words(random.start('data', 1, i)), words(random.start('data', 1, i + 1))],
      (i) => [words(random.start('data', i, 1)), words(random.start('data', i + 1, 1))],
      (i) => [words(random.start('order', i, 1)), words(random.start('data', i, 1))],
    ];
    const samples = 2000;
    for (const pair of pairs) {
      let changed = 0;
      for (let i = 0; i < samples; i++) {
        const [a, b] = pair(i);
        for (let w = 0; w < 4; w++) {
          let difference = (a[w] as number) ^ (b[w] as number);
          for (; difference !== 0; difference &= difference - 1) changed++;
        }
      }
      // Binomial of 256,000 fair bits: six deviations are a false alarm of 2·10⁻⁹.
      const bits = samples * 4 * 32;
      expect(Math.abs(changed - bits / 2)).toBeLessThan(6 * Math.sqrt(bits / 4));
    }
  });
});
