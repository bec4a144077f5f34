import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../../src/core/errors.ts';
import { decodeNpy } from '../../../src/federated/models/npy.ts';

/** A file by hand from the description of the format (NEP 1): signature, version, length, header, data. */
function npy(header: string, data: readonly number[], version = 1): Uint8Array {
  const text = [...header].map((character) => character.charCodeAt(0));
  const length =
    version === 1
      ? [text.length & 0xff, text.length >> 8]
      : [text.length & 0xff, (text.length >> 8) & 0xff, text.length >> 16, 0];
  return Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...data);
}

/** The header as NumPy writes it: padded with spaces to a multiple of 64, a line feed last. */
function numpyHeader(descr: string, shape: string, fortran = 'False'): string {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  return `${text.padEnd(117, ' ')}\n`;
}

const refusal = expect.objectContaining({ code: 'federated/invalid-model-file' });

describe('.npy', () => {
  const cases: readonly [string, readonly number[], readonly unknown[]][] = [
    ['<f4', [0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xbe], [1, -0.15625]],
    ['>f4', [0x3f, 0x80, 0, 0, 0xbe, 0x20, 0, 0], [1, -0.15625]],
    ['<f8', [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0x04, 0xc0], [1, -2.5]],
    ['<f2', [0, 0x3c, 0xff, 0xfb], [1, -65504]],
    ['<i8', [1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 255, 255, 255, 255, 255, 255, 255], [1n, -2n]],
    ['<i4', [0, 0, 0, 0x80, 1, 0, 0, 0], [-(2 ** 31), 1]],
    ['|i1', [0x80, 0x7f], [-128, 127]],
    ['|u1', [0, 255], [0, 255]],
  ];
  it.each(cases)('reads %s', (descr, data, values) => {
    for (const version of [1, 2, 3]) {
      const { shape, values: read } = decodeNpy(npy(numpyHeader(descr, '(2,)'), data, version));
      expect(shape).toEqual([2]);
      expect([...read]).toEqual(values);
    }
  });

  it('reads keys in any order, double quotes and a dictionary without a last comma', () => {
    const header = '{"shape":(1,2),"fortran_order":False,"descr":"|u1"}';
    expect(decodeNpy(npy(header, [3, 4]))).toEqual({ shape: [1, 2], values: Uint8Array.of(3, 4) });
  });

  it('reads a single number and an empty array', () => {
    expect(decodeNpy(npy(numpyHeader('|u1', '()'), [9]))).toEqual({
      shape: [],
      values: Uint8Array.of(9),
    });
    expect(decodeNpy(npy(numpyHeader('<f4', '(0, 3)'), []))).toEqual({
      shape: [0, 3],
      values: new Float32Array(0),
    });
  });

  it('turns column-major into row-major', () => {
    // [[1, 2, 3], [4, 5, 6]] lies as 1 4 2 5 3 6.
    expect(decodeNpy(npy(numpyHeader('|u1', '(2, 3)', 'True'), [1, 4, 2, 5, 3, 6]))).toEqual({
      shape: [2, 3],
      values: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
    // a[i, j, k] = 100 i + 10 j + k, the first index fastest.
    const lengths = [2, 3, 4] as const;
    const columnMajor: number[] = [];
    const rowMajor: number[] = [];
    for (let k = 0; k < 4; k++) {
      for (let j = 0; j < 3; j++) {
        for (let i = 0; i < 2; i++) {
          columnMajor.push(100 * i + 10 * j + k);
          rowMajor[(i * lengths[1] + j) * lengths[2] + k] = 100 * i + 10 * j + k;
        }
      }
    }
    const read = decodeNpy(npy(numpyHeader('|u1', '(2, 3, 4)', 'True'), columnMajor));
    expect([...read.values]).toEqual(rowMajor);
  });

  const refused: readonly [string, Uint8Array][] = [
    ['nothing', new Uint8Array(0)],
    [
      'another signature',
      Uint8Array.of(...'PK\u0003\u0004......'.split('').map((c) => c.charCodeAt(0))),
    ],
    ['version 4', npy(numpyHeader('|u1', '(1,)'), [1], 4)],
    ['a header cut short', npy(numpyHeader('|u1', '(1,)'), [1]).subarray(0, 40)],
    ['a version 2 file of eleven bytes', npy('', [], 2).subarray(0, 11)],
    ['objects', npy(numpyHeader('|O', '(1,)'), [0, 0, 0, 0, 0, 0, 0, 0])],
    ['text', npy(numpyHeader('<U1', '(1,)'), [0, 0, 0, 0])],
    ['complex numbers', npy(numpyHeader('<c8', '(1,)'), [0, 0, 0, 0, 0, 0, 0, 0])],
    [
      'records',
      npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 0]),
    ],
    ['wide numbers without byte order', npy(numpyHeader('|f4', '(1,)'), [0, 0, 0, 0])],
    ['too little data', npy(numpyHeader('<f4', '(2,)'), [0, 0, 0, 0])],
    ['too much data', npy(numpyHeader('<f4', '(1,)'), [0, 0, 0, 0, 0])],
    ['a shape that is a number', npy(numpyHeader('|u1', '(1)'), [1])],
    ['a negative length', npy(numpyHeader('|u1', '(-1,)'), [1])],
    ['an empty length', npy(numpyHeader('|u1', '(1,,1)'), [1])],
    ['a product beyond 2^53', npy(numpyHeader('|u1', '(99999999, 99999999, 99999999)'), [1])],
    ['33 dimensions', npy(numpyHeader('|u1', `(${'1,'.repeat(33)})`), [1])],
    [
      'a key twice',
      npy("{'shape': (1,), 'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", [1]),
    ],
    ['a key missing', npy("{'descr': '|u1', 'fortran_order': False, }", [1])],
    [
      'another key',
      npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'x': (1,), }", [1]),
    ],
    ['no dictionary', npy("['descr': '|u1', 'fortran_order': False, 'shape': (1,), }", [1])],
    ['code', npy("{'descr': '|u1', 'fortran_order': False, 'shape': (__import__('os'),), }", [1])],
  ];
  it.each(refused)('refuses %s', (_, bytes) => {
    expect(() => decodeNpy(bytes)).toThrow(refusal);
  });

  it('answers damaged files with an array or the coded refusal, nothing else', () => {
    const whole = npy(numpyHeader('<f4', '(2,)'), [0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xbe]);
    let refusals = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(70), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.nat(3),
        (damage, cut) => {
          const bytes = whole.slice(0, whole.length - cut);
          for (const [at, byte] of damage) bytes[at] = byte;
          try {
            decodeNpy(bytes);
          } catch (error) {
            if (!(error instanceof VelaturaError)) throw error;
            expect(error.code).toBe('federated/invalid-model-file');
            refusals++;
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(refusals).toBeGreaterThan(1000);
  });
});
