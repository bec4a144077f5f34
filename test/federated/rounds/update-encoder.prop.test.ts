import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpdateEncoder } from '../../../src/federated/index.ts';

/** Σ z² in exact integers. */
function exactSquaredNorm(vector: Float64Array): bigint {
  return vector.reduce((sum, value) => sum + BigInt(value) * BigInt(value), 0n);
}

const update = fc.array(
  fc.oneof(
    fc.double({ min: -1e300, max: 1e300, noNaN: true }),
    fc.double({ min: -2, max: 2, noNaN: true }),
    fc.constantFrom(0, -0, 1, -1, Number.MIN_VALUE, 0.5, 1 / 3),
  ),
  { minLength: 1, maxLength: 40 },
);

describe('UpdateEncoder', () => {
  it('never passes its integer sensitivity, whatever comes in', () => {
    fc.assert(
      fc.property(
        update,
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        fc.constantFrom(1, 2, 7, 255, 65_536, 2 ** 25),
        fc.constantFrom(0, 0.1, 0.25, 1),
        (values, clippingNorm, integerNorm, clippingFlagWeight) => {
          const encoder = new UpdateEncoder({
            dimension: values.length,
            clippingNorm,
            integerNorm,
            clippingFlagWeight,
          });
          const { vector } = encoder.encode(values);
          expect(vector.every(Number.isInteger)).toBe(true);
          expect(exactSquaredNorm(vector.subarray(0, values.length))).toBeLessThanOrEqual(
            BigInt(integerNorm) ** 2n,
          );
          expect(exactSquaredNorm(vector)).toBeLessThanOrEqual(
            BigInt(encoder.integerSensitivity) ** 2n,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('holds at the bound, where rounding up would pass it', () => {
    // Each coordinate lies at …+0.5 lattice units, so rounding lengthens all of them at once.
    const dimension = 64;
    for (const integerNorm of [9, 100, 1001, 65_536]) {
      const encoder = new UpdateEncoder({ dimension, clippingNorm: 1, integerNorm });
      const { vector, clipped } = encoder.encode(
        new Array(dimension).fill(1 / Math.sqrt(dimension)),
      );
      expect(exactSquaredNorm(vector)).toBeLessThanOrEqual(BigInt(integerNorm) ** 2n);
      expect(clipped).toBe(false);
    }
  });

  it('gives back what it was given, to half a lattice unit, when nothing is clipped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -0.1, max: 0.1, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (values) => {
          const encoder = new UpdateEncoder({ dimension: values.length, clippingNorm: 1 });
          const { sum } = encoder.decodeSum(encoder.encode(values).vector);
          values.forEach((value, i) => {
            expect(Math.abs((sum[i] as number) - value)).toBeLessThanOrEqual(0.5 / 65_536 + 1e-12);
          });
        },
      ),
    );
  });

  it('adds to a sum exactly what it would encode, flag included', () => {
    fc.assert(
      fc.property(fc.array(update, { minLength: 1, maxLength: 4 }), (updates) => {
        const dimension = updates[0]?.length as number;
        const encoder = new UpdateEncoder({ dimension, clippingNorm: 1, clippingFlagWeight: 0.3 });
        const same = updates.filter(({ length }) => length === dimension);
        const sum = new Float64Array(encoder.encodedDimension);
        const expected = new Float64Array(encoder.encodedDimension);
        for (const values of same) {
          const { vector, clipped } = encoder.encode(values);
          expect(encoder.addTo(sum, values)).toBe(clipped);
          for (let i = 0; i < vector.length; i++) {
            expected[i] = (expected[i] as number) + (vector[i] as number);
          }
        }
        expect(sum).toEqual(expected);
        expect(() => encoder.addTo(sum, new Array(dimension).fill(Number.NaN))).toThrow(
          expect.objectContaining({ code: 'federated/non-finite' }),
        );
        expect(() => encoder.addTo(sum.subarray(1), new Array(dimension).fill(0))).toThrow(
          RangeError,
        );
        expect(sum).toEqual(expected);
      }),
    );
  });

  it('adds by the bound of a subclass that encodes in another way', () => {
    class Halves extends UpdateEncoder {
      override encodeInto(values: ArrayLike<number>, target: Float64Array): boolean {
        target.set(Array.from(values, (value) => Math.trunc(value / 2)));
        return true;
      }
    }
    const sum = Float64Array.of(1, 1);
    expect(new Halves({ dimension: 2, clippingNorm: 1 }).addTo(sum, [8, -5])).toBe(true);
    expect([...sum]).toEqual([5, -1]);
  });

  it('flags exactly the clipped updates', () => {
    const encoder = new UpdateEncoder({ dimension: 2, clippingNorm: 1, clippingFlagWeight: 0.25 });
    const short = encoder.encode([0.6, 0.6]);
    const long = encoder.encode([3, 4]);
    const sum = short.vector.map((value, i) => value + (long.vector[i] as number));
    expect(encoder.decodeSum(sum).clippedCount).toBe(1);
    expect([short.clipped, long.clipped]).toEqual([false, true]);
  });

  it('doubles the sensitivity when an account may be replaced', () => {
    const encoder = new UpdateEncoder({ dimension: 2, clippingNorm: 1 });
    expect(encoder.sensitivity('replace-one-user')).toBe(
      2 * encoder.sensitivity('zero-out-one-user'),
    );
    expect(encoder.sensitivity('add-or-remove-one-user')).toBe(encoder.integerSensitivity);
  });

  it.each([[[Number.NaN, 0]], [[0, Number.POSITIVE_INFINITY]]])('refuses %j', (values) => {
    const encoder = new UpdateEncoder({ dimension: 2, clippingNorm: 1 });
    expect(() => encoder.encode(values)).toThrow(
      expect.objectContaining({ code: 'federated/non-finite' }),
    );
  });

  it('refuses another shape', () => {
    const encoder = new UpdateEncoder({ dimension: 2, clippingNorm: 1 });
    expect(() => encoder.encode([1])).toThrow(
      expect.objectContaining({ code: 'federated/invalid-contribution' }),
    );
  });

  it.each([
    { dimension: 2, clippingNorm: 0 },
    { dimension: 2, clippingNorm: Number.POSITIVE_INFINITY },
    { dimension: 2, clippingNorm: 1, integerNorm: 0.5 },
    { dimension: 2, clippingNorm: 1, integerNorm: 2 ** 26 },
    { dimension: 2, clippingNorm: 1, clippingFlagWeight: -1 },
  ])('refuses %j', (options) => {
    expect(() => new UpdateEncoder(options)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });
});
