import { fileURLToPath } from 'node:url';
import { VelaturaError } from '../core/errors.ts';
import { type ProfileEvent, parseUtcTime } from '../profile/index.ts';
import { badCell, cell, columnIndex, numberColumn, readCsv, type Table } from './table.ts';

/** Where the shipped copy lies, in the package and in a checkout alike. */
export const ONLINE_RETAIL_FOLDER: string = fileURLToPath(
  new URL('../../data/online-retail/', import.meta.url),
);

/** Scenes of the data set: the time of day of an order. */
export const RETAIL_SCENES = ['morning', 'midday', 'afternoon'] as const;
export type RetailScene = (typeof RETAIL_SCENES)[number];

/** Features may use what was ordered before this moment, labels what was ordered from it on. */
export const RETAIL_CUT_OFF: number = Date.UTC(2011, 8, 1);

/** Customers seen before and after the cut-off, with their counts before and their tags after it. */
export interface RetailProfiles {
  readonly users: readonly string[];
  readonly tags: readonly string[];
  /** `[users, tags]`, order lines before the cut-off. */
  readonly counts: Float32Array;
  /** `[users, tags]`, 0 or 1. */
  readonly labels: Float32Array;
}

/** One article of the shop. */
export interface RetailItem {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
  /** Order lines without a customer id before the cut-off: of no client, hence public here. */
  readonly anonymousLines: number;
}

/**
 * Reads `profiles.csv`.
 *
 * @throws {VelaturaError} `data/*`, naming file, line and column
 */
export function readRetailProfiles(
  file: string = `${ONLINE_RETAIL_FOLDER}profiles.csv`,
): RetailProfiles {
  const table = readCsv(file);
  const users = uniqueColumn(table, 'user');
  const tags = table.header
    .filter((name) => name.startsWith('tag_'))
    .map((name) => name.slice('tag_'.length));
  if (tags.length === 0) columnIndex(table, 'tag_*');
  const counts = interleave(
    tags.map((tag) => numberColumn(table, `n_${tag}`, { min: 0, integer: true })),
  );
  const labels = interleave(
    tags.map((tag) => numberColumn(table, `tag_${tag}`, { min: 0, max: 1, integer: true })),
  );
  return { users, tags, counts, labels };
}

/**
 * Reads `events.csv.gz` as library events: kind `order`, value = order lines, time as UTC.
 *
 * @throws {VelaturaError} `data/*`, naming file, line and column; `data/unknown-scene`
 */
export function readRetailEvents(
  file: string = `${ONLINE_RETAIL_FOLDER}events.csv.gz`,
): ProfileEvent[] {
  const table = readCsv(file);
  const [user, time, scene, tag] = ['user', 'time', 'scene', 'tag'].map((name) =>
    columnIndex(table, name),
  ) as [number, number, number, number];
  const items = numberColumn(table, 'items', { min: 0, integer: true });
  return table.rows.map((_, row) => {
    const sceneName = cell(table, row, scene);
    if (!RETAIL_SCENES.some((known) => known === sceneName)) {
      const line = table.lines[row] ?? 0;
      throw new VelaturaError(
        'data/unknown-scene',
        `${file}:${line}: column "scene" expected one of ${RETAIL_SCENES.join(', ')}`,
        { file, line, column: 'scene' },
      );
    }
    const instant = parseUtcTime(`${cell(table, row, time)}:00Z`);
    if (instant === null) throw badCell(table, row, 'time', 'YYYY-MM-DDTHH:MM');
    return {
      user: cell(table, row, user),
      time: instant,
      scene: sceneName,
      kind: 'order',
      tag: cell(table, row, tag),
      value: items[row] as number,
    };
  });
}

/**
 * Reads `items.csv`, the catalogue derived from article descriptions.
 *
 * @throws {VelaturaError} `data/*`, naming file, line and column
 */
export function readRetailItems(file: string = `${ONLINE_RETAIL_FOLDER}items.csv`): RetailItem[] {
  const table = readCsv(file);
  const ids = uniqueColumn(table, 'item');
  const name = columnIndex(table, 'name');
  const tags = columnIndex(table, 'tags');
  const lines = numberColumn(table, 'anonymous_lines', { min: 0, integer: true });
  return ids.map((id, row) => ({
    id,
    name: cell(table, row, name),
    tags: cell(table, row, tags)
      .split(' ')
      .filter((tag) => tag !== ''),
    anonymousLines: lines[row] as number,
  }));
}

function uniqueColumn(table: Table, column: string): string[] {
  const index = columnIndex(table, column);
  const seen = new Set<string>();
  return table.rows.map((_, row) => {
    const value = cell(table, row, index);
    if (value === '' || seen.has(value))
      throw badCell(table, row, column, 'a unique, non-empty id');
    seen.add(value);
    return value;
  });
}

/** Columns to one row-major matrix. */
function interleave(columns: readonly Float64Array[]): Float32Array {
  const rows = columns[0]?.length ?? 0;
  const matrix = new Float32Array(rows * columns.length);
  columns.forEach((column, j) => {
    for (let row = 0; row < rows; row++) matrix[row * columns.length + j] = column[row] as number;
  });
  return matrix;
}
