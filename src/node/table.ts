import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { VelaturaError } from '../core/errors.ts';

/** A table as text, with what is needed to name the place of an error. */
export interface Table {
  readonly file: string;
  readonly header: readonly string[];
  /** `[rows][columns]`, as written. */
  readonly rows: readonly (readonly string[])[];
  /** `[rows]`, line in the file on which the row ends, counted from 1. */
  readonly lines: Uint32Array;
}

/** What a cell must hold. */
export interface NumberRule {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
}

/**
 * Reads a CSV file with a header line, packed by gzip when its name ends in `.gz`.
 *
 * A file must end in a line break: without one a last number may be cut short and still look whole.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/truncated`, `data/empty`, `data/invalid-value`;
 * details name file, line and column
 */
export function readCsv(file: string): Table {
  const text = readText(file);
  if (text.trim() === '') throw new VelaturaError('data/empty', `${file} is empty`, { file });
  if (!text.endsWith('\n')) {
    const line = text.split('\n').length;
    throw new VelaturaError(
      'data/truncated',
      `${file}:${line}: the file ends without a line break, so its last row may be cut short`,
      { file, line },
    );
  }
  const records = parseRecords(file, text);
  const header = records[0]?.record ?? [];
  const body = records.slice(1);
  if (body.length === 0) throw new VelaturaError('data/empty', `${file} has no rows`, { file });
  const duplicate = header.find((name, i) => header.indexOf(name) !== i);
  if (duplicate !== undefined) {
    throw new VelaturaError(
      'data/invalid-value',
      `${file}:1: column "${duplicate}" appears twice`,
      {
        file,
        line: 1,
        column: duplicate,
      },
    );
  }
  return {
    file,
    header,
    rows: body.map((row) => row.record),
    lines: Uint32Array.from(body, (row) => row.info.lines),
  };
}

interface CsvRecord {
  readonly record: string[];
  readonly info: { readonly lines: number };
}

function parseRecords(file: string, text: string): CsvRecord[] {
  try {
    return parse(text, { info: true, bom: true, skip_empty_lines: true }) as unknown as CsvRecord[];
  } catch (error) {
    const { lines, code } = error as { lines?: number; code?: string };
    const lastLine = text.trimEnd().split('\n').length;
    const short = code === 'CSV_QUOTE_NOT_CLOSED' || (lines ?? 0) >= lastLine;
    throw new VelaturaError(
      short ? 'data/truncated' : 'data/invalid-value',
      `${file}:${lines ?? lastLine}: ${short ? 'the last row is cut short' : 'the row does not fit the header'}`,
      { file, line: lines ?? lastLine },
      { cause: error },
    );
  }
}

function readText(file: string): string {
  if (!existsSync(file)) {
    throw new VelaturaError('data/missing-file', `${file} does not exist`, { file });
  }
  try {
    const bytes = readFileSync(file);
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    const damaged = code.startsWith('Z_');
    throw new VelaturaError(
      damaged ? 'data/truncated' : 'data/missing-file',
      `${file} ${damaged ? 'is cut short or damaged' : 'cannot be read'} (${code})`,
      { file },
      { cause: error },
    );
  }
}

/**
 * Position of a column.
 *
 * @throws {VelaturaError} `data/missing-column`
 */
export function columnIndex(table: Table, column: string): number {
  const index = table.header.indexOf(column);
  if (index === -1) {
    throw new VelaturaError(
      'data/missing-column',
      `${table.file}:1: column "${column}" is missing; there are ${table.header.join(', ')}`,
      { file: table.file, line: 1, column },
    );
  }
  return index;
}

/** One cell as text. */
export function cell(table: Table, row: number, column: number): string {
  return table.rows[row]?.[column] ?? '';
}

/** The coded error for a bad cell: names the place, not the value. */
export function badCell(
  table: Table,
  row: number,
  column: string,
  expected: string,
): VelaturaError {
  const line = table.lines[row] ?? 0;
  return new VelaturaError(
    'data/invalid-value',
    `${table.file}:${line}: column "${column}" expected ${expected}`,
    { file: table.file, line, column },
  );
}

/**
 * A column of numbers.
 *
 * @returns `[rows]`
 * @throws {VelaturaError} `data/missing-column`; `data/invalid-value` for an empty cell, NaN, an infinity or a
 * number outside the rule
 */
export function numberColumn(table: Table, column: string, rule: NumberRule = {}): Float64Array {
  const index = columnIndex(table, column);
  const { min = -Infinity, max = Infinity, integer = false } = rule;
  const expected = `${integer ? 'an integer' : 'a number'}${describeRange(min, max)}`;
  return Float64Array.from(table.rows, (_, row) => {
    const text = cell(table, row, index).trim();
    const value = Number(text);
    const bad = text === '' || !Number.isFinite(value) || value < min || value > max;
    if (bad || (integer && !Number.isInteger(value))) throw badCell(table, row, column, expected);
    return value;
  });
}

function describeRange(min: number, max: number): string {
  if (min === -Infinity && max === Infinity) return '';
  if (max === Infinity) return ` of at least ${min}`;
  if (min === -Infinity) return ` of at most ${max}`;
  return ` in [${min}, ${max}]`;
}
