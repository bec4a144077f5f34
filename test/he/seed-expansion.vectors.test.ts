import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { createPlainExpander, expandStream } from '../../src/he/expansion/plain-expander.ts';
import type { SeedExpander } from '../../src/he/expansion/seed-expander.ts';
import { createSimdExpander, expansionFunctions } from '../../src/he/expansion/simd-expander.ts';
import { residueOrRejected } from '../../src/he/expansion/uniform-residues.ts';
import { withHandles } from '../../src/he/handle-scope.ts';
import { createSeedExpander, HE_PRESETS, type HeParameters } from '../../src/he/index.ts';
import { loadSeal } from '../../src/he/node-seal-provider.ts';
import { createSealContext, createSealKey, sealEncrypt } from '../../src/he/seal-context.ts';
import { unframeCiphertext } from '../../src/he/seal-framing.ts';

const seal = await loadSeal();

const EXPANDERS: readonly [string, (parameters: HeParameters) => SeedExpander][] = [
  ['plain', createPlainExpander],
  ['simd', (parameters) => createSimdExpander(parameters) as SeedExpander],
];

/** A ciphertext that SEAL wrote with the seed put in place, and read again: SEAL's expansion of it. */
function sealExpansion(parameters: HeParameters, seeds: readonly Uint8Array[]): Uint32Array[] {
  const context = createSealContext(seal, parameters);
  return withHandles((scope) => {
    scope.own(context.handle);
    const written = sealEncrypt(context, createSealKey(context, scope), Int32Array.of(1));
    return seeds.map((seed) => {
      written.set(seed, written.length - 64);
      const ciphertext = scope.own(seal.CipherText());
      ciphertext.loadArray(context.handle, written);
      const words = unframeCiphertext(parameters, ciphertext.saveArray(seal.ComprModeType.none));
      return words.subarray(words.length / 2);
    });
  });
}

function seedOf(random: SeededRandom): Uint8Array {
  return Uint8Array.from({ length: 64 }, () => random.uint32() & 255);
}

// The answers are those of the installed node-seal (SEAL 4.1.2), asked in the same run.
describe.each(EXPANDERS)('expansion of seeds (%s)', (_, create) => {
  it.each(Object.entries(HE_PRESETS))('is that of SEAL (%s)', (name, parameters) => {
    const random = new SeededRandom(`seeds ${name}`);
    const seeds = [
      new Uint8Array(64),
      new Uint8Array(64).fill(255),
      ...Array.from({ length: 6 }, () => seedOf(random)),
    ];
    const expander = create(parameters);
    sealExpansion(parameters, seeds).forEach((expected, i) => {
      const target = new Uint32Array(expected.length);
      expander.expand(seeds[i] as Uint8Array, target);
      expect(target).toEqual(expected);
    });
  });
});

describe('expansion of seeds', () => {
  it('takes the fast way by default', () => {
    expect(createSeedExpander(HE_PRESETS.default).name).toBe('simd');
  });

  it('is one fixed word for word', () => {
    const target = new Uint32Array(2048);
    createSeedExpander(HE_PRESETS.default).expand(
      Uint8Array.from({ length: 64 }, (_, i) => i),
      target,
    );
    // Computed by node-seal 6.0.3.
    expect([...target.subarray(0, 4), target[2047]]).toEqual([
      159364122, 232971839, 113095086, 56605684, 237725821,
    ]);
  });
});

/** [low, high] halves around the least word that is rejected for a prime, by BigInt. */
function aroundLimit(prime: number): readonly [bigint, boolean][] {
  const most = 2n ** 64n - 1n;
  const limit = most - (most % BigInt(prime)) - 1n;
  return [
    [limit - 1n, false],
    [limit, true],
    [most, true],
  ];
}

describe('rejected words', () => {
  const primes = Object.values(HE_PRESETS).flatMap(({ dataPrimes }) => dataPrimes);

  it.each(primes)('begin where words would favour small residues (%s)', (prime) => {
    const made = expansionFunctions(65_536) as NonNullable<ReturnType<typeof expansionFunctions>>;
    const words = new BigUint64Array(made.memory.buffer, 8192, 3);
    const residues = new Uint32Array(made.memory.buffer, 16_384, 3);
    for (const [word, rejected] of aroundLimit(prime)) {
      const expected = rejected ? -1 : Number(word % BigInt(prime));
      const low = Number(word & 0xffff_ffffn);
      const high = Number(word >> 32n);
      expect(residueOrRejected(low, high, prime)).toBe(expected);
      words.set([5n, word, 2n ** 40n]);
      const reduced = made.functions.reduce(8192, 3, prime, 16_384);
      expect(reduced).toBe(rejected ? 1 : 3);
      if (!rejected) expect(residues[1]).toBe(expected);
    }
  });

  it('are replaced by the words that follow, in order', () => {
    const { exact } = HE_PRESETS;
    const [first, second] = exact.dataPrimes as readonly [number, number];
    // 4,096 words in buffers of 512, all 7 but for four rejected ones; then two million, a rejected one, two
    // million and two, …
    const rejected = new Set([0, 2047, 2048, 4095, 4097]);
    const target = new Uint32Array(4096);
    expandStream(
      exact,
      (counter, output) => {
        for (let i = 0; i < 512; i++) {
          const position = 512 * counter + i;
          const bad = rejected.has(position);
          output[2 * i] = bad ? 0xffff_ffff : position < 4096 ? 7 : 2_000_000 + position - 4096;
          output[2 * i + 1] = bad ? 0xffff_ffff : 0;
        }
      },
      target,
    );
    expect([target[0], target[2047], target[2048], target[4095]]).toEqual([
      2_000_000 % first,
      2_000_002 % first,
      2_000_003 % second,
      2_000_004 % second,
    ]);
    expect(target.filter((word) => word === 7).length).toBe(4092);
  });
});
