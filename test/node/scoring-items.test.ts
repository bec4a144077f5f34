import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../../src/federated/index.ts';
import { readItems } from '../../src/node/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-items-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function npy(type: string, shape: string, data: Uint8Array): Uint8Array {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
  const header = `${text.padEnd(117)}\n`;
  return Uint8Array.of(
    0x93,
    ...Buffer.from('NUMPY'),
    1,
    0,
    118,
    0,
    ...Buffer.from(header),
    ...data,
  );
}

const VALUES = Float32Array.of(0.5, -0.25, 1, 0, 0.125, 3);
const FLOATS = new Uint8Array(VALUES.buffer);
const two = { shape: [2, 3], values: VALUES };
const metadata = new Map<string, string>();

describe('items from a file', () => {
  it.each<[string, () => string, object?]>([
    ['a NumPy array', () => file('items.npy', npy('<f4', '2, 3', FLOATS))],
    [
      'the only tensor of a safetensors file',
      () =>
        file('one.safetensors', encodeSafetensors({ tensors: new Map([['w', two]]), metadata })),
    ],
    [
      'a named tensor among others',
      () => {
        const other = { shape: [1], values: Float32Array.of(7) };
        const tensors = new Map([
          ['bias', other],
          ['items', two],
        ]);
        return file('two.safetensors', encodeSafetensors({ tensors, metadata }));
      },
      { tensor: 'items' },
    ],
    [
      'columns of a Parquet file',
      () => {
        const columnData = [0, 1, 2].map((f) => ({
          name: `f${f}`,
          data: Float64Array.of(VALUES[f] as number, VALUES[f + 3] as number),
          type: 'DOUBLE' as const,
        }));
        const names = { name: 'id', data: ['a', 'b'], type: 'STRING' as const };
        const bytes = new Uint8Array(parquetWriteBuffer({ columnData: [names, ...columnData] }));
        return file('items.parquet', bytes);
      },
      { columns: ['f0', 'f1', 'f2'] },
    ],
    ['a CSV file', () => file('items.csv', 'a,b,c\n0.5,-0.25,1\n0,0.125,3\n')],
  ])('reads %s', async (_, path, options) => {
    expect(await readItems(path(), options)).toEqual({ items: VALUES, dimensions: 3 });
  });

  it('reads bytes as numbers', async () => {
    const path = file(
      'bytes.npy',
      npy('|i1', '3, 2', Uint8Array.from(Int8Array.of(1, -2, 127, -127, 0, 5))),
    );
    const items = Float32Array.of(1, -2, 127, -127, 0, 5);
    expect(await readItems(path)).toEqual({ items, dimensions: 2 });
  });

  it.each<[string, () => string, string, object?]>([
    ['nothing there', () => join(folder, 'nowhere.npy'), 'data/missing-file'],
    ['another ending', () => file('items.txt', '1'), 'data/invalid-value'],
    ['one dimension', () => file('flat.npy', npy('<f4', '6,', FLOATS)), 'data/invalid-value'],
    ['no rows', () => file('none.npy', npy('<f4', '0, 3', new Uint8Array())), 'data/invalid-value'],
    [
      'a cut array',
      () => file('cut.npy', npy('<f4', '2, 3', FLOATS.subarray(1))),
      'federated/invalid-model-file',
    ],
    [
      'a column that is missing',
      () => file('two.csv', 'a,b\n1,2\n'),
      'data/missing-column',
      { columns: ['c'] },
    ],
    ['text in a cell', () => file('text.csv', 'a,b\n1,x\n'), 'data/invalid-value'],
    [
      'a tensor that is not there',
      () =>
        file('named.safetensors', encodeSafetensors({ tensors: new Map([['w', two]]), metadata })),
      'data/invalid-value',
      { tensor: 'v' },
    ],
  ])('refuses %s', async (_, path, code, options) => {
    await expect(readItems(path(), options)).rejects.toMatchObject({ code });
  });
});
