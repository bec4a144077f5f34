import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../src/core/errors.ts';
import { DEFAULT_BOUNDS, parseTrainingBounds } from '../../src/node/bounds-file.ts';
import type { Table } from '../../src/node/table.ts';
import { buildTrainingTable, type TrainingColumns } from '../../src/node/training-table.ts';

/** A table as text; line 1 is the header. */
function tableOf(text: string): Table {
  const [header = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(','));
  return {
    file: 't.csv',
    header,
    rows,
    lines: Uint32Array.from(rows, (_, i) => i + 2),
  };
}

const COLUMNS: TrainingColumns = { user: 'user', features: 'n_*', labels: 'tag_*' };
const TABLE = tableOf(`
user,n_bag,n_hat,tag_hat,tag_bag,age,month
a,3,1,0,1,30,Jan
b,0,0,1,0,50,Feb
c,8,8,1,1,20,May`);

function replaced(row: readonly string[], at: number, value: string): string[] {
  return row.map((cell, i) => (i === at ? value : cell));
}

function rounded(values: Iterable<number>): number[] {
  return Array.from(values, (value) => Math.round(value * 1e4) / 1e4);
}

function refusal(action: () => unknown): VelaturaError {
  try {
    action();
  } catch (error) {
    if (error instanceof VelaturaError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('buildTrainingTable', () => {
  it('pairs features with labels of the same tag, in the order of the labels', () => {
    const { table, features, sharedTags, persistence, labelDensity } = buildTrainingTable(
      TABLE,
      COLUMNS,
      DEFAULT_BOUNDS,
    );
    expect(features).toEqual(['n_hat', 'n_bag']);
    expect(table.tags).toEqual(['tag_hat', 'tag_bag']);
    expect(table.users).toEqual(['a', 'b', 'c']);
    expect([...table.labels]).toEqual([0, 1, 1, 0, 1, 1]);
    // √((N + ½) / (ΣN + 1)): 1 hat and 3 bags; nothing; 8 and 8.
    const expected = [0.3, 0.7, 0.5, 0.5, 0.5, 0.5].map(Math.sqrt);
    expect(rounded(table.phi)).toEqual(rounded(expected));
    expect(rounded(table.history)).toEqual(rounded(expected));
    expect({ sharedTags, persistence, labelDensity }).toEqual({
      sharedTags: true,
      persistence: 6,
      labelDensity: 0.25,
    });
  });

  it('matches full names by what follows the first underscore', () => {
    const columns = { user: 'user', features: 'n_hat,n_bag', labels: 'tag_bag,tag_hat' };
    expect(buildTrainingTable(TABLE, columns, DEFAULT_BOUNDS).sharedTags).toBe(true);
  });

  it('knows no own history for one label, or where one label has no past', () => {
    for (const columns of [
      { ...COLUMNS, labels: 'tag_bag' },
      { ...COLUMNS, features: 'n_bag' },
    ]) {
      const { sharedTags, persistence, table } = buildTrainingTable(TABLE, columns, DEFAULT_BOUNDS);
      expect(sharedTags).toBe(false);
      expect(persistence).toBe(0);
      expect(table.history.every((value) => value === 0)).toBe(true);
    }
  });

  it('folds rows of one user: counts add up, means and labels as documented, in any order', () => {
    const several = tableOf(`
user,n_bag,n_hat,age,weekend,month,tag_bag,tag_hat
a,1,0,20,0,Jan,0,0
b,5,5,60,0,Feb,0,1
a,2,1,40,1,Feb,1,0`);
    const bounds = parseTrainingBounds({
      features: {
        'n_*': { min: 0, max: 10, map: 'linear' },
        n_bag: { min: 0, max: 10, map: 'log1p' },
        age: { min: 0, max: 100, map: 'linear' },
        weekend: { min: 0, max: 1, map: 'indicator' },
        month: { map: 'one-hot', categories: ['Jan', 'Feb'] },
      },
      norm: 'clip',
    });
    const columns = { user: 'user', features: 'n_bag,n_hat,age,weekend,month', labels: 'tag_*' };
    const build = (table: Table): number[] => {
      const { table: built, features } = buildTrainingTable(table, columns, bounds);
      expect(features).toEqual(['n_bag', 'n_hat', 'age', 'weekend', 'month=Jan', 'month=Feb']);
      const a = built.users.indexOf('a');
      expect([...built.labels.subarray(2 * a, 2 * a + 2)]).toEqual([1, 0]);
      return rounded(built.phi.subarray(6 * a, 6 * a + 6));
    };
    const raw = [Math.log1p(3) / Math.log1p(10), 0.05, 0.3, 1, 0.5, 0.5];
    const norm = Math.hypot(...raw);
    expect(build(several)).toEqual(rounded(raw.map((value) => value / norm)));
    expect(build({ ...several, rows: [...several.rows].reverse() })).toEqual(build(several));
  });

  it('maps sqrt, identity, weights and intervals, and leaves short vectors short when it clips', () => {
    const bounds = parseTrainingBounds({
      features: {
        n_bag: { min: 0, max: 16, map: 'sqrt', weight: 0.5 },
        n_hat: { min: -20, max: 10, map: 'identity' },
        age: { map: 'one-hot', edges: [25, 50], weight: 0.25 },
        '*': { drop: true },
      },
      norm: 'clip',
    });
    const { table, features } = buildTrainingTable(
      TABLE,
      { user: 'user', features: '*', labels: 'tag_bag' },
      bounds,
    );
    expect(features).toEqual(['n_bag', 'n_hat', 'age<25', 'age[25,50)', 'age>=50']);
    const bag = (0.5 * Math.sqrt(3)) / 4;
    expect(rounded(table.phi)).toEqual(
      rounded([bag, 0.05, 0, 0.25, 0, 0, 0, 0, 0, 0.25, 0.5 * Math.sqrt(0.5), 0.4, 0.25, 0, 0]),
    );
  });

  it('takes every row for a user where no column says otherwise', () => {
    const { table } = buildTrainingTable(
      TABLE,
      { features: 'n_*', labels: 'tag_*' },
      DEFAULT_BOUNDS,
    );
    expect(table.users).toEqual(['row 1', 'row 2', 'row 3']);
  });

  it('clips and counts values beyond their bounds, unknown categories and users without features', () => {
    const bounds = parseTrainingBounds({
      features: {
        'n_*': { min: 0, max: 5, map: 'share' },
        month: { map: 'one-hot', categories: ['Jan', 'May'] },
      },
    });
    const { readings } = buildTrainingTable(
      TABLE,
      { user: 'user', features: 'n_*,month', labels: 'tag_*' },
      bounds,
    );
    // n_bag and n_hat of c; month and all counts of b.
    expect(readings).toEqual({ rows: 3, clippedValues: 3, usersWithoutFeatures: 1 });
  });

  it.each([
    ['', 'a number'],
    ['NaN', 'a number'],
    ['Infinity', 'a number'],
    ['five', 'a number'],
    ['-1', 'a count of at least 0'],
  ])(
    'refuses the feature %j with its row and column, and does not repeat it',
    (value, expected) => {
      const rows = TABLE.rows.map((row, i) => (i === 1 ? ['b', value, ...row.slice(2)] : row));
      const error = refusal(() => buildTrainingTable({ ...TABLE, rows }, COLUMNS, DEFAULT_BOUNDS));
      expect(error.code).toBe('data/invalid-value');
      expect(error.details).toMatchObject({ line: 3, column: 'n_bag' });
      expect(error.message).toContain(`t.csv:3: column "n_bag" expected ${expected}`);
    },
  );

  it.each(['2', '0.5', '', 'NaN', 'yes'])('refuses the label %j with its column', (value) => {
    const rows = TABLE.rows.map((row, i) => (i === 2 ? replaced(row, 3, value) : row));
    const error = refusal(() => buildTrainingTable({ ...TABLE, rows }, COLUMNS, DEFAULT_BOUNDS));
    expect(error.code).toBe('data/invalid-value');
    expect(error.details).toMatchObject({ column: 'tag_hat' });
  });

  it('reads true and false as 1 and 0', () => {
    const rows = TABLE.rows.map((row) => replaced(row, 3, row[3] === '1' ? 'TRUE' : 'false'));
    const { table } = buildTrainingTable({ ...TABLE, rows }, COLUMNS, DEFAULT_BOUNDS);
    expect([...table.labels]).toEqual([0, 1, 1, 0, 1, 1]);
  });

  it.each([
    [{ ...COLUMNS, features: 'x_*' }, 'data/missing-column'],
    [{ ...COLUMNS, features: 'n_*,' }, 'data/missing-column'],
    [{ ...COLUMNS, labels: 'label' }, 'data/missing-column'],
    [{ ...COLUMNS, user: 'id' }, 'data/missing-column'],
    [{ ...COLUMNS, features: 'tag_hat' }, 'data/invalid-value'],
    [{ ...COLUMNS, features: 'user' }, 'data/invalid-value'],
  ])('refuses %j', (columns, code) => {
    expect(refusal(() => buildTrainingTable(TABLE, columns, DEFAULT_BOUNDS)).code).toBe(code);
  });

  it('never lets a label or the user in among the features by a pattern', () => {
    const bounds = parseTrainingBounds({
      features: {
        month: { map: 'one-hot', categories: ['Jan'] },
        '*': { min: 0, max: 100 },
      },
    });
    const { features } = buildTrainingTable(TABLE, { ...COLUMNS, features: '*' }, bounds);
    expect([...features].sort()).toEqual(['age', 'month=Jan', 'n_bag', 'n_hat']);
  });

  it('refuses rules that leave nothing, and two features of one name', () => {
    const nothing = parseTrainingBounds({ features: { '*': { drop: true } } });
    expect(refusal(() => buildTrainingTable(TABLE, COLUMNS, nothing)).code).toBe('data/empty');
    const twice = tableOf('user,a,a=x,tag_b\nu,x,1,0');
    const bounds = parseTrainingBounds({
      features: { a: { map: 'one-hot', categories: ['x'] }, '*': { min: 0, max: 1 } },
    });
    const error = refusal(() => buildTrainingTable(twice, { ...COLUMNS, features: 'a*' }, bounds));
    expect(error.message).toContain('a=x');
  });

  it('refuses an empty id of a user', () => {
    const rows = TABLE.rows.map((row, i) => (i === 0 ? replaced(row, 0, ' ') : row));
    expect(
      refusal(() => buildTrainingTable({ ...TABLE, rows }, COLUMNS, DEFAULT_BOUNDS)).details,
    ).toMatchObject({ line: 2, column: 'user' });
  });
});
