import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { residueBits } from '../../../src/he/bit-packing.ts';
import { KernelMemory } from '../../../src/he/kernel/kernel-memory.ts';
import { limbLayout } from '../../../src/he/kernel/limbs.ts';
import { scoringFunctions, scoringModule } from '../../../src/he/kernel/scoring-module.ts';
import { MAX_FEATURES } from '../../../src/he/limits.ts';

const DEGREE = 8;
const module = scoringModule();
if (module === null) throw new Error('the SIMD kernel does not compile here');
const memory = new KernelMemory();
const functions = scoringFunctions(module, memory);
const words = memory.allocate(2 * 4 * DEGREE).address;
const query = memory.allocate(8 * MAX_FEATURES * DEGREE).address;
const block = memory.allocate(4 * MAX_FEATURES * DEGREE).address;
const addresses = memory.allocate(4).address;
const results = memory.allocate(2 * 4 * DEGREE).address;

/** Σ items[f]·ciphertexts[f] of constant vectors, by the functions of the module. */
function sumOfProducts(items: number[], ciphertexts: number[], prime: number): number {
  const { shift, pairsPerSum, dropped, ...limbs } = limbLayout(residueBits(prime));
  const pairs = Math.ceil(items.length / 2);
  const split = (
    values: number[],
    range: { largest: number; rounding: number },
    target: number,
    stride: number,
  ): void => {
    for (let pair = 0; pair < pairs; pair++) {
      const view = memory.wordsAt(words, 2 * DEGREE);
      view.fill(values[2 * pair] as number, 0, DEGREE);
      view.fill(values[2 * pair + 1] ?? 0, DEGREE);
      const { largest, rounding } = range;
      const at = target + (stride / pairs) * pair;
      const second = words + 4 * DEGREE;
      functions.split(words, second, DEGREE, at, stride, prime, largest, rounding, shift);
    }
  };
  split(items, limbs.items, block, 32 * pairs);
  split(ciphertexts, limbs.ciphertexts, query, 64 * pairs);
  split(ciphertexts, limbs.ciphertexts, query + 32, 64 * pairs);
  memory.wordsAt(addresses, 1)[0] = block;
  functions.multiplyAccumulate(
    query,
    addresses,
    1,
    0,
    results,
    8 * DEGREE,
    4 * DEGREE,
    DEGREE,
    pairs,
    pairsPerSum,
    1,
    shift,
    dropped,
    prime,
  );
  const found = new Set(memory.wordsAt(results, 2 * DEGREE));
  expect(found.size).toBe(1);
  return [...found][0] as number;
}

function expected(items: number[], ciphertexts: number[], prime: number): number {
  const sum = items.reduce(
    (total, item, i) => total + BigInt(item) * BigInt(ciphertexts[i] as number),
    0n,
  );
  return Number(sum % BigInt(prime));
}

/** The residues whose limbs are at the ends of their ranges, and those beside the prime. */
function extremes(prime: number): number[] {
  const bits = residueBits(prime);
  const { shift } = limbLayout(bits);
  const half = 2 ** (shift - 1);
  const ends = [-half, -half + 1, -1, 0, half - 1, half];
  const residues = ends.flatMap((upper) =>
    ends.map((lower) => {
      const value = (upper * 2 ** shift + lower) % prime;
      return value < 0 ? value + prime : value;
    }),
  );
  return [...new Set([...residues, 0, 1, prime - 1, (prime - 1) / 2, (prime + 1) / 2])];
}

const PRIMES = [257, 641, 12_289, 40_961, 995_329, 1_032_193, 4_192_129];
const LARGE = [16_776_961, 67_107_713, 134_215_681, 268_369_921, 268_432_897];

describe('limbs', () => {
  it.each([...PRIMES, ...LARGE])('hold the largest sums at their extremes (prime %i)', (prime) => {
    for (const item of extremes(prime)) {
      for (const ciphertext of extremes(prime)) {
        for (const features of [1, 32, MAX_FEATURES]) {
          const items = new Array(features).fill(item);
          const ciphertexts = new Array(features).fill(ciphertext);
          const found = sumOfProducts(items, ciphertexts, prime);
          expect(found).toBe(expected(items, ciphertexts, prime));
        }
      }
    }
  });

  it.each([...PRIMES, ...LARGE])('give the sum from the definition (prime %i)', (prime) => {
    const residue = fc.oneof(fc.nat(prime - 1), fc.constantFrom(...extremes(prime)));
    const pair = fc.tuple(residue, residue);
    const list = fc.array(pair, { minLength: 1, maxLength: 130, size: 'max' });
    fc.assert(
      fc.property(list, (pairs) => {
        const items = pairs.map(([item]) => item);
        const ciphertexts = pairs.map(([, ciphertext]) => ciphertext);
        const found = sumOfProducts(items, ciphertexts, prime);
        expect(found).toBe(expected(items, ciphertexts, prime));
      }),
      { numRuns: 100 },
    );
  });
});
