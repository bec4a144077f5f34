import { VelaturaError } from '../core/errors.ts';
import { type FeatureBound, isCountMap } from '../profile/bounds.ts';
import { type NumericRule, type OneHotRule, ruleOf, type TrainingBounds } from './bounds-file.ts';
import { badCell, cell, type Table } from './table.ts';

/** A column that a pattern found; the stem is what `*` stood for. */
export interface MatchedColumn {
  readonly name: string;
  readonly index: number;
  readonly stem: string;
}

/** One feature to be: where its number comes from and what becomes of it. */
export interface FeatureSlot {
  readonly name: string;
  /** Position of its column in the table. */
  readonly index: number;
  /** True for counts of a tag, which a user's own history may be made of. */
  readonly isCount: boolean;
  /** How several rows of one user become one value. */
  readonly fold: 'sum' | 'mean' | 'largest';
  readonly bound: FeatureBound;
  /** The number in one row. Refuses what is none. */
  read(row: number): number;
  /** The feature from what the bound made of the folded value. */
  finish(value: number): number;
  /** Texts so far that were of no known category. */
  strays(): number;
}

/**
 * The features that the rules make of columns, in order.
 *
 * @throws {VelaturaError} `data/invalid-value` when a column has no rule or two, or two features would have
 * the same name; `data/empty` when all columns are dropped
 */
export function featureSlots(
  table: Table,
  columns: readonly MatchedColumn[],
  bounds: TrainingBounds,
): FeatureSlot[] {
  const slots = columns.flatMap((column): FeatureSlot[] => {
    const rule = ruleOf(bounds, column.name);
    if (rule.map === 'drop') return [];
    return rule.map === 'one-hot'
      ? oneHotSlots(table, column, rule)
      : [numericSlot(table, column, rule)];
  });
  if (slots.length === 0) {
    throw new VelaturaError('data/empty', 'the bounds leave no feature', {
      columns: columns.length,
    });
  }
  const names = new Set<string>();
  for (const { name } of slots) {
    if (names.has(name)) {
      throw new VelaturaError('data/invalid-value', `two features would be named "${name}"`, {
        feature: name,
      });
    }
    names.add(name);
  }
  return slots;
}

function numericSlot(
  table: Table,
  { name, index }: MatchedColumn,
  { pattern, map, min, max, weight }: NumericRule,
): FeatureSlot {
  const isCount = map === 'sqrt' || (map !== 'identity' && isCountMap(map));
  const linear = map === 'sqrt' || map === 'identity';
  return {
    name,
    index,
    isCount,
    fold: isCount ? 'sum' : map === 'indicator' ? 'largest' : 'mean',
    bound: { pattern, drop: false, min, max, map: linear ? 'linear' : map },
    read: (row) => {
      const value = numberIn(table, row, index, name);
      if (isCount && value < 0) throw badCell(table, row, name, 'a count of at least 0');
      return value;
    },
    finish: (value) => {
      if (!linear) return weight * value;
      const clipped = min + value * (max - min);
      return map === 'identity'
        ? (weight * clipped) / Math.max(Math.abs(min), Math.abs(max))
        : (weight * (Math.sqrt(clipped) - Math.sqrt(min))) / (Math.sqrt(max) - Math.sqrt(min));
    },
    strays: () => 0,
  };
}

function oneHotSlots(
  table: Table,
  { name, index }: MatchedColumn,
  { edges, categories, weight }: OneHotRule,
): FeatureSlot[] {
  let strays = 0;
  const textIn = (row: number): string => cell(table, row, index).trim();
  const kinds =
    edges === null
      ? (categories ?? []).map((category, i) => ({
          label: `${name}=${category}`,
          read: (row: number): number => {
            const text = textIn(row);
            if (text === '') throw badCell(table, row, name, 'a text');
            if (i === 0 && categories?.includes(text) !== true) strays += 1;
            return text === category ? 1 : 0;
          },
        }))
      : intervalsOf(edges).map(({ label, from, to }) => ({
          label: `${name}${label}`,
          read: (row: number): number => {
            const value = numberIn(table, row, index, name);
            return value >= from && value < to ? 1 : 0;
          },
        }));
  return kinds.map(({ label, read }, i) => {
    if (label.includes('*')) {
      throw new VelaturaError('data/invalid-value', `"${label}" expected no * in a category`, {
        column: name,
      });
    }
    return {
      name: label,
      index,
      isCount: false,
      fold: 'mean',
      bound: { pattern: label, drop: false, min: 0, max: 1, map: 'linear' },
      read,
      finish: (value) => weight * value,
      strays: () => (i === 0 ? strays : 0),
    };
  });
}

function intervalsOf(
  edges: readonly number[],
): { readonly label: string; readonly from: number; readonly to: number }[] {
  const ends = [-Infinity, ...edges, Infinity];
  return ends.slice(1).map((to, i) => {
    const from = ends[i] as number;
    const label = from === -Infinity ? `<${to}` : to === Infinity ? `>=${from}` : `[${from},${to})`;
    return { label, from, to };
  });
}

/** The number in a cell; true and false, in any case, are 1 and 0. Refuses what is none. */
export function numberIn(table: Table, row: number, index: number, column: string): number {
  const text = cell(table, row, index).trim();
  if (/^(true|false)$/i.test(text)) return text.length === 4 ? 1 : 0;
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw badCell(table, row, column, 'a number');
  return value;
}
