import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Column } from '../../../src/dp/budget/column.ts';

const WIDTHS = [1, 3] as const;
/** Around the borders of chunks, and far apart. */
const handle = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 1000, max: 3100 }),
  fc.integer({ min: 0, max: 1e6 }),
);
const handles = fc
  .uniqueArray(handle, { minLength: 1, maxLength: 40 })
  .map((list) => Uint32Array.from(list).sort());
const units = fc.integer({ min: -1000, max: 1000 });

describe.each(WIDTHS)('a column of width %i', (width) => {
  const charge = fc.record({
    handles,
    amounts: fc
      .array(units, { minLength: width, maxLength: width })
      .map((list) => Float64Array.from(list)),
    factor: fc.constantFrom(1 as const, -1 as const),
  });

  function filled(
    charges: readonly { handles: Uint32Array; amounts: Float64Array; factor: 1 | -1 }[],
  ) {
    const column = new Column(width);
    const sums = new Map<number, number[]>();
    for (const { handles: list, amounts, factor } of charges) {
      column.add(list, amounts, factor);
      for (const each of list) {
        const sum = sums.get(each) ?? new Array<number>(width).fill(0);
        sums.set(
          each,
          sum.map((value, k) => value + factor * (amounts[k] as number)),
        );
      }
    }
    return { column, sums };
  }

  it('holds the sums of all charges, and nothing of others', () => {
    fc.assert(
      fc.property(fc.array(charge, { maxLength: 12 }), handle, (charges, other) => {
        const { column, sums } = filled(charges);
        for (const [each, sum] of sums) {
          for (let k = 0; k < width; k++) expect(column.get(each, k)).toBe(sum[k]);
        }
        if (!sums.has(other)) expect(column.get(other)).toBe(0);
      }),
    );
  });

  it('fits exactly those who have spent no more than their room', () => {
    fc.assert(
      fc.property(
        fc.array(charge, { maxLength: 8 }),
        handles,
        units,
        units,
        (charges, asked, a, b) => {
          const { column, sums } = filled(charges);
          const rooms = [a, b].map((room) => new Float64Array(width).fill(room));
          const fits = (of: (each: number) => number): boolean =>
            [...asked].every((each) => {
              const sum = sums.get(each) ?? new Array<number>(width).fill(0);
              return sum.every((value) => value <= ([a, b][of(each)] as number));
            });
          for (const of of [(each: number) => each % 2, () => 0]) {
            expect(column.fits(asked, (each) => rooms[of(each)] as Float64Array)).toBe(fits(of));
          }
          if (width === 1) expect(column.fitsUniform(asked, a)).toBe(fits(() => 0));
        },
      ),
    );
  });

  it('is the same when put together from its chunks', () => {
    fc.assert(
      fc.property(fc.array(charge, { maxLength: 8 }), (charges) => {
        const { column, sums } = filled(charges);
        const copy = new Column(width);
        for (const [index, rows] of column.chunks()) copy.setChunk(index, rows.slice());
        for (const each of sums.keys()) {
          for (let k = 0; k < width; k++) expect(copy.get(each, k)).toBe(column.get(each, k));
        }
      }),
    );
  });
});

it('fits nobody into a room that is no number', () => {
  const column = new Column(1);
  column.add(Uint32Array.of(5), Float64Array.of(1), 1);
  for (const asked of [Uint32Array.of(5), Uint32Array.of(9000)]) {
    expect(column.fits(asked, () => Float64Array.of(Number.NaN))).toBe(false);
    expect(column.fitsUniform(asked, Number.NaN)).toBe(false);
  }
});

it('becomes infinite where sums are no longer exact', () => {
  const column = new Column(1);
  const handles = Uint32Array.of(3);
  column.add(handles, Float64Array.of(2 ** 53 - 1), 1);
  expect(column.get(3)).toBe(2 ** 53 - 1);
  column.add(handles, Float64Array.of(1), 1);
  column.add(handles, Float64Array.of(5), -1);
  expect(column.get(3)).toBe(Number.POSITIVE_INFINITY);
});
