import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayeredEncoder } from '../../../src/federated/index.ts';

function squaredNorm(vector: Float64Array): bigint {
  return vector.reduce((sum, value) => sum + BigInt(value) * BigInt(value), 0n);
}

const layer = fc.record({
  width: fc.integer({ min: 1, max: 6 }),
  clippingNorm: fc.double({ min: 0.01, max: 100, noNaN: true }),
});
const value = fc.oneof(
  fc.double({ min: -1e300, max: 1e300, noNaN: true }),
  fc.double({ min: -2, max: 2, noNaN: true }),
);

describe('LayeredEncoder', () => {
  it('never passes the bound of a layer or of the whole, whatever comes in', () => {
    fc.assert(
      fc.property(
        fc.array(layer, { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(value),
        fc.constantFrom(0, 0.5),
        (widths, values, clippingFlagWeight) => {
          let next = 0;
          const layers = widths.map(({ width, clippingNorm }) => {
            const start = next;
            next += width;
            return { start, end: next, clippingNorm };
          });
          const encoder = new LayeredEncoder({ layers, clippingFlagWeight });
          const update = Array.from({ length: next }, () => values.next().value as number);
          const { vector } = encoder.encode(update);
          const unit = encoder.clippingNorm / encoder.integerNorm;
          for (const { start, end, clippingNorm } of layers) {
            const length = Math.sqrt(Number(squaredNorm(vector.subarray(start, end))));
            expect(length * unit).toBeLessThanOrEqual(clippingNorm * (1 + 1e-12));
          }
          expect(squaredNorm(vector)).toBeLessThanOrEqual(BigInt(encoder.integerSensitivity) ** 2n);
        },
      ),
      { numRuns: 500 },
    );
  });

  const layers = [
    { start: 0, end: 2, clippingNorm: 3 },
    { start: 2, end: 3, clippingNorm: 4 },
  ];

  it('has the joint norm, and clips each layer by itself', () => {
    const encoder = new LayeredEncoder({ layers });
    expect(encoder.clippingNorm).toBe(5);
    expect(encoder.sensitivity('replace-one-user')).toBe(2 * encoder.integerSensitivity);
    // The lattice rounds each layer down by less than a step.
    expect(5 * (encoder.integerSensitivity / encoder.integerNorm)).toBeGreaterThan(4.999);
    const { vector, clipped } = encoder.encode([30, 40, 1]);
    expect(clipped).toBe(true);
    const { sum } = encoder.decodeSum(vector);
    expect(sum[0]).toBeCloseTo(1.8, 3);
    expect(sum[1]).toBeCloseTo(2.4, 3);
    expect(sum[2]).toBeCloseTo(1, 3);
    expect(encoder.encode([1, 1, 1]).clipped).toBe(false);
  });

  it('counts an update once, however many of its layers were clipped', () => {
    const encoder = new LayeredEncoder({ layers, clippingFlagWeight: 0.5 });
    expect(encoder.decodeSum(encoder.encode([30, 40, 50]).vector).clippedCount).toBe(1);
    const target = new Float64Array(4).fill(7);
    encoder.encodeInto([0, 0, 0], target);
    expect([...target]).toEqual([0, 0, 0, 0]);
  });

  it('refuses NaN and other shapes', () => {
    const encoder = new LayeredEncoder({ layers });
    expect(() => encoder.encode([0, 0, Number.NaN])).toThrow(
      expect.objectContaining({ code: 'federated/non-finite' }),
    );
    expect(() => encoder.encode([0, 0])).toThrow(
      expect.objectContaining({ code: 'federated/invalid-contribution' }),
    );
    expect(() => encoder.encodeInto([0, 0, 0], new Float64Array(2))).toThrow(RangeError);
  });

  it.each([
    [[]],
    [[{ start: 1, end: 2, clippingNorm: 1 }]],
    [[{ start: 0, end: 0, clippingNorm: 1 }]],
    [[layers[0], { start: 3, end: 4, clippingNorm: 1 }]],
  ])('refuses the layers %j', (wrong) => {
    expect(() => new LayeredEncoder({ layers: wrong as typeof layers })).toThrow(RangeError);
  });

  it.each([0, Number.NaN, 1e-9])('refuses a layer of norm %d', (clippingNorm) => {
    const wrong = [...layers, { start: 3, end: 4, clippingNorm }];
    expect(() => new LayeredEncoder({ layers: wrong })).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });
});
