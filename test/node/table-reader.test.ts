import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { readTable } from '../../src/node/table-reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-tables-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const HEADER = ['user', 'n_bag', 'weekend'];
const ROWS = [
  ['a', '3', '1'],
  ['b', '0.25', '0'],
];
const JSONL = '{"user":"a","n_bag":3,"weekend":true}\n{"user":"b","n_bag":0.25,"weekend":false}\n';

function parquet(columns: Parameters<typeof parquetWriteBuffer>[0]['columnData']): Uint8Array {
  return new Uint8Array(parquetWriteBuffer({ columnData: columns }));
}

describe('readTable', () => {
  it.each([
    ['t.csv', 'user,n_bag,weekend\na,3,1\nb,0.25,0\n'],
    ['t.csv.gz', gzipSync('user,n_bag,weekend\na,3,1\nb,0.25,0\n')],
    ['t.jsonl', JSONL],
    ['t.ndjson', `\uFEFF${JSONL.replaceAll('\n', '\r\n\n')}`],
    ['T.JSONL.GZ', gzipSync(JSONL)],
    [
      't.parquet',
      parquet([
        { name: 'user', data: ['a', 'b'], type: 'STRING' },
        { name: 'n_bag', data: [3, 0.25], type: 'DOUBLE' },
        { name: 'weekend', data: [true, false], type: 'BOOLEAN' },
      ]),
    ],
  ])('reads %s as the same table', async (name, content) => {
    const table = await readTable(file(name, content));
    expect(table.header).toEqual(HEADER);
    expect(table.rows).toEqual(ROWS);
  });

  it('names lines of JSON by their place in the file, blank lines counted', async () => {
    const table = await readTable(file('lines.jsonl', '{"a":1}\n\n{"a":2}\n'));
    expect([...table.lines]).toEqual([1, 3]);
  });

  it('leaves empty what is null, missing or nested, and keeps integers beyond 2^53', async () => {
    const table = await readTable(file('gaps.jsonl', '{"a":null,"b":[1]}\n{"c":"x"}\n'));
    expect(table.header).toEqual(['a', 'b', 'c']);
    expect(table.rows).toEqual([
      ['', '', ''],
      ['', '', 'x'],
    ]);
    const big = await readTable(
      file('big.parquet', parquet([{ name: 'id', data: [9007199254740993n], type: 'INT64' }])),
    );
    expect(big.rows).toEqual([['9007199254740993']]);
  });

  it('does not take a column called __proto__ for anything else', async () => {
    const table = await readTable(file('proto.jsonl', '{"__proto__":5,"a":1}\n{"a":2}\n'));
    expect(table.rows).toEqual([
      ['5', '1'],
      ['', '2'],
    ]);
  });

  it.each([
    ['missing.jsonl', null, 'data/missing-file'],
    ['empty.jsonl', '', 'data/empty'],
    ['blank.jsonl', '\n \n', 'data/empty'],
    ['cut.jsonl', '{"a":1}\n{"a":', 'data/truncated'],
    ['bad.jsonl', 'nonsense\n{"a":1}\n', 'data/invalid-value'],
    ['list.jsonl', '[1,2]\n', 'data/invalid-value'],
    ['cut.jsonl.gz', gzipSync(JSONL).subarray(0, 20), 'data/truncated'],
    ['no.parquet', 'PAR1 and then nothing', 'data/truncated'],
    ['empty.parquet', '', 'data/empty'],
    ['rows.parquet', parquet([{ name: 'a', data: [], type: 'DOUBLE' }]), 'data/empty'],
    [
      'twice.parquet',
      parquet([
        { name: 'a', data: [1], type: 'DOUBLE' },
        { name: 'a', data: [2], type: 'DOUBLE' },
      ]),
      'data/invalid-value',
    ],
    ['twice.csv', 'a,a\n1,2\n', 'data/invalid-value'],
    ['table.xlsx', 'x', 'data/invalid-value'],
  ])('refuses %s', async (name, content, code) => {
    const path = content === null ? join(folder, name) : file(name, content);
    await expect(readTable(path)).rejects.toMatchObject({ code, details: { file: path } });
  });

  it('refuses every cut of a Parquet file with a coded error', async () => {
    const whole = parquet([{ name: 'n', data: Float64Array.from({ length: 50 }), type: 'DOUBLE' }]);
    for (let length = 1; length < whole.length; length += 7) {
      const path = file('cut.parquet', whole.subarray(0, length));
      await expect(readTable(path)).rejects.toMatchObject({ code: 'data/truncated' });
    }
  });

  it('never quotes the data in a message', async () => {
    const error = await readTable(file('secret.jsonl', '{"user": hunter2}\n')).catch((e) => e);
    expect(String(error)).not.toContain('hunter2');
  });
});
