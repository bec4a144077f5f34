import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HE_PRESETS } from '../../src/he/index.ts';
import { scaleToCiphertext } from '../../src/he/scaling.ts';

describe('scaling into the ciphertext modulus', () => {
  it.each(Object.entries(HE_PRESETS))('is q·value/t, rounded exactly (%s)', (_, parameters) => {
    const q = BigInt(parameters.ciphertextModulus);
    const t = BigInt(parameters.plaintextModulus);
    const limit = (parameters.plaintextModulus - 1) / 2;
    const floorDivide = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((-a + b - 1n) / b));
    const value = fc.oneof(
      fc.integer({ min: -limit, max: limit }),
      fc.constantFrom(0, 1, -1, limit, -limit),
    );
    fc.assert(
      fc.property(value, (v) => {
        const rounded = floorDivide(2n * q * BigInt(v) + t, 2n * t);
        expect(BigInt(scaleToCiphertext(parameters, v))).toBe(rounded);
      }),
      { numRuns: 2000 },
    );
  });
});
