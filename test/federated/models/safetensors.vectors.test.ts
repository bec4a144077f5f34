import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../src/federated/models/safetensors.ts';

/** A file by hand from the description of the format: length, header, data. */
function file(header: string, data: readonly number[]): Uint8Array {
  const json = new TextEncoder().encode(header);
  const length = [json.length & 0xff, (json.length >> 8) & 0xff, 0, 0, 0, 0, 0, 0];
  return Uint8Array.of(...length, ...json, ...data);
}

/** One tensor of one type. */
function single(dtype: string, shape: string, data: readonly number[]): Uint8Array {
  return file(
    `{"x":{"dtype":"${dtype}","shape":${shape},"data_offsets":[0,${data.length}]}}`,
    data,
  );
}

/** Bytes of IEEE 754 and two's complement numbers, little-endian, worked out by hand. */
const TYPES: readonly [dtype: string, bytes: readonly number[], values: readonly unknown[]][] = [
  // 1 = 3ff0…, −2.5 = c004…
  ['F64', [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0x04, 0xc0], [1, -2.5]],
  // 1 = 3f800000, −0.15625 = be200000
  ['F32', [0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xbe], [1, -0.15625]],
  // 1 = 3c00, −65504 = fbff, 2⁻²⁴ = 0001, 0.333251953125 = 3555, ∞ = 7c00, −∞ = fc00, NaN = 7e00, −0 = 8000
  [
    'F16',
    [0, 0x3c, 0xff, 0xfb, 1, 0, 0x55, 0x35, 0, 0x7c, 0, 0xfc, 0, 0x7e, 0, 0x80],
    [1, -65504, 2 ** -24, 0.333251953125, Infinity, -Infinity, NaN, -0],
  ],
  // 1 = 3f80, −3.140625 = c049
  ['BF16', [0x80, 0x3f, 0x49, 0xc0], [1, -3.140625]],
  [
    'I64',
    [0, 0, 0, 0, 0, 0, 0, 0x80, 0xfe, 255, 255, 255, 255, 255, 255, 255],
    [-(2n ** 63n), -2n],
  ],
  ['I32', [0, 0, 0, 0x80, 0xd2, 2, 0x96, 0x49], [-(2 ** 31), 1_234_567_890]],
  ['I8', [0x80, 0x7f], [-128, 127]],
  ['U8', [0, 255], [0, 255]],
];

