import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lanes, packedLength, streamLength } from '../../../src/federated/secagg/lanes.ts';

/** The vector of a packed one, by big integers: another way to the same bits. */
function unpack(packed: Uint8Array, dimension: number, bits: number): bigint[] {
  let all = 0n;
  for (let i = packed.length - 1; i >= 0; i--) all = (all << 8n) | BigInt(packed[i] as number);
  return Array.from(
    { length: dimension },
    (_, i) => (all >> BigInt(i * bits)) & ((1n << BigInt(bits)) - 1n),
  );
}

function modulo(value: bigint, bits: number): bigint {
  return BigInt.asUintN(bits, value);
}

/** One coordinate of a stream of bytes. */
function word(stream: Uint8Array, i: number, bits: number): bigint {
  const view = new DataView(stream.buffer, stream.byteOffset);
  if (bits <= 16) return BigInt(view.getUint16(2 * i, true));
  return bits <= 32 ? BigInt(view.getUint32(4 * i, true)) : view.getBigUint64(8 * i, true);
}

const setting = fc
  .record({ bits: fc.integer({ min: 2, max: 64 }), dimension: fc.integer({ min: 1, max: 9 }) })
  .chain(({ bits, dimension }) => {
    const length = streamLength(dimension, bits);
    const stream = fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => new Uint8Array(bytes));
    // Zero words are where borrowing goes wrong.
    const sparse = stream.map((bytes) => bytes.map((byte, i) => (i % 8 < 4 ? 0 : byte)));
    return fc.record({
      bits: fc.constant(bits),
      dimension: fc.constant(dimension),
      values: fc.array(fc.maxSafeInteger(), { minLength: dimension, maxLength: dimension }),
      streams: fc.array(fc.oneof(stream, sparse), { maxLength: 3 }),
    });
  });

describe('lanes', () => {
  it('add, subtract and pack modulo 2^b as big integers do', () => {
    fc.assert(
      fc.property(setting, ({ bits, dimension, values, streams }) => {
        const lanes = new Lanes(dimension, bits);
        const expected = values.map(BigInt);
        lanes.addIntegers(Float64Array.from(values));
        for (const [s, stream] of streams.entries()) {
          const sign = s % 2 === 0 ? -1 : 1;
          lanes.addStream(stream, sign);
          for (let i = 0; i < dimension; i++) {
            expected[i] = (expected[i] as bigint) + BigInt(sign) * word(stream, i, bits);
          }
        }
        const packed = lanes.pack();
        expect(packed).toHaveLength(packedLength(dimension, bits));
        expect(unpack(packed, dimension, bits)).toEqual(expected.map((v) => modulo(v, bits)));

        // Twice the packed vector on top of the first: three times the values.
        lanes.addPacked(packed);
        lanes.addPacked(packed);
        expect(unpack(lanes.pack(), dimension, bits)).toEqual(
          expected.map((v) => modulo(3n * v, bits)),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('give signed integers back as they were', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 53 }).chain((bits) => {
          const half = 2 ** (bits - 1);
          return fc.record({
            bits: fc.constant(bits),
            values: fc.array(fc.integer({ min: -half, max: half - 1 }), { minLength: 1 }),
          });
        }),
        ({ bits, values }) => {
          const lanes = new Lanes(values.length, bits);
          lanes.addIntegers(Float64Array.from(values));
          expect([...lanes.centred()]).toEqual(values.map((v) => v + 0));
        },
      ),
    );
  });
});
