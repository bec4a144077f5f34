import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import type { TagTable } from '../../src/federated/index.ts';

/** What a task is judged by: the ranking of many tags, or the ordering of users by one. */
export type TaskMetric = 'precisionAt3' | 'auc';

/**
 * One task of the utility benchmark, one row a user. Everything but the rows of people is public: names,
 * vocabularies, bounds, weights and guesses are constants that no client's data went into.
 */
export interface UtilityTask {
  readonly name: string;
  /** Which feature map; see the loader of the task. */
  readonly variant: string;
  readonly users: readonly string[];
  readonly tags: readonly string[];
  /** Names of the columns of `phi`. */
  readonly features: readonly string[];
  /** `[users, features]`, each row of l2 norm at most 1, also after rounding to 32 bits. */
  readonly phi: Float32Array;
  /** `[users, tags]`: own past of each tag; null where the past does not hold the tags. */
  readonly history: Float32Array | null;
  /** How much one unit of history counts against one unit of popularity in the history baseline. */
  readonly historyWeight: number;
  /** `[users, tags]`, 0 or 1. */
  readonly labels: Float32Array;
  /** Features and labels are the same tags in the same order, so that a persistence prior applies. */
  readonly sharedTags: boolean;
  readonly metric: TaskMetric;
  /** Public guess of how common a tag is. */
  readonly labelDensity: number;
}

/** Training and test rows of one split. */
export interface Split {
  readonly train: Uint32Array;
  readonly test: Uint32Array;
}

/** Splits 0 … 5 are for evaluation; constants may be set on splits 100 and up. */
export const EVALUATION_SPLITS = [0, 1, 2, 3, 4, 5] as const;

/** Split `split` of the protocol: seed 1000 + split, the first three quarters train. */
export function splitUsers(users: number, split: number): Split {
  const order = new SeededRandom(1000 + split).permutation(users);
  const train = Math.round(0.75 * users);
  return { train: order.slice(0, train), test: order.slice(train) };
}

/** The task as the table that simulations take; a task without history gets one of zeros. */
export function tagTable(task: UtilityTask): TagTable {
  const { users, tags, phi, labels } = task;
  return { users, tags, phi, history: task.history ?? new Float32Array(labels.length), labels };
}

/**
 * The folder of one data set: in `VELATURA_DATA`, or else in `../shared/data` beside the checkout (the
 * benchmarks run in its root). Says so and gives null when it is not there.
 */
export function dataFolder(
  name: string,
  log: (line: string) => void = console.error,
): string | null {
  const root = process.env['VELATURA_DATA'] ?? resolve('..', 'shared', 'data');
  const folder = join(root, name);
  if (existsSync(folder)) return folder;
  log(`SKIPPED: task ${name}: no folder "${name}" in the data; set VELATURA_DATA`);
  return null;
}

/** Lines of a text file, packed by gzip when its name ends in `.gz`; the last empty one left out. */
export function readLines(file: string): string[] {
  const bytes = readFileSync(file);
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Columns of text by name. */
export type Columns = ReadonlyMap<string, readonly string[]>;

/** Reads a comma-separated file with a header and without quoted cells, as the public sets are. */
export function readColumns(file: string): Columns {
  const [header = '', ...lines] = readLines(file);
  const names = header.split(',');
  const columns = names.map((): string[] => []);
  lines.forEach((line, row) => {
    const cells = line.split(',');
    if (cells.length !== names.length) {
      throw new RangeError(
        `${file}:${row + 2} expected ${names.length} cells, got ${cells.length}`,
      );
    }
    columns.forEach((column, i) => {
      column.push(cells[i] as string);
    });
  });
  return new Map(names.map((name, i) => [name, columns[i] ?? []]));
}

/** A column as written. */
export function words(columns: Columns, name: string): readonly string[] {
  const column = columns.get(name);
  if (column === undefined) throw new RangeError(`the file has no column "${name}"`);
  return column;
}

/** A column of finite numbers. */
export function numbers(columns: Columns, name: string): Float64Array {
  return Float64Array.from(words(columns, name), (text, row) => {
    const value = Number(text);
    if (text === '' || !Number.isFinite(value)) {
      throw new RangeError(`"${name}" expected a number in row ${row + 1}`);
    }
    return value;
  });
}

/** A column of two words as 1 for the first and 0 for the second. */
export function zeroOrOne(columns: Columns, name: string, yes: string, no: string): Float32Array {
  return Float32Array.from(words(columns, name), (word) => 1 - positionIn([yes, no], word, name));
}

/** Rounding to 32 bits moves a norm by at most one part in 2²⁴. */
const ROUNDING_SLACK = 1 - 2 ** -23;

/**
 * Writes a row scaled by itself alone to norm 1, with the slack that keeps it there after rounding; a zero
 * row stays zero.
 */
export function setUnitRow(matrix: Float32Array, row: number, values: ArrayLike<number>): void {
  let energy = 0;
  for (let i = 0; i < values.length; i++) energy += (values[i] as number) ** 2;
  if (energy === 0) return;
  const scale = ROUNDING_SLACK / Math.sqrt(energy);
  const at = row * values.length;
  for (let i = 0; i < values.length; i++) matrix[at + i] = (values[i] as number) * scale;
}

/** Which of the bins between ascending edges holds the value: bin i is edges[i−1] ≤ value < edges[i]. */
export function binOf(value: number, edges: readonly number[]): number {
  let bin = 0;
  while (bin < edges.length && value >= (edges[bin] as number)) bin++;
  return bin;
}

/** Position of a word in a fixed vocabulary. */
export function positionIn(vocabulary: readonly string[], word: string, field: string): number {
  const position = vocabulary.indexOf(word);
  if (position === -1) {
    throw new RangeError(`"${field}" expected one of ${vocabulary.join(', ')}`);
  }
  return position;
}
