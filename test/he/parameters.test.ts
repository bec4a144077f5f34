import { describe, expect, it } from 'vitest';
import {
  createHeParameters,
  createInsecureHeParameters,
  HE_PRESETS,
  type HeParametersLiteral,
  MAX_MODULUS_BITS_128,
  presetById,
} from '../../src/he/index.ts';
import { assertHeParameters } from '../../src/he/parameters.ts';
import { codeOf } from './fixtures.ts';

const GOOD: HeParametersLiteral = {
  polynomialDegree: 2048,
  dataPrimes: [268_369_921],
  plaintextModulus: 65_537,
};
const create = (change: Partial<HeParametersLiteral>) => () =>
  createHeParameters({ ...GOOD, ...change });

describe('parameters', () => {
  it('are checked, derived and frozen', () => {
    const parameters = createHeParameters({
      ...GOOD,
      dataPrimes: [1_032_193, 995_329],
      specialPrime: 12_289,
    });
    expect(parameters).toMatchObject({
      secure: true,
      polynomialDegree: 2048,
      dataPrimes: [1_032_193, 995_329],
      specialPrime: 12_289,
      ciphertextModulus: 1_032_193 * 995_329,
      plaintextModulus: 65_537,
    });
    expect(Object.isFrozen(parameters) && Object.isFrozen(parameters.dataPrimes)).toBe(true);
  });

  it('have an id that is a function of all their numbers', () => {
    const ids = [
      create({}),
      create({ plaintextModulus: 786_433 }),
      create({ dataPrimes: [268_361_729] }),
      create({ specialPrime: 12_289 }),
      create({ polynomialDegree: 4096, plaintextModulus: 786_433 }),
    ].map((make) => make().id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(create({})().id).toBe(ids[0]);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ['28 bits at degree 1024', { polynomialDegree: 1024 }],
    ['55 bits at degree 2048 with the special prime', { specialPrime: 134_176_769 }],
    ['any bits below degree 1024', { polynomialDegree: 512 }],
  ])('refuse less than 128-bit security: %s', (_, change) => {
    expect(codeOf(create(change))).toBe('he/insecure-parameters');
  });

  it('count the special prime, and allow exactly the bits of the table', () => {
    // 28 + 26 bits = 54 bits at degree 2048.
    const parameters = create({ specialPrime: 67_104_769 })();
    const bits = (BigInt(268_369_921) * 67_104_769n).toString(2).length;
    expect(bits).toBe(MAX_MODULUS_BITS_128.get(2048));
    expect(parameters.secure).toBe(true);
  });

  it.each<[string, Partial<HeParametersLiteral>]>([
    ['degree no power of two', { polynomialDegree: 2000 }],
    ['degree too small', { polynomialDegree: 32 }],
    ['degree too large', { polynomialDegree: 65_536 }],
    ['degree no number', { polynomialDegree: Number.NaN }],
    ['no data prime', { dataPrimes: [] }],
    ['several data primes without a special one', { dataPrimes: [1_032_193, 995_329] }],
    ['a composite data prime', { dataPrimes: [268_369_921 - 4096] }],
    ['a prime that is not 1 modulo 2N', { dataPrimes: [268_435_399] }],
    ['a prime of 29 bits', { dataPrimes: [536_813_569] }],
    ['a fractional prime', { dataPrimes: [12_289.5] }],
    ['the same prime twice', { dataPrimes: [995_329, 995_329], specialPrime: 12_289 }],
    ['the special prime among the data primes', { specialPrime: 268_369_921 }],
    ['t not prime', { plaintextModulus: 65_536 }],
    ['t not 1 modulo 2N', { plaintextModulus: 65_539 }],
    ['t equal to a prime', { dataPrimes: [786_433], plaintextModulus: 786_433 }],
    ['t of 25 bits', { plaintextModulus: 33_550_337 }],
    ['no room between q and t', { dataPrimes: [1_032_193], plaintextModulus: 65_537 }],
    [
      'a product above 2^53',
      {
        polynomialDegree: 4096,
        dataPrimes: [268_369_921, 268_271_617],
        specialPrime: 40_961,
        plaintextModulus: 65_537,
      },
    ],
  ])('refuse numbers that do not fit together: %s', (_, change) => {
    expect(codeOf(create(change))).toBe('he/invalid-parameters');
    expect(codeOf(() => createInsecureHeParameters({ ...GOOD, ...change }))).toBe(
      'he/invalid-parameters',
    );
  });

  it('made by the insecure function say so, unless they are secure', () => {
    expect(createInsecureHeParameters({ ...GOOD, polynomialDegree: 512 }).secure).toBe(false);
    expect(createInsecureHeParameters(GOOD).secure).toBe(true);
    expect(createInsecureHeParameters(GOOD).id).toBe(createHeParameters(GOOD).id);
  });

  it('cannot be forged', () => {
    expect(() => assertHeParameters({ ...HE_PRESETS.default })).toThrow(TypeError);
    expect(() => assertHeParameters(HE_PRESETS.default)).not.toThrow();
  });
});

describe('presets', () => {
  it('are secure unless named insecure', () => {
    for (const [name, preset] of Object.entries(HE_PRESETS)) {
      expect(preset.secure).toBe(!name.startsWith('insecure'));
    }
  });

  it('keep the documented degrees and bits', () => {
    const bits = (primes: readonly number[]) => primes.map((prime) => prime.toString(2).length);
    expect(HE_PRESETS.default.polynomialDegree).toBe(2048);
    expect(bits(HE_PRESETS.default.dataPrimes)).toEqual([28]);
    expect(HE_PRESETS.fast.polynomialDegree).toBe(1024);
    expect(bits(HE_PRESETS.fast.dataPrimes)).toEqual([27]);
    expect(HE_PRESETS.exact.polynomialDegree).toBe(2048);
    expect(bits(HE_PRESETS.exact.dataPrimes)).toEqual([20, 20]);
    expect(HE_PRESETS.exact.specialPrime?.toString(2).length).toBe(14);
  });

  it('are found by id', () => {
    for (const preset of Object.values(HE_PRESETS)) expect(presetById(preset.id)).toBe(preset);
    expect(presetById('0123456789abcdef')).toBeUndefined();
  });
});
