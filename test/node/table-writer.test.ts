import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { afterAll, describe, expect, it } from 'vitest';
import {
  TABLE_FORMATS,
  type TableColumn,
  type TableFormat,
  type TableRow,
  writeTable,
} from '../../src/node/table-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-table-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const fresh = (): string => join(folder, `table-${files++}`);

const COLUMNS: readonly TableColumn[] = [
  { name: 'name', kind: 'text' },
  { name: 'count', kind: 'integer' },
  { name: 'epsilon', kind: 'number' },
  { name: 'frozen', kind: 'flag' },
  { name: 'time', kind: 'time' },
];
const NOON = Date.UTC(2026, 10, 22, 12);
const ROWS: readonly TableRow[] = [
  { name: 'plain', count: 1, epsilon: 0.1 + 0.2, frozen: true, time: NOON },
  {
    name: 'a "quoted", b\r\nnext line',
    count: 2 ** 52 + 1,
    epsilon: 5e-324,
    frozen: false,
    time: 0,
  },
  { name: '', count: -3, epsilon: -1e300, frozen: null, time: NOON + 1 },
  { name: ' blanks ', count: null, epsilon: null, frozen: null, time: null },
  { name: '=1+1 ✓ 雨', count: 0, epsilon: Number.POSITIVE_INFINITY },
];

