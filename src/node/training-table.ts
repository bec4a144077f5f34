import { VelaturaError } from '../core/errors.ts';
import type { TagTable } from '../federated/index.ts';
import {
  type FeatureBound,
  FeatureBuilder,
  LabelBuilder,
  matchesGlob,
  sqrtShare,
  unitNorm,
} from '../profile/index.ts';
import type { TrainingBounds } from './bounds-file.ts';
import { badCell, cell, columnIndex, type Table } from './table.ts';
import {
  type FeatureSlot,
  featureSlots,
  type MatchedColumn,
  numberIn,
} from './training-table-columns.ts';

/** Which columns mean what. */
export interface TrainingColumns {
  /** Whose row it is; several rows of one user are folded into one. Default: every row is a user. */
  readonly user?: string;
  /** Names or patterns with `*`, separated by commas. */
  readonly features: string;
  readonly labels: string;
}

/** Facts about the rows that were read. About people: not for publication. */
export interface TableReadings {
  readonly rows: number;
  /** Values beyond their public bound, which were clipped to it, and texts of no known category. */
  readonly clippedValues: number;
  /** Users all of whose features are 0. */
  readonly usersWithoutFeatures: number;
}

/** A table that can be trained on: a row a user, features of norm at most 1, labels 0 or 1. */
export interface TrainingTable {
  readonly table: TagTable;
  /** Names of the features, without the constant. Where tags are shared the first are those of the tags. */
  readonly features: readonly string[];
  /** True when every label has its own past among the features: {@link TagTable.history} then holds it. */
  readonly sharedTags: boolean;
  /** Public guess of how common a label is: mean of the centers in the bounds. */
  readonly labelDensity: number;
  /** In logit units a unit of feature; 0 where features and labels are not the same tags. */
  readonly persistence: number;
  readonly readings: TableReadings;
}

/** Up to so many features, a norm of 1 for everybody would leave too little of them. */
const FEW_FEATURES = 3;

/**
 * Turns a table into features and labels by public rules alone.
 *
 * Several rows of a user are folded first: counts (share maps, `log1p`, `sqrt`) are summed, `linear`, `identity`
 * and `one-hot` take the mean, `indicator` and labels the largest.
 *
 * ## Privacy
 * Every user is mapped by itself; nothing is learnt from the table. Norms are at most 1 but for rounding, and
 * the encoder of updates checks in integers.
 *
 * @throws {VelaturaError} `data/missing-column` for a pattern without a column, `data/invalid-value` for a
 * cell that is empty, not a number or of no label value, naming line and column, or for rules that do not
 * fit; `data/empty` when the rules leave no feature
 */
export function buildTrainingTable(
  source: Table,
  columns: TrainingColumns,
  bounds: TrainingBounds,
): TrainingTable {
  const owners = ownersOf(source, columns.user);
  const userColumn = columns.user === undefined ? [] : [columns.user];
  const labelColumns = matchColumns(source, columns.labels, '--labels', userColumn);
  const matched = matchColumns(source, columns.features, '--features', [
    ...userColumn,
    ...labelColumns.map(({ name }) => name),
  ]);
  const slots = featureSlots(source, matched, bounds);
  const pairs = pairTags(labelColumns, matched, slots);
  const ordered =
    pairs === null ? slots : [...pairs, ...slots.filter((slot) => !pairs.includes(slot))];
  const folded = ordered.map((slot) => foldSlot(source, slot, owners));
  const builder = new FeatureBuilder(
    { features: boundsOfSlots(ordered), labels: [] },
    ordered.map(({ name }) => name),
  );

  const users = owners.names.length;
  const width = ordered.length;
  const scaled = bounds.norm === 'unit' || (bounds.norm === 'auto' && width > FEW_FEATURES);
  const phi = new Float32Array(users * width);
  let usersWithoutFeatures = 0;
  for (let user = 0; user < users; user++) {
    const line = source.lines[owners.firstRow[user] as number] as number;
    const mapped = builder
      .build(
        folded.map((column) => column[user] as number),
        line,
      )
      .map((value, i) => (ordered[i] as FeatureSlot).finish(value));
    const row = scaled ? unitNorm(mapped) : clippedNorm(mapped);
    if (row.every((value) => value === 0)) usersWithoutFeatures += 1;
    phi.set(row, user * width);
  }

  const labels = buildLabels(source, labelColumns, bounds, owners);
  const centers = labels.builder.centers;
  return {
    table: {
      users: owners.names,
      tags: labels.builder.names,
      phi,
      history: historyOf(pairs, ordered, folded, users, labelColumns.length),
      labels: labels.matrix,
    },
    features: ordered.map(({ name }) => name),
    sharedTags: pairs !== null,
    labelDensity: centers.reduce((sum, center) => sum + center, 0) / centers.length,
    persistence: pairs === null ? 0 : bounds.persistence,
    readings: {
      rows: source.rows.length,
      clippedValues: builder.clippedValues + ordered.reduce((sum, slot) => sum + slot.strays(), 0),
      usersWithoutFeatures,
    },
  };
}

