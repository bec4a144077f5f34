import { describe, expect, it } from 'vitest';
import {
  decodeHandles,
  encodeHandles,
  positionsOf,
  sortedHandles,
} from '../../../src/dp/budget/handle-set.ts';

const MAX = 2 ** 32 - 1;
const malformed = expect.objectContaining({ code: 'core/non-canonical' });

function range(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, i) => from + i);
}

describe('encodeHandles', () => {
  it.each([
    ['nobody', [], [0]],
    ['the first', [0], [0, 0]],
    ['one of two bytes', [128], [0, 0x80, 0x01]],
    ['the last', [MAX], [0, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['gaps between neighbours', [5, 6, 300], [0, 5, 0, 0xa5, 0x02]],
    ['a bitmap from the lowest on', [3, 4, 6, 11, 12], [1, 3, 0b1011, 0b11]],
    ['gaps where both are as long', [0, 8, 9], [0, 0, 7, 0]],
  ])('%s', (_, handles, bytes) => {
    expect([...encodeHandles(Uint32Array.from(handles))]).toEqual(bytes);
    expect([...decodeHandles(Uint8Array.from(bytes))]).toEqual(handles);
  });

  it('takes an eighth of a byte a handle for a million in a row', () => {
    const handles = range(1000, 1_001_000);
    const bytes = encodeHandles(handles);
    expect(bytes.length).toBe(125_003);
    const decoded = decodeHandles(bytes);
    expect(decoded.length).toBe(1_000_000);
    expect(decoded.every((handle, i) => handle === handles[i])).toBe(true);
  });

  it('reaches the last handle in a bitmap', () => {
    const handles = Uint32Array.from({ length: 100 }, (_, i) => MAX - 99 + i);
    expect(encodeHandles(handles)[0]).toBe(1);
    expect(decodeHandles(encodeHandles(handles))).toEqual(handles);
  });

  it.each([[[2, 1]], [[1, 1]], [[0, 0, 5]]])('refuses %j, which is not ascending', (handles) => {
    expect(() => encodeHandles(Uint32Array.from(handles))).toThrow(RangeError);
  });
});

describe('decodeHandles', () => {
  it.each([
    ['no bytes', []],
    ['another form', [2, 0]],
    ['a gap cut short', [0, 5, 0x80]],
    ['a gap with an empty last byte', [0, 0x85, 0x00]],
    ['a gap of six bytes', [0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['a first handle over 2^32 - 1', [0, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['a second handle over 2^32 - 1', [0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]],
    ['gaps where a bitmap is shorter', [0, 0, 0, 0]],
    ['a bitmap where gaps are as short', [1, 0, 1]],
    ['a bitmap without a base', [1]],
    ['a bitmap without bits', [1, 3]],
    ['a bitmap whose base is no handle', [1, 3, 0b110]],
    ['a bitmap that ends empty', [1, 3, 0xff, 0]],
    ['a bitmap with a long base', [1, 0x83, 0x00, 0xff]],
    ['a bitmap that passes 2^32 - 1', [1, 0xf9, 0xff, 0xff, 0xff, 0x0f, 0xff]],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeHandles(Uint8Array.from(bytes))).toThrow(malformed);
  });
});

describe('sortedHandles', () => {
  it.each([
    [[], []],
    [[7], [7]],
    [
      [MAX, 0, 2 ** 31],
      [0, 2 ** 31, MAX],
    ],
  ])('%j is %j', (handles, sorted) => {
    expect([...(sortedHandles(Uint32Array.from(handles)) ?? ['twice'])]).toEqual(sorted);
  });

  it('sees at once that so many do not fit', () => {
    expect(sortedHandles(Uint32Array.from({ length: 100 }, (_, i) => i % 50))).toBeNull();
  });
});

describe('positionsOf', () => {
  it('is empty for an empty subset or request', () => {
    expect(positionsOf(new Uint32Array(0), range(0, 5)).length).toBe(0);
    expect(positionsOf(range(0, 5), new Uint32Array(0)).length).toBe(0);
  });

  it('finds handles beyond 2^31 and passes over those outside the subset on either side', () => {
    const subset = Uint32Array.from({ length: 40 }, (_, i) => 2 ** 31 - 20 + i);
    const request = Uint32Array.of(MAX, 2 ** 31 - 20, 0, 2 ** 31 + 19, 2 ** 31 + 20, 2 ** 31 - 21);
    expect([...positionsOf(subset, request)]).toEqual([1, 3]);
  });
});
