import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { createPlainKernel, createScoringKernel, HE_PRESETS } from '../../src/he/index.ts';
import { randomCiphertext, randomColumn } from '../he/kernel/fixtures.ts';

describe('scoring kernel in a browser', () => {
  it.each(Object.entries(HE_PRESETS))(
    'is the SIMD one, with the plain bits (%s)',
    (_, parameters) => {
      const random = new SeededRandom('browser kernel');
      const kernel = createScoringKernel(parameters);
      const plain = createPlainKernel(parameters);
      expect(kernel.name).toBe('simd');
      const ciphertexts = Array.from({ length: 35 }, () => randomCiphertext(random, parameters));
      const columns = ciphertexts.map(() => randomColumn(random, parameters.polynomialDegree));
      expect(
        kernel.multiplyAccumulate(kernel.encodeQuery(ciphertexts), kernel.encodeBlock(columns)),
      ).toEqual(
        plain.multiplyAccumulate(plain.encodeQuery(ciphertexts), plain.encodeBlock(columns)),
      );
    },
  );
});