function bytesOf(path: string): ArrayBuffer {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

async function written(
  format: TableFormat,
  rows: AsyncIterable<TableRow> | Iterable<TableRow>,
): Promise<string> {
  const path = fresh();
  await writeTable(path, COLUMNS, rows, { format });
  return path;
}

describe('writeTable', () => {
  it('CSV comes back through another reader, with nothing and empty text told apart', async () => {
    const text = readFileSync(await written('csv', ROWS), 'utf8');
    const [header, ...records] = parse(text) as string[][];
    expect(header).toEqual(COLUMNS.map(({ name }) => name));
    const names = ROWS.map(({ name }) => (name === '=1+1 ✓ 雨' ? `'${name}` : name));
    expect(records.map((record) => record[0])).toEqual(names);
    expect(records.map((record) => Number(record[2] === '' ? Number.NaN : record[2]))).toEqual([
      0.1 + 0.2,
      5e-324,
      -1e300,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]);
    expect(records[0]).toEqual([
      'plain',
      '1',
      '0.30000000000000004',
      'true',
      '2026-11-22T12:00:00.000Z',
    ]);
    expect(records[1]?.[1]).toBe('4503599627370497');
    expect(text).toContain('\n"",-3,');
    expect(text).toContain('\n" blanks ",,,,\n');
  });

  it('CSV holds nothing that a spreadsheet would run, and numbers as numbers', async () => {
    const formulas = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://x","y")'];
    const plain = ['a=1', ' =1', "'=1", '1-1', '\n'];
    const rows = [...formulas, ...plain].map((name) => ({ name, count: -3, epsilon: -0.5 }));
    const [, ...records] = parse(readFileSync(await written('csv', rows), 'utf8')) as string[][];
    expect(records.map(([name]) => name)).toEqual([
      ...formulas.map((text) => `'${text}`),
      ...plain,
    ]);
    expect(new Set(records.map(([, count]) => count))).toEqual(new Set(['-3']));
    expect(new Set(records.map(([, , epsilon]) => epsilon))).toEqual(new Set(['-0.5']));
    const json: TableRow[] = JSON.parse(readFileSync(await written('json', rows), 'utf8'));
    expect(json.map(({ name }) => name)).toEqual([...formulas, ...plain]);
  });

  it('JSON is one document with the same values', async () => {
    const path = await written('json', ROWS);
    const document: TableRow[] = JSON.parse(readFileSync(path, 'utf8'));
    expect(document).toHaveLength(ROWS.length);
    expect(document[0]).toEqual({ ...ROWS[0], time: '2026-11-22T12:00:00.000Z' });
    expect(document[1]?.['name']).toBe(ROWS[1]?.['name']);
    expect(document[3]).toEqual({
      name: ' blanks ',
      count: null,
      epsilon: null,
      frozen: null,
      time: null,
    });
    expect(document[4]).toMatchObject({ epsilon: 'Infinity', frozen: null, time: null });
  });

  it('Parquet comes back typed', async () => {
    const file = bytesOf(await written('parquet', ROWS));
    const rows = await parquetReadObjects({ file });
    expect(rows.map(({ name }) => name)).toEqual(ROWS.map(({ name }) => name));
    expect(rows.map(({ count }) => count)).toEqual([1n, 2n ** 52n + 1n, -3n, null, 0n]);
    expect(rows.map(({ epsilon }) => epsilon)).toEqual([
      0.1 + 0.2,
      5e-324,
      -1e300,
      null,
      Number.POSITIVE_INFINITY,
    ]);
    expect(rows.map(({ frozen }) => frozen)).toEqual([true, false, null, null, null]);
    expect(rows[0]?.['time']).toEqual(new Date(NOON));
    expect(rows[2]?.['time']).toEqual(new Date(NOON + 1));
    const types = parquetMetadata(file)
      .schema.slice(1)
      .map(({ type, converted_type }) => [type, converted_type]);
    expect(types).toEqual([
      ['BYTE_ARRAY', 'UTF8'],
      ['INT64', undefined],
      ['DOUBLE', undefined],
      ['BOOLEAN', undefined],
      ['INT64', 'TIMESTAMP_MILLIS'],
    ]);
  });

  it.each(TABLE_FORMATS)('%s: a table without rows is still one', async (format) => {
    const path = await written(format, []);
    if (format === 'csv')
      expect(readFileSync(path, 'utf8')).toBe('name,count,epsilon,frozen,time\n');
    if (format === 'json') expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual([]);
    if (format === 'parquet') {
      expect(await parquetReadObjects({ file: bytesOf(path) })).toEqual([]);
      expect(parquetMetadata(bytesOf(path)).schema).toHaveLength(COLUMNS.length + 1);
    }
  });

  it.each(TABLE_FORMATS)(
    '%s: 150,000 rows from a stream, in order, with progress',
    async (format) => {
      const path = fresh();
      const rows = async function* (): AsyncGenerator<TableRow> {
        for (let i = 0; i < 150_000; i++) {
          yield { name: i % 3 === 0 ? null : `scene "${i % 7}"`, count: i, epsilon: i / 8 };
        }
      };
      const seen: number[] = [];
      const onProgress = (count: number): number => seen.push(count);
      expect(await writeTable(path, COLUMNS, rows(), { format, onProgress })).toBe(150_000);
      expect(seen.at(-1)).toBe(150_000);
      expect(seen.length).toBeGreaterThan(10);
      const counts =
        format === 'csv'
          ? (parse(readFileSync(path), { from_line: 2 }) as string[][]).map((record) =>
              Number(record[1]),
            )
          : format === 'json'
            ? (JSON.parse(readFileSync(path, 'utf8')) as { count: number }[]).map(
                ({ count }) => count,
              )
            : (await parquetReadObjects({ file: bytesOf(path) })).map(({ count }) => Number(count));
      expect(counts).toHaveLength(150_000);
      expect(counts.every((count, i) => count === i)).toBe(true);
      if (format === 'parquet') {
        const groups = parquetMetadata(bytesOf(path)).row_groups.map(({ num_rows }) => num_rows);
        expect(groups).toEqual([65_536n, 65_536n, 18_928n]);
      }
    },
  );

  it.each(TABLE_FORMATS)('%s: never over a file that is there, unless told to', async (format) => {
    const path = fresh();
    writeFileSync(path, 'precious');
    await expect(writeTable(path, COLUMNS, ROWS, { format })).rejects.toMatchObject({
      code: 'data/unwritable',
    });
    expect(readFileSync(path, 'utf8')).toBe('precious');
    await writeTable(path, COLUMNS, ROWS, { format, overwrite: true });
    expect(readFileSync(path)).toEqual(readFileSync(await written(format, ROWS)));
  });

  it('a file that came meanwhile is not replaced either', async () => {
    const path = fresh();
    const rows = function* (): Generator<TableRow> {
      yield { name: 'first' };
      writeFileSync(path, 'quicker');
    };
    await expect(writeTable(path, COLUMNS, rows(), { format: 'csv' })).rejects.toMatchObject({
      code: 'data/unwritable',
    });
    expect(readFileSync(path, 'utf8')).toBe('quicker');
  });

  it.each(TABLE_FORMATS)(
    '%s: leaves nothing behind when the rows fail or are stopped',
    async (format) => {
      const own = join(folder, `own-${format}`);
      mkdirSync(own);
      const failing = function* (): Generator<TableRow> {
        yield { name: 'first' };
        throw new RangeError('the source broke');
      };
      const path = join(own, 'table');
      await expect(writeTable(path, COLUMNS, failing(), { format })).rejects.toThrow(
        'the source broke',
      );
      const signal = AbortSignal.abort();
      await expect(writeTable(path, COLUMNS, ROWS, { format, signal })).rejects.toMatchObject({
        code: 'core/aborted',
      });
      expect(readdirSync(own)).toEqual([]);
    },
  );

  it('names a place that cannot be written, and is readable by its owner only', async () => {
    const nowhere = join(folder, 'missing', 'table');
    await expect(writeTable(nowhere, COLUMNS, ROWS, { format: 'csv' })).rejects.toMatchObject({
      code: 'data/unwritable',
    });
    expect(existsSync(nowhere)).toBe(false);
    expect(statSync(await written('csv', ROWS)).mode & 0o777).toBe(0o600);
  });
});