describe('safetensors', () => {
  it.each(TYPES)('reads %s', (dtype, bytes, values) => {
    const { tensors } = decodeSafetensors(single(dtype, `[${values.length}]`, bytes));
    expect([...(tensors.get('x')?.values ?? [])]).toEqual(values);
  });

  it('reads two tensors, metadata, spaces and offsets in any order', () => {
    const header =
      '{"b":{"shape":[2,1],"data_offsets":[4,6],"dtype":"I8"}, "__metadata__":{"k":"\\u00e9"},' +
      '"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F64","shape":[0,3],"data_offsets":[4,4]}}  ';
    const { tensors, metadata } = decodeSafetensors(file(header, [0, 0, 0x80, 0x3f, 5, 0xfb]));
    expect([...tensors.keys()]).toEqual(['a', 'e', 'b']);
    expect(tensors.get('a')).toEqual({ shape: [], values: Float32Array.of(1) });
    expect(tensors.get('b')).toEqual({ shape: [2, 1], values: Int8Array.of(5, -5) });
    expect(tensors.get('e')).toEqual({ shape: [0, 3], values: new Float64Array(0) });
    expect([...metadata]).toEqual([['k', 'é']]);
  });

  it('writes exactly these bytes', () => {
    const header =
      '{"__metadata__":{"a":"1","b":"2"},' +
      '"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},' +
      '"u":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},' +
      '"z":{"dtype":"U8","shape":[1,1],"data_offsets":[16,17]}}';
    const data = [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xbe, 7];
    const written = encodeSafetensors({
      tensors: new Map([
        ['z', { shape: [1, 1], values: Uint8Array.of(7) }],
        ['u', { shape: [2], values: Float32Array.of(1, -0.15625) }],
        ['w', { shape: [1], values: Float64Array.of(1) }],
      ]),
      metadata: new Map([
        ['b', '2'],
        ['a', '1'],
      ]),
    });
    const padding = ' '.repeat((8 - (header.length % 8)) % 8);
    expect([...written]).toEqual([...file(header + padding, data)]);
    expect((8 + header.length + padding.length) % 8).toBe(0);
  });

  const one = '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}';
  const refused: readonly [why: string, bytes: Uint8Array][] = [
    ['nothing at all', new Uint8Array(0)],
    ['seven bytes', new Uint8Array(7)],
    ['an empty header', new Uint8Array(8)],
    ['a header longer than the file', Uint8Array.of(50, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d)],
    ['a header of 2^63 bytes', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80, 0x7b, 0x7d)],
    ['a space before the header', file(' {}', [])],
    ['a list', file('[]', [])],
    ['no JSON', file('{"x":}', [])],
    ['text after the JSON', file('{}x', [])],
    ['no UTF-8', Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0xfe, 0x7d)],
    ['a tensor twice', file(`{"x":${one},"x":${one}}`, [1])],
    ['a tensor twice in two spellings', file(`{"x":${one},"\\u0078":${one}}`, [1])],
    [
      'a field twice',
      file('{"x":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', [1]),
    ],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}', [])],
    ['metadata that is no text', file('{"__metadata__":{"a":1}}', [])],
    ['metadata that is a list', file('{"__metadata__":[]}', [])],
    ['an unknown type', single('F8_E4M3', '[1]', [0])],
    ['a type of the prototype', single('constructor', '[1]', [0])],
    ['a negative length', single('U8', '[-1]', [0])],
    ['half a length', single('U8', '[0.5]', [0])],
    ['a product beyond 2^53', single('U8', '[4294967296,4294967296]', [0])],
    ['a shape that is no list', single('U8', '1', [0])],
    ['too few bytes for the shape', single('F32', '[2]', [0, 0, 0, 0])],
    ['too many bytes for the shape', single('F32', '[1]', [0, 0, 0, 0, 0, 0, 0, 0])],
    ['bytes left over', file(`{"x":${one}}`, [1, 2])],
    ['bytes missing', file(`{"x":${one}}`, [])],
    ['a gap', file(`{"x":${one},"y":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, [1, 2, 3])],
    [
      'an overlap',
      file(
        '{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        [1, 2, 3],
      ),
    ],
    [
      'a begin that is not 0',
      file('{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', [1, 2]),
    ],
    ['three offsets', file('{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', [1])],
    ['an offset before 0', file('{"x":{"dtype":"U8","shape":[2],"data_offsets":[-1,1]}}', [1])],
    ['an unknown field', file('{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"y":0}}', [1])],
    ['a tensor that is null', file('{"x":null}', [])],
  ];
  it.each(refused)('refuses %s', (_, bytes) => {
    expect(() => decodeSafetensors(bytes)).toThrow(
      expect.objectContaining({ code: 'federated/invalid-model-file' }),
    );
  });

  it('refuses a header over the limit before it looks at it', () => {
    const bytes = file(`{"__metadata__":{"k":"${'v'.repeat(100)}"}}`, []);
    expect(decodeSafetensors(bytes).metadata.get('k')).toHaveLength(100);
    expect(() => decodeSafetensors(bytes, { maximumHeaderLength: 100 })).toThrow('at most 100');
  });

  it('refuses to write what could not be read', () => {
    const metadata = new Map<string, string>();
    const x = { shape: [1], values: Uint8Array.of(1) };
    for (const [name, tensor] of [
      ['__metadata__', x],
      ['\ud800', x],
      ['x', { ...x, shape: [2] }],
      ['x', { ...x, shape: [-1] }],
    ] as const) {
      expect(() => encodeSafetensors({ tensors: new Map([[name, tensor]]), metadata })).toThrow(
        expect.objectContaining({ code: 'federated/invalid-model-file' }),
      );
    }
    expect(() =>
      encodeSafetensors({ tensors: new Map(), metadata: new Map([['a', '\udc00']]) }),
    ).toThrow(expect.objectContaining({ code: 'federated/invalid-model-file' }));
  });
});
