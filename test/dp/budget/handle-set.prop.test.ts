import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHandles,
  encodeHandles,
  type HandleList,
  positionsOf,
  sortedHandles,
} from '../../../src/dp/budget/handle-set.ts';

const MAX = 2 ** 32 - 1;

/** Distinct handles in any order: few and many, dense and far apart, near either end. */
const distinct = fc
  .tuple(
    fc.constantFrom(0, 1, 130, 70_000, 2 ** 31 - 20, MAX - 3000),
    fc.constantFrom(3000, 300, 60),
    fc.integer({ min: 1, max: 700_000 }),
    fc.uniqueArray(fc.nat(2999), { maxLength: 400, size: 'max' }),
  )
  .map(([low, width, stride, offsets]) => {
    const step = Math.max(1, Math.min(stride, Math.floor((MAX - low) / 3000)));
    return Uint32Array.from(new Set(offsets.map((offset) => low + step * (offset % width))));
  });

const ascending = distinct.map((handles) => handles.slice().sort());

/** The length of the gaps and of the bitmap, by their definition. */
function lengths(sorted: Uint32Array): { readonly gaps: number; readonly bitmap: number } {
  const varint = (value: number): number => Math.max(1, Math.ceil(value.toString(2).length / 7));
  let gaps = 0;
  let least = 0;
  for (const handle of sorted) {
    gaps += varint(handle - least);
    least = handle + 1;
  }
  const low = sorted[0] ?? 0;
  return { gaps, bitmap: varint(low) + Math.floor((least - 1 - low) / 8) + 1 };
}

describe('sortedHandles', () => {
  it('sorts numerically into an array of its own', () => {
    fc.assert(
      fc.property(distinct, (handles) => {
        const before = handles.slice();
        const sorted = sortedHandles(handles);
        expect([...(sorted as HandleList)]).toEqual([...handles].sort((a, b) => a - b));
        expect(sorted).not.toBe(handles);
        expect(handles).toEqual(before);
      }),
      { numRuns: 400 },
    );
  });

  it('is null when one appears twice, wherever that is', () => {
    fc.assert(
      fc.property(
        distinct.filter(({ length }) => length > 0),
        fc.nat(),
        fc.nat(),
        (handles, which, where) => {
          const twice = [...handles];
          twice.splice(where % (handles.length + 1), 0, handles[which % handles.length] as number);
          expect(sortedHandles(Uint32Array.from(twice))).toBeNull();
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each([2, 12, 13, 500, 40_000])(
    'leaves %s ascending handles as they are, in a copy',
    (count) => {
      const handles = Uint32Array.from({ length: count }, (_, i) => 3 * i);
      const sorted = sortedHandles(handles);
      expect(sorted).toEqual(handles);
      expect(sorted).not.toBe(handles);
    },
  );

  it('sorts a large set by bitmap and by value alike', () => {
    for (const stride of [1, 7, 100, 4000]) {
      const handles = Uint32Array.from(
        { length: 20_000 },
        (_, i) => stride * ((i * 7919) % 20_000),
      );
      expect(sortedHandles(handles)).toEqual(handles.slice().sort());
      handles[19_999] = handles[5] as number;
      expect(sortedHandles(handles)).toBeNull();
    }
  });
});

describe('encodeHandles', () => {
  it('is read back by decodeHandles and takes the shorter form', () => {
    let gapped = 0;
    let mapped = 0;
    fc.assert(
      fc.property(ascending, (handles) => {
        const bytes = encodeHandles(handles);
        expect(decodeHandles(bytes)).toEqual(handles);
        const { gaps, bitmap } = lengths(handles);
        const form = handles.length > 0 && bitmap < gaps ? 1 : 0;
        expect(bytes[0]).toBe(form);
        expect(bytes.length).toBe(1 + (form === 1 ? bitmap : gaps));
        if (form === 1) mapped++;
        else gapped++;
      }),
      { numRuns: 400 },
    );
    expect(Math.min(gapped, mapped)).toBeGreaterThan(20);
  });

  it('has one spelling: whatever bytes decode are those the handles encode to', () => {
    const start = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => {
        bytes[0] = (bytes[0] as number) & 1;
        return bytes;
      }),
      ascending.map((handles) => Uint8Array.from(encodeHandles(handles))),
    );
    let read = 0;
    fc.assert(
      fc.property(start, fc.nat(), fc.nat(255), (bytes, at, flip) => {
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ flip;
        let handles: Uint32Array;
        try {
          handles = decodeHandles(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'core/non-canonical' });
          return;
        }
        read++;
        expect(encodeHandles(handles)).toEqual(bytes);
      }),
      { numRuns: 1000 },
    );
    expect(read).toBeGreaterThan(300);
  });
});

describe('positionsOf', () => {
  it('names the positions of the subset in the order of the request', () => {
    fc.assert(
      fc.property(distinct, distinct, fc.nat(5), (handles, others, share) => {
        const subset = Uint32Array.from(
          new Set([...others, ...handles.filter((handle) => handle % 6 <= share)]),
        ).sort();
        const members = new Set(subset);
        const expected = [...handles.keys()].filter((i) => members.has(handles[i] as number));
        expect([...positionsOf(subset, handles)]).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
