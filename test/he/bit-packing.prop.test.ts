import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBits, residueBits, unpackBits } from '../../src/he/bit-packing.ts';

describe('bit packing', () => {
  it('comes back, uses exactly the bytes promised, and lays bits out least significant first', () => {
    const input = fc.integer({ min: 1, max: 31 }).chain((bits) =>
      fc.tuple(
        fc.constant(bits),
        fc.array(fc.oneof(fc.nat(2 ** bits - 1), fc.constant(2 ** bits - 1)), {
          minLength: 32,
          maxLength: 96,
        }),
        fc.nat(7),
      ),
    );
    fc.assert(
      fc.property(input, ([bits, list, offset]) => {
        const values = Uint32Array.from(list.slice(0, list.length - (list.length % 32)));
        const bytes = (values.length * bits) / 8;
        const target = new Uint8Array(offset + bytes + 3).fill(0xaa);
        const view = new DataView(target.buffer);
        packBits(values, bits, view, offset);
        expect([...target.subarray(0, offset), ...target.subarray(offset + bytes)]).toEqual(
          new Array(offset + 3).fill(0xaa),
        );

        let stream = 0n;
        values.forEach((value, i) => {
          stream |= BigInt(value) << BigInt(i * bits);
        });
        for (let i = 0; i < bytes; i++) {
          expect(target[offset + i]).toBe(Number((stream >> BigInt(8 * i)) & 255n));
        }

        const back = new Uint32Array(values.length);
        unpackBits(view, offset, bits, back);
        expect(back).toEqual(values);
      }),
      { numRuns: 300 },
    );
  });

  it('knows how many bits a residue needs', () => {
    expect([2, 3, 4, 5, 12_289, 2 ** 20 + 1, 268_369_921].map(residueBits)).toEqual([
      1, 2, 2, 3, 14, 21, 28,
    ]);
  });
});
