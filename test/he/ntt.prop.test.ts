import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multiplyModulo } from '../../src/he/modular.ts';
import { createNegacyclicNtt } from '../../src/he/ntt.ts';

/** The product modulo X^N + 1 from the definition. */
function naiveProduct(a: Uint32Array, b: Uint32Array, prime: number): Uint32Array {
  const degree = a.length;
  const p = BigInt(prime);
  const result = new Array<bigint>(degree).fill(0n);
  a.forEach((left, i) => {
    b.forEach((right, j) => {
      const term = BigInt(left) * BigInt(right);
      const at = (i + j) % degree;
      result[at] = (result[at] as bigint) + (i + j < degree ? term : -term);
    });
  });
  return Uint32Array.from(result, (value) => Number(((value % p) + p) % p));
}

function product(a: Uint32Array, b: Uint32Array, prime: number): Uint32Array {
  const ntt = createNegacyclicNtt(prime, a.length);
  const left = a.slice();
  const right = b.slice();
  ntt.forward(left);
  ntt.forward(right);
  const result = left.map((word, i) => {
    const other = right[i] as number;
    return multiplyModulo(word, other, prime, other / prime);
  });
  ntt.inverse(result);
  return result;
}

const CASES = [
  { degree: 2, prime: 12_289 },
  { degree: 16, prime: 995_329 },
  { degree: 64, prime: 268_432_897 },
  { degree: 128, prime: 268_369_921 },
];

describe('number-theoretic transform', () => {
  it.each(CASES)('multiplies as the definition says ($degree, $prime)', ({ degree, prime }) => {
    const polynomial = fc
      .array(fc.oneof(fc.nat(prime - 1), fc.constantFrom(0, prime - 1)), {
        minLength: degree,
        maxLength: degree,
      })
      .map((words) => Uint32Array.from(words));
    fc.assert(
      fc.property(polynomial, polynomial, (a, b) => {
        expect(product(a, b, prime)).toEqual(naiveProduct(a, b, prime));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    { degree: 1024, prime: 134_215_681 },
    { degree: 2048, prime: 268_369_921 },
    { degree: 2048, prime: 1_032_193 },
    { degree: 8192, prime: 268_369_921 },
  ])('comes back at full size ($degree, $prime)', ({ degree, prime }) => {
    const ntt = createNegacyclicNtt(prime, degree);
    const words = Uint32Array.from({ length: degree }, (_, i) =>
      i % 3 === 0 ? prime - 1 - i : (i * 7_919_317) % prime,
    );
    const transformed = words.slice();
    ntt.forward(transformed);
    expect(transformed).not.toEqual(words);
    expect(transformed.every((word) => word < prime)).toBe(true);
    ntt.inverse(transformed);
    expect(transformed).toEqual(words);
  });

  it('multiplies X by X^(N-1) to -1 at full size', () => {
    const prime = 268_369_921;
    const first = new Uint32Array(2048);
    const last = new Uint32Array(2048);
    first[1] = 1;
    last[2047] = 1;
    const expected = new Uint32Array(2048);
    expected[0] = prime - 1;
    expect(product(first, last, prime)).toEqual(expected);
  });

  it('refuses a prime without the root of unity, and words of another length', () => {
    expect(() => createNegacyclicNtt(12_289, 8192)).toThrow(RangeError);
    expect(() => createNegacyclicNtt(12_289, 64).forward(new Uint32Array(63))).toThrow(RangeError);
  });
});
