import { describe, expect, it } from 'vitest';
import { CborReader, CborWriter } from '../../src/core/cbor-stream.ts';

const nonCanonical = expect.objectContaining({ code: 'core/non-canonical' });

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** All that a reader says about one message. */
function reading(
  hex: string,
  method: 'array' | 'uint' | 'int' | 'float64' | 'text' | 'bytes' | 'bool',
) {
  const reader = new CborReader(bytes(hex));
  const value = reader[method]();
  reader.end();
  return value;
}

describe('CborWriter', () => {
  it.each([
    ['uint', 2 ** 53 + 2],
    ['uint', -1],
    ['uint', 1.5],
    ['uint', -0],
    ['uint', Number.NaN],
    ['uint', Number.POSITIVE_INFINITY],
    ['uint', '1'],
    ['int', 2 ** 53],
    ['int', -(2 ** 53)],
    ['int', 0.5],
    ['int', -0],
    ['int', Number.NaN],
    ['float64', -0],
    ['float64', Number.NaN],
    ['float64', undefined],
    ['text', '\uD800'],
    ['text', 'a\uDC00b'],
    ['text', `${'x'.repeat(100)}\uDBFF`],
    ['text', 1],
    ['bytes', [1, 2]],
    ['bool', 1],
  ] as const)('%s refuses %s', (method, value) => {
    const writer = new CborWriter();
    writer.begin();
    expect(() => (writer[method] as (value: unknown) => void)(value)).toThrow(nonCanonical);
  });

  it.each([-1, 1.5, Number.NaN])('refuses an array of %s items', (length) => {
    const writer = new CborWriter();
    writer.begin();
    expect(() => writer.array(length)).toThrow(RangeError);
  });

  it('writes whole numbers as integers and others as the shortest float', () => {
    const writer = new CborWriter();
    const hex = (value: number): string => {
      writer.begin();
      writer.float64(value);
      return Buffer.from(writer.finish()).toString('hex');
    };
    expect(hex(2)).toBe('02');
    expect(hex(1.5)).toBe('f93e00');
    expect(hex(2 ** 60)).toBe('fa5d800000');
    expect(hex(0.1)).toBe('fb3fb999999999999a');
    writer.begin();
    writer.uint(2 ** 53);
    expect(Buffer.from(writer.finish()).toString('hex')).toBe('1b0020000000000000');
  });

  it('knows how many items are still missing', () => {
    const writer = new CborWriter();
    expect(() => writer.uint(1)).toThrow(RangeError);
    expect(() => writer.finish()).toThrow(RangeError);
    writer.begin();
    expect(() => writer.finish()).toThrow(RangeError);
    writer.array(2);
    writer.array(0);
    expect(() => writer.finish()).toThrow(RangeError);
    writer.nil();
    expect(() => writer.nil()).toThrow(RangeError);
    expect([...writer.finish()]).toEqual([0x82, 0x80, 0xf6]);
    expect(() => writer.finish()).toThrow(RangeError);
  });

  it('goes on in the chunk after a message that was refused half-way', () => {
    const writer = new CborWriter();
    writer.begin();
    writer.uint(7);
    const first = writer.finish();
    writer.begin();
    writer.array(2);
    writer.text('given up');
    expect(() => writer.text('\uD800')).toThrow(nonCanonical);
    writer.begin();
    writer.uint(8);
    const second = writer.finish();
    expect([...first, ...second]).toEqual([7, 8]);
    expect(second.buffer).toBe(first.buffer);
    expect(second.byteOffset).toBe(first.byteOffset + 1);
  });
});

it('has room for long characters wherever the chunk ends', () => {
  const text = '水'.repeat(10);
  for (let left = 0; left < 60; left++) {
    const writer = new CborWriter();
    writer.begin();
    writer.array(2);
    writer.bytes(new Uint8Array(65_536 - 4 - left));
    writer.text(text);
    const reader = new CborReader(writer.finish());
    reader.array();
    reader.bytes();
    expect(reader.text()).toBe(text);
    reader.end();
  }
});

describe('CborReader', () => {
  it.each([
    ['uint', '1817'],
    ['uint', '1900ff'],
    ['uint', '1a0000ffff'],
    ['uint', '1b00000000ffffffff'],
    ['uint', '1b0020000000000001'],
    ['uint', '1b0020000000000002'],
    ['uint', '1bffffffffffffffff'],
    ['uint', '1c'],
    ['uint', '1f'],
    ['uint', '20'],
    ['uint', '18'],
    ['uint', '1b00200000000000'],
    ['uint', ''],
    ['uint', 'c001'],
    ['int', '3817'],
    ['int', '1b0020000000000000'],
    ['int', '3b001fffffffffffff'],
    ['int', 'f93c00'],
    ['int', ''],
    ['array', '9f'],
    ['array', '8201'],
    ['array', '9affffffff'],
    ['array', 'a0'],
    ['bytes', '5f'],
    ['bytes', '4201'],
    ['bytes', '5affffffff'],
    ['bytes', '580101'],
    ['bytes', '60'],
    ['text', '7f'],
    ['text', '6261'],
    ['text', '40'],
    ['text', '61ff'],
    ['text', '62c080'],
    ['text', '62c3'],
    ['text', '63eda080'],
    ['text', '64f4908080'],
    ['bool', 'f6'],
    ['bool', 'f7'],
    ['bool', ''],
    ['float64', 'f93c00'],
    ['float64', 'f97e00'],
    ['float64', 'f98000'],
    ['float64', 'f90000'],
    ['float64', 'fa3fc00000'],
    ['float64', 'fb3ff8000000000000'],
    ['float64', 'fb4340000000000000'],
    ['float64', 'f93c'],
    ['float64', 'fb3fb99999999999'],
    ['float64', 'f6'],
    ['float64', ''],
  ] as const)('%s refuses %s', (method, hex) => {
    // The method itself, not only the end of the message.
    const reader = new CborReader(bytes(hex));
    expect(() => reader[method]()).toThrow(nonCanonical);
  });

  it('reads 2^53, the most that units can be', () => {
    expect(reading('1b0020000000000000', 'uint')).toBe(2 ** 53);
    expect(reading('fa5a000000', 'float64')).toBe(2 ** 53);
    expect(reading('3b001ffffffffffffe', 'int')).toBe(-(2 ** 53 - 1));
  });

  it.each(['\uFEFF', '\uFEFFfeed', '水'.repeat(30), 'é'])('reads %j back as it is', (text) => {
    const writer = new CborWriter();
    writer.begin();
    writer.text(text);
    const reader = new CborReader(writer.finish());
    expect(reader.nextIsText()).toBe(true);
    expect(reader.text()).toBe(text);
    reader.end();
  });

  it('tells null and text from others without passing over them', () => {
    const reader = new CborReader(bytes('83f66101f6'));
    expect(reader.array()).toBe(3);
    expect(reader.nextIsText()).toBe(false);
    expect(reader.takeNil()).toBe(true);
    expect(reader.takeNil()).toBe(false);
    expect(reader.nextIsText()).toBe(true);
    expect(reader.text()).toBe('\x01');
    expect(reader.takeNil()).toBe(true);
    expect(reader.takeNil()).toBe(false);
    expect(reader.nextIsText()).toBe(false);
    reader.end();
  });
});
