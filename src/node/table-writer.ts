import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { type BasicType, ByteWriter, parquetWriteRows } from 'hyparquet-writer';
import { throwIfAborted, VelaturaError } from '../core/errors.ts';

/** File formats a table can be written in. */
export type TableFormat = 'csv' | 'json' | 'parquet';

/** Names of the formats. */
export const TABLE_FORMATS: readonly TableFormat[] = ['csv', 'json', 'parquet'];

/**
 * What a column holds: `time` are milliseconds since 1970, written as ISO 8601 in UTC (a timestamp in
 * Parquet); `integer` are safe integers (64 bits in Parquet).
 */
export type ColumnKind = 'text' | 'integer' | 'number' | 'flag' | 'time';

/** A column of a table to be written. */
export interface TableColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A cell; null where there is nothing to say. */
export type TableCell = string | number | boolean | null;

/** A row by column names. */
export type TableRow = Readonly<Record<string, TableCell>>;

/** Options of {@link writeTable}. */
export interface WriteTableOptions {
  readonly format: TableFormat;
  /** True replaces a file that is there; else it is left alone. Default: false. */
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Number of rows written so far, from time to time. */
  readonly onProgress?: ((rows: number) => void) | undefined;
}

/** Rows between two looks at the signal and two reports of progress. */
const REPORT_EVERY = 4096;
const TEXT_CHUNK = 1 << 16;
/** Rows held in memory at a time for Parquet. */
const ROW_GROUP = 65_536;

const PARQUET_TYPES: Readonly<Record<ColumnKind, BasicType>> = {
  text: 'STRING',
  integer: 'INT64',
  number: 'DOUBLE',
  flag: 'BOOLEAN',
  time: 'TIMESTAMP',
};

/**
 * Writes a table row by row, so that it need not fit into memory. The file appears whole and at once under
 * its name, readable by its owner only, or not at all.
 *
 * CSV is RFC 4180 with a header line and line feeds; nothing is an empty field, empty text is `""`. Text that
 * begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets an apostrophe before it, because
 * spreadsheets would run it as a formula; numbers stay numbers, and the other formats have the text as it is.
 * JSON is one array with an object a line. An infinite number is `Infinity` in CSV, the text `"Infinity"` in
 * JSON, an IEEE infinity in Parquet.
 *
 * @param path - of the file
 * @returns number of rows
 * @throws {VelaturaError} `data/unwritable` when something is there already or the place cannot be written;
 * `core/aborted`; and what `rows` throws
 */
export async function writeTable(
  path: string,
  columns: readonly TableColumn[],
  rows: AsyncIterable<TableRow> | Iterable<TableRow>,
  options: WriteTableOptions,
): Promise<number> {
  const { format, overwrite = false } = options;
  const scratch = `${path}.${randomBytes(6).toString('hex')}.part`;
  let count = 0;
  const counted = async function* (): AsyncGenerator<TableRow> {
    for await (const row of rows) {
      yield row;
      if (++count % REPORT_EVERY === 0) {
        throwIfAborted(options.signal);
        options.onProgress?.(count);
      }
    }
    throwIfAborted(options.signal);
  };
  try {
    if (!overwrite && (await isThere(path))) throw occupied(path);
    const file = await open(scratch, 'wx', 0o600);
    try {
      if (format === 'parquet') await writeParquet(file, columns, counted());
      else await writeText(file, format === 'csv' ? csv(columns) : json(columns), counted());
      await file.sync();
    } finally {
      await file.close();
    }
    if (overwrite) await rename(scratch, path);
    else await link(scratch, path); // unlike a rename it never replaces anything
  } catch (error) {
    throw fileError(path, error);
  } finally {
    await rm(scratch, { force: true });
  }
  options.onProgress?.(count);
  return count;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function occupied(path: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'data/unwritable',
    `${path} is there already and was left as it is`,
    { file: path },
    { cause },
  );
}

function fileError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  if ('code' in error && error.code === 'EEXIST') return occupied(path, error);
  return new VelaturaError(
    'data/unwritable',
    `${path} cannot be written: ${error.message}`,
    { file: path },
    { cause: error },
  );
}

/** How a text format begins, says a row and ends. */
interface TextForm {
  readonly begin: string;
  row(row: TableRow, first: boolean): string;
  end(empty: boolean): string;
}

function csv(columns: readonly TableColumn[]): TextForm {
  const line = (cells: readonly string[]): string => `${cells.join(',')}\n`;
  return {
    begin: line(columns.map(({ name }) => csvField(name))),
    row: (row) => line(columns.map(({ name, kind }) => csvCell(row[name] ?? null, kind))),
    end: () => '',
  };
}

function csvCell(value: TableCell, kind: ColumnKind): string {
  if (value === null) return '';
  if (kind === 'time') return new Date(value as number).toISOString();
  return typeof value === 'string' ? csvField(withoutFormula(value)) : String(value);
}

/** Names come from pipelines, and the table is opened by people: the apostrophe makes a spreadsheet show text. */
function withoutFormula(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function csvField(text: string): string {
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function json(columns: readonly TableColumn[]): TextForm {
  const cell = (value: TableCell, kind: ColumnKind): TableCell => {
    if (value !== null && kind === 'time') return new Date(value as number).toISOString();
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  };
  return {
    begin: '[',
    row: (row, first) => {
      const cells = columns.map(({ name, kind }) => [name, cell(row[name] ?? null, kind)]);
      return `${first ? '' : ','}\n${JSON.stringify(Object.fromEntries(cells))}`;
    },
    end: (empty) => (empty ? ']\n' : '\n]\n'),
  };
}

async function writeText(
  file: FileHandle,
  form: TextForm,
  rows: AsyncIterable<TableRow>,
): Promise<void> {
  let text = form.begin;
  let empty = true;
  for await (const row of rows) {
    text += form.row(row, empty);
    empty = false;
    if (text.length >= TEXT_CHUNK) {
      await file.writeFile(text);
      text = '';
    }
  }
  await file.writeFile(text + form.end(empty));
}

/** Hands every finished row group to the file. */
class FileByteWriter extends ByteWriter {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    super(TEXT_CHUNK);
    this.#file = file;
  }

  async flush(): Promise<void> {
    const bytes = this.getBytes();
    await this.#file.writeFile(bytes);
    this.index = 0;
  }

  override finish(): Promise<void> {
    return this.flush();
  }
}

async function writeParquet(
  file: FileHandle,
  columns: readonly TableColumn[],
  rows: AsyncIterable<TableRow>,
): Promise<void> {
  const typed = async function* (): AsyncGenerator<Record<string, unknown>> {
    for await (const row of rows) {
      yield Object.fromEntries(
        columns.map(({ name, kind }) => [name, parquetCell(row[name] ?? null, kind)]),
      );
    }
  };
  await parquetWriteRows({
    writer: new FileByteWriter(file),
    rows: typed(),
    columns: columns.map(({ name, kind }) => ({ name, type: PARQUET_TYPES[kind] })),
    rowGroupSize: ROW_GROUP,
    createdBy: 'velatura',
  });
}

function parquetCell(value: TableCell, kind: ColumnKind): unknown {
  if (value === null) return null;
  if (kind === 'integer') return BigInt(value);
  return kind === 'time' ? new Date(value as number) : value;
}