function matchColumns(
  table: Table,
  globs: string,
  option: string,
  excluded: readonly string[],
): MatchedColumn[] {
  const found = new Map<string, MatchedColumn>();
  for (const glob of globs.split(',').map((text) => text.trim())) {
    if (!glob.includes('*') && excluded.includes(glob)) {
      throw new VelaturaError(
        'data/invalid-value',
        `${option}: column "${glob}" is the user or a label already`,
        { column: glob },
      );
    }
    const fitting = table.header.flatMap((name, index) =>
      matchesGlob(glob, name) && !excluded.includes(name)
        ? [{ name, index, stem: stemOf(glob, name) }]
        : [],
    );
    if (glob === '' || fitting.length === 0) {
      throw new VelaturaError(
        'data/missing-column',
        `${option}: no column fits "${glob}"; ${table.file} has ${table.header.join(', ')}`,
        { file: table.file, column: glob },
      );
    }
    for (const column of fitting) if (!found.has(column.name)) found.set(column.name, column);
  }
  return [...found.values()].sort((a, b) => a.index - b.index);
}

/** `bag` of `n_bag`: by the pattern's own beginning, or for a full name by its first part. */
function stemOf(glob: string, name: string): string {
  const star = glob.indexOf('*');
  if (star > 0) return name.slice(star);
  const underscore = name.indexOf('_');
  return underscore === -1 ? name : name.slice(underscore + 1);
}

interface Owners {
  readonly names: readonly string[];
  /** `[rows]`, number of the user. */
  readonly ofRow: Uint32Array;
  /** `[users]` */
  readonly firstRow: readonly number[];
}

function ownersOf(table: Table, column: string | undefined): Owners {
  if (column === undefined) {
    const rows = table.rows.map((_, row) => row);
    return {
      names: rows.map((row) => `row ${row + 1}`),
      ofRow: Uint32Array.from(rows),
      firstRow: rows,
    };
  }
  const index = columnIndex(table, column);
  const numbers = new Map<string, number>();
  const firstRow: number[] = [];
  const ofRow = Uint32Array.from(table.rows, (_, row) => {
    const id = cell(table, row, index).trim();
    if (id === '') throw badCell(table, row, column, 'the id of a user');
    const known = numbers.get(id);
    if (known !== undefined) return known;
    numbers.set(id, firstRow.length);
    return firstRow.push(row) - 1;
  });
  return { names: [...numbers.keys()], ofRow, firstRow };
}

/** The feature slot of each label's own past, in the order of the labels; null unless all have one. */
function pairTags(
  labels: readonly MatchedColumn[],
  matched: readonly MatchedColumn[],
  slots: readonly FeatureSlot[],
): FeatureSlot[] | null {
  if (labels.length < 2) return null;
  const pairs = labels.flatMap((label) => {
    const [feature, rival] = matched.filter(({ stem }) => stem === label.stem);
    if (feature === undefined || rival !== undefined) return [];
    return slots.filter((slot) => slot.index === feature.index && slot.isCount);
  });
  return pairs.length === labels.length ? pairs : null;
}

function foldSlot(table: Table, slot: FeatureSlot, owners: Owners): Float64Array {
  const users = owners.names.length;
  const folded = new Float64Array(users).fill(slot.fold === 'largest' ? -Infinity : 0);
  const rows = new Float64Array(users);
  for (let row = 0; row < table.rows.length; row++) {
    const user = owners.ofRow[row] as number;
    const value = slot.read(row);
    const before = folded[user] as number;
    folded[user] = slot.fold === 'largest' ? Math.max(before, value) : before + value;
    rows[user] = (rows[user] as number) + 1;
  }
  return slot.fold === 'mean' ? folded.map((sum, user) => sum / (rows[user] as number)) : folded;
}

function boundsOfSlots(slots: readonly FeatureSlot[]): FeatureBound[] {
  const bounds = new Map(slots.map(({ bound }) => [bound.pattern, bound]));
  return [...bounds.values()];
}

function clippedNorm(vector: Float64Array): Float64Array {
  const norm = Math.hypot(...vector);
  return norm <= 1 ? vector : unitNorm(vector);
}

function buildLabels(
  source: Table,
  columns: readonly MatchedColumn[],
  bounds: TrainingBounds,
  owners: Owners,
): { readonly builder: LabelBuilder; readonly matrix: Float32Array } {
  const builder = new LabelBuilder(
    { features: [], labels: bounds.labels },
    columns.map(({ name }) => name),
  );
  const matrix = new Float32Array(owners.names.length * columns.length);
  source.rows.forEach((_, row) => {
    const values = columns.map(({ name, index }) => numberIn(source, row, index, name));
    const at = (owners.ofRow[row] as number) * columns.length;
    builder.build(values, source.lines[row] as number).forEach((label, i) => {
      matrix[at + i] = Math.max(matrix[at + i] as number, label);
    });
  });
  return { builder, matrix };
}

/** Square roots of smoothed shares of the own past, tag by tag; zeros where there is none to be had. */
function historyOf(
  pairs: readonly FeatureSlot[] | null,
  ordered: readonly FeatureSlot[],
  folded: readonly Float64Array[],
  users: number,
  tags: number,
): Float32Array {
  const history = new Float32Array(users * tags);
  if (pairs === null) return history;
  const columns = pairs.map((slot) => folded[ordered.indexOf(slot)] as Float64Array);
  for (let user = 0; user < users; user++) {
    history.set(sqrtShare(columns.map((column) => column[user] as number)), user * tags);
  }
  return history;
}
