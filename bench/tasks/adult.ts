import { join } from 'node:path';
import {
  binOf,
  type Columns,
  dataFolder,
  numbers,
  positionIn,
  readColumns,
  setUnitRow,
  type UtilityTask,
  words,
  zeroOrOne,
} from './task.ts';

/**
 * Feature maps of 0 and 1, each then scaled to norm 1 by itself: `one-hots` of 8 fields; `inter` adds being
 * married × (education, age, occupation).
 */
export type AdultVariant = 'one-hots' | 'inter';

/** Edges of bins, from 5-year and other round steps. */
const BINS = {
  age: [20, 25, 30, 35, 40, 45, 50, 55, 60, 65],
  hours_per_week: [20, 35, 40, 41, 50, 60],
  capital_gain: [1, 3000, 5000, 7000, 15_000],
  capital_loss: [1, 1700, 2000],
} as const;

/** Levels of schooling, 1 … 16. */
const EDUCATION_LEVELS = 16;

/** As the description of the data lists them; `?` is a missing answer. */
const VOCABULARIES = {
  workclass: [
    'Private',
    'Self-emp-not-inc',
    'Self-emp-inc',
    'Federal-gov',
    'Local-gov',
    'State-gov',
    'Without-pay',
    'Never-worked',
    '?',
  ],
  marital_status: [
    'Married-civ-spouse',
    'Divorced',
    'Never-married',
    'Separated',
    'Widowed',
    'Married-spouse-absent',
    'Married-AF-spouse',
  ],
  occupation: [
    'Tech-support',
    'Craft-repair',
    'Other-service',
    'Sales',
    'Exec-managerial',
    'Prof-specialty',
    'Handlers-cleaners',
    'Machine-op-inspct',
    'Adm-clerical',
    'Farming-fishing',
    'Transport-moving',
    'Priv-house-serv',
    'Protective-serv',
    'Armed-Forces',
    '?',
  ],
} as const;
const MARRIED: readonly string[] = ['Married-civ-spouse', 'Married-AF-spouse'];
const CROSSED: readonly string[] = ['education_num', 'age', 'occupation'];

/** One field as a category of each row. */
interface Category {
  readonly field: string;
  readonly size: number;
  /** `[rows]`, 0 … size − 1. */
  readonly values: Uint8Array;
}

/**
 * Adult census, both files pooled: whether the income is above 50,000. 48,842 users. Sex, race, country and
 * the census weight are left out. Null when the data is missing.
 */
export function loadAdult(
  variant: AdultVariant = 'one-hots',
  log?: (line: string) => void,
): UtilityTask | null {
  const folder = dataFolder('adult', log);
  if (folder === null) return null;
  const parts = ['adult-train.csv.gz', 'adult-test.csv.gz'].map((file) => {
    const columns = readColumns(join(folder, file));
    return {
      categories: categoriesOf(columns, variant),
      labels: zeroOrOne(columns, 'income', '>50K', '<=50K'),
    };
  });
  const [first] = parts;
  if (first === undefined) return null;
  const users = parts.reduce((sum, part) => sum + part.labels.length, 0);
  const features = first.categories.flatMap(({ field, size }) =>
    Array.from({ length: size }, (_, i) => `${field} ${i}`),
  );
  const width = features.length;
  const phi = new Float32Array(users * width);
  const labels = new Float32Array(users);
  let row = 0;
  for (const part of parts) {
    labels.set(part.labels, row);
    for (let i = 0; i < part.labels.length; i++, row++) {
      const values = new Float64Array(width);
      let offset = 0;
      for (const category of part.categories) {
        const value = category.values[i] as number;
        if (value !== ABSENT) values[offset + value] = 1;
        offset += category.size;
      }
      setUnitRow(phi, row, values);
    }
  }
  return {
    name: 'adult',
    variant,
    users: Array.from({ length: users }, (_, i) => `person ${i + 1}`),
    tags: ['income above 50000'],
    features,
    phi,
    history: null,
    historyWeight: 0,
    labels,
    sharedTags: false,
    metric: 'auc',
    labelDensity: 0.25,
  };
}

/** Marks a row to which a crossed field does not apply. */
const ABSENT = 255;

function categoriesOf(columns: Columns, variant: AdultVariant): Category[] {
  const binned = Object.entries(BINS).map(([field, edges]) => ({
    field,
    size: edges.length + 1,
    values: Uint8Array.from(numbers(columns, field), (value) => binOf(value, edges)),
  }));
  const education = {
    field: 'education_num',
    size: EDUCATION_LEVELS,
    values: Uint8Array.from(numbers(columns, 'education_num'), (level) => level - 1),
  };
  const worded = Object.entries(VOCABULARIES).map(([field, vocabulary]) => ({
    field,
    size: vocabulary.length,
    values: Uint8Array.from(words(columns, field), (word) => positionIn(vocabulary, word, field)),
  }));
  const plain: Category[] = [...binned, education, ...worded];
  if (variant === 'one-hots') return plain;
  const married = words(columns, 'marital_status').map((status) => MARRIED.includes(status));
  const crossed = plain
    .filter(({ field }) => CROSSED.includes(field))
    .map(({ field, size, values }) => ({
      field: `married and ${field}`,
      size,
      values: values.map((value, row) => (married[row] === true ? value : ABSENT)),
    }));
  return [...plain, ...crossed];
}
