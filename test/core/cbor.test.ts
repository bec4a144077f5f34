import { describe, expect, it } from 'vitest';
import { decodeCanonical, encodeCanonical } from '../../src/core/cbor.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const refusal = (path?: string): unknown =>
  expect.objectContaining({
    code: 'core/non-canonical',
    ...(path === undefined ? {} : { details: { path } }),
  });

describe('encodeCanonical', () => {
  it('gives equal values equal bytes, whatever the order of their keys', () => {
    const a = encodeCanonical({ b: 1, a: [true, null], aa: 'x' });
    const b = encodeCanonical({ aa: 'x', a: [true, null], b: 1 });
    expect(a).toEqual(b);
    expect(encodeCanonical(2.0)).toEqual(encodeCanonical(2));
  });

  it.each([
    ['NaN', { a: Number.NaN }, 'value.a'],
    ['negative zero', [0, -0], 'value[1]'],
    ['undefined', { a: { b: undefined } }, 'value.a.b'],
    ['a lone surrogate', 'a\ud800', 'value'],
    ['a lone surrogate in a key', { 'a\ud800': 1 }, 'value.a\ud800'],
    ['a hole', new Array(2), 'value[0]'],
    ['floats', new Float64Array(1), 'value'],
    ['a map', new Map(), 'value'],
    ['a date', new Date(0), 'value'],
    ['a function', () => 1, 'value'],
    ['a symbol', Symbol('a'), 'value'],
    ['an integer of 66 bits', 2n ** 64n, 'value'],
  ])('refuses %s and says where it is', (_, value, path) => {
    expect(() => encodeCanonical(value)).toThrow(refusal(path));
  });
});

describe('decodeCanonical', () => {
  it.each([
    ['cut short', '8201'],
    ['followed by more', '0101'],
    ['nothing', ''],
    ['a long integer', '1801'],
    ['a long length', '780161'],
    ['a long float', 'fb3ff8000000000000'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite string', '7f6161ff'],
    ['unsorted keys', 'a2616201616101'],
    ['duplicate keys', 'a2616101616102'],
    ['integer keys', 'a10102'],
    ['a tag', 'c074323031332d30332d32315432303a30343a30305a'],
    ['undefined', 'f7'],
    ['NaN', 'f97e00'],
    ['negative zero', 'f98000'],
    ['text that is no UTF-8', '61ff'],
    ['an array of 2^32 elements', '9affffffff'],
    ['nesting deeper than any stack', '81'.repeat(200_000)],
  ])('refuses %s', (_, hex) => {
    expect(() => decodeCanonical(bytes(hex))).toThrow(refusal());
  });

  it('keeps a key named __proto__ a key', () => {
    const value = decodeCanonical(bytes('a1695f5f70726f746f5f5fa1616101')) as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect('a' in value).toBe(false);
  });
});
