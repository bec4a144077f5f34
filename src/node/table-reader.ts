import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { VelaturaError } from '../core/errors.ts';
import { readCsv, type Table } from './table.ts';

/** Endings of the files that {@link readTable} understands. */
export const TABLE_ENDINGS: readonly string[] = [
  '.csv',
  '.csv.gz',
  '.jsonl',
  '.jsonl.gz',
  '.ndjson',
  '.ndjson.gz',
  '.parquet',
];

/**
 * Reads a table from CSV, JSON Lines (both also packed by gzip) or Parquet, told apart by the ending of the
 * name.
 *
 * All cells become text, as if the table had been written as CSV: numbers in their shortest exact form, true
 * and false as 1 and 0, times as ISO 8601 in UTC; null, what a line of JSON leaves out, and nested values are
 * empty. Of a Parquet file `lines` counts rows from 1. The whole table is held in memory.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/empty`, `data/truncated`, `data/invalid-value`; details
 * name file, line and column
 */
export async function readTable(file: string): Promise<Table> {
  const name = file.toLowerCase();
  if (/\.csv(\.gz)?$/.test(name)) return readCsv(file);
  if (/\.(jsonl|ndjson)(\.gz)?$/.test(name)) return readJsonLines(file);
  if (name.endsWith('.parquet')) return readParquet(file);
  throw new VelaturaError(
    'data/invalid-value',
    `${file} expected a name that ends in one of ${TABLE_ENDINGS.join(', ')}`,
    { file },
  );
}

function readBytes(file: string): Buffer<ArrayBuffer> {
  if (!existsSync(file)) {
    throw new VelaturaError('data/missing-file', `${file} does not exist`, { file });
  }
  let bytes: Buffer<ArrayBuffer>;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new VelaturaError(
      'data/missing-file',
      `${file} cannot be read (${(error as { code?: string }).code ?? ''})`,
      { file },
      { cause: error },
    );
  }
  if (bytes.length === 0) throw new VelaturaError('data/empty', `${file} is empty`, { file });
  if (!file.toLowerCase().endsWith('.gz')) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new VelaturaError(
      'data/truncated',
      `${file} is cut short or damaged`,
      { file },
      { cause: error },
    );
  }
}

function readJsonLines(file: string): Table {
  const text = readBytes(file)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  const all = text.split('\n');
  const numbered = all
    .map((content, i) => ({ content, line: i + 1 }))
    .filter(({ content }) => content.trim() !== '');
  if (numbered.length === 0) throw new VelaturaError('data/empty', `${file} is empty`, { file });
  const last = numbered.at(-1)?.line;
  const records = numbered.map(({ content, line }) => parseObject(file, content, line, last));
  const header = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return tableOf(
    file,
    header,
    records,
    numbered.map(({ line }) => line),
  );
}

function parseObject(
  file: string,
  content: string,
  line: number,
  last: number | undefined,
): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    // The parser's own message would quote the line.
    const short = line === last;
    throw new VelaturaError(
      short ? 'data/truncated' : 'data/invalid-value',
      `${file}:${line}: ${short ? 'the last line is cut short' : 'the line is not JSON'}`,
      { file, line },
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new VelaturaError('data/invalid-value', `${file}:${line}: expected a JSON object`, {
      file,
      line,
    });
  }
  return value as Readonly<Record<string, unknown>>;
}

async function readParquet(file: string): Promise<Table> {
  const bytes = readBytes(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { parquetMetadata, parquetReadObjects, parquetSchema } = await import('hyparquet');
  let header: string[];
  let records: Record<string, unknown>[];
  try {
    const metadata = parquetMetadata(buffer);
    header = parquetSchema(metadata).children.map(({ element }) => element.name);
    refuseDuplicates(file, header);
    records = await parquetReadObjects({ file: buffer, metadata });
  } catch (error) {
    if (error instanceof VelaturaError) throw error;
    const codec = /unsupported compression codec: (\w+)/i.exec((error as Error).message)?.[1];
    throw new VelaturaError(
      codec === undefined ? 'data/truncated' : 'data/invalid-value',
      codec === undefined
        ? `${file} is cut short, damaged or not a Parquet file`
        : `${file} is packed by ${codec}; write it uncompressed or with Snappy`,
      { file },
      { cause: error },
    );
  }
  if (records.length === 0) {
    throw new VelaturaError('data/empty', `${file} has no rows`, { file });
  }
  return tableOf(
    file,
    header,
    records,
    records.map((_, i) => i + 1),
  );
}

function refuseDuplicates(file: string, header: readonly string[]): void {
  const duplicate = header.find((name, i) => header.indexOf(name) !== i);
  if (duplicate === undefined) return;
  throw new VelaturaError('data/invalid-value', `${file}: column "${duplicate}" appears twice`, {
    file,
    column: duplicate,
  });
}

function tableOf(
  file: string,
  header: readonly string[],
  records: readonly Readonly<Record<string, unknown>>[],
  lines: readonly number[],
): Table {
  return {
    file,
    header,
    rows: records.map((record) =>
      header.map((name) => cellText(Object.hasOwn(record, name) ? record[name] : null)),
    ),
    lines: Uint32Array.from(lines),
  };
}

function cellText(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return String(value);
  }
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : '';
}
