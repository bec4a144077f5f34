import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInsecureHeParameters, HE_PRESETS } from '../../src/he/index.ts';
import {
  blockCount,
  groupCount,
  itemsPerBlock,
  packBlock,
  packProfile,
  slotOf,
  unpackScores,
} from '../../src/he/packing.ts';

const parameters = HE_PRESETS.insecureToy;
const degree = parameters.polynomialDegree;

/** Adds a·b modulo X^N + 1. */
function addProduct(sum: Int32Array, a: Int32Array, b: Int8Array): void {
  a.forEach((left, i) => {
    b.forEach((right, j) => {
      const at = (i + j) % degree;
      sum[at] = (sum[at] as number) + (i + j < degree ? 1 : -1) * left * right;
    });
  });
}

/** A catalogue with a profile and a packing, up to two blocks and a bit. */
const packed = fc
  .record({
    dimensions: fc.integer({ min: 1, max: 12 }),
    features: fc.integer({ min: 1, max: 32 }),
    filling: fc.double({ min: 0, max: 2.2, noNaN: true }),
    seed: fc.integer(),
  })
  .map(({ dimensions, features, filling, seed }) => {
    const items = Math.max(1, Math.round(filling * itemsPerBlock(parameters, features)));
    const value = (i: number, most: number): number =>
      ((Math.imul(i + 1, 0x9e3779b1 ^ seed) >>> 8) % (2 * most + 1)) - most;
    return {
      dimensions,
      features,
      items,
      integers: Int8Array.from({ length: items * dimensions }, (_, i) => value(i, 127)),
      weights: Int32Array.from({ length: dimensions }, (_, i) => value(7919 * i, 1000)),
    };
  });

describe('packing', () => {
  it('puts every score where it is read, whatever wraps around', () => {
    fc.assert(
      fc.property(packed, ({ dimensions, features, items, integers, weights }) => {
        const capacity = itemsPerBlock(parameters, features);
        const groups = packProfile(weights, features);
        expect(groups.length).toBe(groupCount(dimensions, features));
        const scores = new Int32Array(items);
        for (let block = 0; block < blockCount(parameters, items, features); block++) {
          const polynomials = packBlock(parameters, integers, dimensions, block, features);
          expect(polynomials.length).toBe(groups.length);
          const sum = new Int32Array(degree);
          polynomials.forEach((each, i) => {
            addProduct(sum, groups[i] as Int32Array, each);
          });
          unpackScores(sum, scores.subarray(block * capacity, (block + 1) * capacity), features);
        }
        const expected = Int32Array.from({ length: items }, (_, item) =>
          weights.reduce(
            (score, weight, i) => score + weight * (integers[item * dimensions + i] as number),
            0,
          ),
        );
        expect(scores).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves no block all zero, and the extra slot to no item', () => {
    fc.assert(
      fc.property(packed, ({ dimensions, features, integers }) => {
        const [first] = packBlock(parameters, integers.fill(0), dimensions, 0, features);
        const capacity = itemsPerBlock(parameters, features);
        const expected = new Int8Array(degree);
        expected[slotOf(capacity, features)] = 1;
        expect(first).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('counts as the formulas say', () => {
    const { default: standard } = HE_PRESETS;
    expect([1, 2, 3, 8, 1024].map((g) => itemsPerBlock(standard, g))).toEqual([
      2047, 1023, 681, 255, 1,
    ]);
    expect(blockCount(standard, 1000, 8)).toBe(4);
    expect(groupCount(64, 8)).toBe(8);
    expect(groupCount(15, 4)).toBe(4);
    const large = createInsecureHeParameters({
      polynomialDegree: 128,
      dataPrimes: [268_432_897],
      plaintextModulus: 786_433,
    });
    expect(itemsPerBlock(large, 5)).toBe(24);
  });
});
