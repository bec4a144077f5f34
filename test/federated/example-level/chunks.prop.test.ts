import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { ChunkTree } from '../../../src/federated/example-level/chunks.ts';

/** Gives each example of `examples` the same word whoever else is there. */
function ownWords(examples: readonly number[], bits: number): RandomSource {
  return {
    uint32: () => 0,
    fillUint32: (target) => {
      for (let i = 0; i < target.length; i++) {
        const word = (Math.imul(examples[i] as number, 0x9e37_79b1) ^ 0x85eb_ca6b) >>> 0;
        // Few different bits make deep trees.
        target[i] = bits === 32 ? word : (word % 2 ** bits) * 2 ** (32 - bits);
      }
    },
  };
}

function chunksOf(
  examples: readonly number[],
  options: { capacity: number; expected: number; bits: number },
): number[][] {
  const tree = new ChunkTree(options.capacity, options.expected, ownWords(examples, options.bits));
  const order = Uint32Array.from(examples);
  const ends = new Uint32Array(examples.length);
  const count = tree.divide(order, ends);
  return Array.from({ length: count }, (_, i) => [
    ...order.subarray(i === 0 ? 0 : ends[i - 1], ends[i]),
  ]);
}

const samples = fc.uniqueArray(fc.nat({ max: 5_000 }), { minLength: 1, maxLength: 120 });
const shapes = fc.record({
  capacity: fc.integer({ min: 1, max: 20 }),
  expected: fc.integer({ min: 1, max: 200 }),
  bits: fc.constant(32),
});

describe('ChunkTree', () => {
  it('puts every example into one chunk of at most the capacity', () => {
    fc.assert(
      fc.property(samples, shapes, (examples, shape) => {
        const chunks = chunksOf(examples, shape);
        expect(chunks.flat().sort((a, b) => a - b)).toEqual([...examples].sort((a, b) => a - b));
        for (const { length } of chunks) {
          expect(length).toBeGreaterThan(0);
          expect(length).toBeLessThanOrEqual(shape.capacity);
        }
      }),
    );
  });

  it('changes one chunk, which may become two, when an example comes', () => {
    fc.assert(
      fc.property(samples, shapes, fc.nat(), (examples, shape, pick) => {
        const newcomer = examples[pick % examples.length] as number;
        const without = examples.filter((example) => example !== newcomer);
        fc.pre(without.length > 0);
        const key = (chunk: readonly number[]): string => chunk.join(' ');
        const before = new Set(chunksOf(without, shape).map(key));
        const after = new Set(chunksOf(examples, shape).map(key));
        const gone = [...before].filter((chunk) => !after.has(chunk));
        const come = [...after].filter((chunk) => !before.has(chunk));
        expect(gone.length).toBeLessThanOrEqual(1);
        expect(come.length).toBeGreaterThanOrEqual(1);
        expect(come.length).toBeLessThanOrEqual(2);
        const rows = come.flatMap((chunk) => chunk.split(' '));
        expect(rows.length).toBeLessThanOrEqual(shape.capacity + 1);
        const others = rows.filter((row) => row !== String(newcomer)).sort();
        expect(others).toEqual(
          gone.flatMap((chunk) => (chunk === '' ? [] : chunk.split(' '))).sort(),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('draws new bits when all of a word are the same', () => {
    let words = 0;
    const seeded = new SeededRandom('second word');
    const stubborn: RandomSource = {
      uint32: () => 0,
      fillUint32: (target) => {
        words++;
        if (words === 1) target.fill(0);
        else seeded.fillUint32(target);
      },
    };
    const order = Uint32Array.from({ length: 9 }, (_, i) => i);
    const ends = new Uint32Array(9);
    const count = new ChunkTree(3, 1, stubborn).divide(order, ends);
    expect(words).toBeGreaterThan(1);
    expect(count).toBeGreaterThanOrEqual(3);
    expect(ends[count - 1]).toBe(9);
    expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('splits by fair coins', () => {
    const random = new SeededRandom('fair');
    const tree = new ChunkTree(4, 8, random);
    const ends = new Uint32Array(8);
    let first = 0;
    const rounds = 20_000;
    for (let round = 0; round < rounds; round++) {
      const order = Uint32Array.from({ length: 2 }, (_, i) => i);
      if (tree.divide(order, ends) === 1) first++;
    }
    // Two examples share a chunk with probability 2^−depth; six deviations are a false alarm of 2e-9.
    const share = 2 ** -tree.depth;
    const deviation = Math.sqrt(rounds * share * (1 - share));
    expect(Math.abs(first - rounds * share)).toBeLessThan(6 * deviation);
  });

  it('refuses a capacity that holds nobody', () => {
    expect(() => new ChunkTree(0, 1, new SeededRandom(1))).toThrow(RangeError);
  });
});
