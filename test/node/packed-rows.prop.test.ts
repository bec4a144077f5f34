import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packRows, type Row, unpackRows } from '../../src/node/packed-rows.ts';

const number = fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER });
/** Views into larger buffers, at any offset. */
const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(8), fc.nat(8))
  .map(([all, from, less]) => all.subarray(from, Math.max(from, all.length - less)));
const rows = fc.integer({ min: 0, max: 3 }).chain((columns) =>
  fc.array(
    fc
      .tuple(number, fc.array(bytes, { minLength: columns, maxLength: columns }))
      .map(([first, rest]): Row => [first, ...rest]),
    { maxLength: 12 },
  ),
);

describe('packRows', () => {
  it('gives rows back as they were', () => {
    fc.assert(
      fc.property(rows, (before) => {
        const after = unpackRows(packRows(before));
        expect(
          after.map((row) => row.map((it) => (typeof it === 'number' ? it : [...it]))),
        ).toEqual(before.map((row) => row.map((it) => (typeof it === 'number' ? it : [...it]))));
      }),
    );
  });

  it('takes the bytes along and not the buffers they lie in', () => {
    const large = new Uint8Array(65_536).fill(7);
    const packed = packRows([[1, large.subarray(10, 20)]]);
    expect(packed.byteLength).toBeLessThan(100);
    large.fill(0);
    expect(unpackRows(packed)).toEqual([[1, new Uint8Array(10).fill(7)]]);
  });

  it('refuses rows of different widths', () => {
    expect(() => packRows([[1, new Uint8Array(1)], [2]])).toThrow(RangeError);
  });
});
