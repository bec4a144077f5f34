import { join } from 'node:path';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { normalQuantile } from '../../src/core/special/index.ts';
import {
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
 * Feature maps, each then scaled to norm 1 by itself: `num` 8 bounded numbers of the session and 0.4 × the
 * one-hot of the month; `rff200` 200 random Fourier features (100 frequencies, cosine and sine) of the same
 * numbers with 0.3 × month, for the kernel exp(−½‖x − y‖²).
 */
export type OnlineShoppersVariant = 'num' | 'rff200';

/** The calendar as the file spells it; two months never occur there, which a client could not know. */
const MONTHS = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'June',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
] as const;

/** Caps of log(1 + v), set from what the columns mean. */
const LOG_CAPS = [
  ['Administrative', 3],
  ['Informational', 2],
  ['ProductRelated', 5],
  ['ProductRelated_Duration', 9],
] as const;
const RATE_CAP = 0.1;
const PAGE_VALUE_CAP = 4;
const PAGE_VALUE_WEIGHT = 2;
const MONTH_WEIGHT: Readonly<Record<OnlineShoppersVariant, number>> = { num: 0.4, rff200: 0.3 };
const FREQUENCIES = 100;
/** gamma 0.5: the kernel exp(−gamma ‖x − y‖²) has normal frequencies of variance 2 gamma. */
const GAMMA = 0.5;
const FREQUENCY_SEED = 'online-shoppers/rff200';

const NUMBER_NAMES = [
  ...LOG_CAPS.map(([column]) => `log ${column}`),
  'BounceRates',
  'ExitRates',
  'log PageValues',
  'has PageValues',
] as const;

/**
 * Online Shoppers: whether a session in a shop ends in a purchase. 12,330 sessions, by the donors each of
 * another user. Null when the data is missing.
 */
export function loadOnlineShoppers(
  variant: OnlineShoppersVariant = 'num',
  log?: (line: string) => void,
): UtilityTask | null {
  const folder = dataFolder('online-shoppers', log);
  if (folder === null) return null;
  const columns = readColumns(join(folder, 'online_shoppers_intention.csv'));
  const inputs = sessionRows(columns, MONTH_WEIGHT[variant]);
  const users = words(columns, 'Revenue').length;
  const map = variant === 'num' ? null : randomFourierMap(inputWidth);
  const width = map === null ? inputWidth : 2 * FREQUENCIES;
  const phi = new Float32Array(users * width);
  for (let row = 0; row < users; row++) {
    const input = inputs.subarray(row * inputWidth, (row + 1) * inputWidth);
    setUnitRow(phi, row, map === null ? input : map(input));
  }
  return {
    name: 'online-shoppers',
    variant,
    users: Array.from({ length: users }, (_, row) => `session ${row + 1}`),
    tags: ['purchase'],
    features:
      map === null
        ? [...NUMBER_NAMES, ...MONTHS]
        : Array.from({ length: width }, (_, i) => `${i % 2 === 0 ? 'cos' : 'sin'} ${i >> 1}`),
    phi,
    history: null,
    historyWeight: 0,
    labels: zeroOrOne(columns, 'Revenue', 'TRUE', 'FALSE'),
    sharedTags: false,
    metric: 'auc',
    labelDensity: 0.2,
  };
}

const inputWidth = NUMBER_NAMES.length + MONTHS.length;

/** `[sessions, inputWidth]`, before the scaling to norm 1. */
function sessionRows(columns: Columns, monthWeight: number): Float64Array {
  const logs = LOG_CAPS.map(([column, cap]) =>
    numbers(columns, column).map((value) => Math.min(Math.log1p(value), cap) / cap),
  );
  const rates = ['BounceRates', 'ExitRates'].map((column) =>
    numbers(columns, column).map((value) => Math.min(value, RATE_CAP) / RATE_CAP),
  );
  const pageValues = numbers(columns, 'PageValues');
  const bounded = [
    ...logs,
    ...rates,
    pageValues.map((value) => PAGE_VALUE_WEIGHT * Math.min(Math.log1p(value) / PAGE_VALUE_CAP, 1)),
    pageValues.map((value) => (value > 0 ? PAGE_VALUE_WEIGHT : 0)),
  ];
  const months = words(columns, 'Month');
  const rows = new Float64Array(months.length * inputWidth);
  months.forEach((month, row) => {
    const at = row * inputWidth;
    bounded.forEach((column, i) => {
      rows[at + i] = column[row] as number;
    });
    rows[at + bounded.length + positionIn(MONTHS, month, 'Month')] = monthWeight;
  });
  return rows;
}

/**
 * Random Fourier features (Rahimi and Recht, NIPS 2007): cos(ωx) and sin(ωx) for frequencies drawn once from
 * a fixed seed, so that every client maps alike and nobody's data is looked at.
 */
function randomFourierMap(width: number): (input: Float64Array) => Float64Array {
  const random = new SeededRandom(FREQUENCY_SEED);
  const deviation = Math.sqrt(2 * GAMMA);
  const frequencies = Float64Array.from(
    { length: FREQUENCIES * width },
    () => deviation * normalQuantile((random.uint32() + 0.5) / 2 ** 32),
  );
  return (input) => {
    const mapped = new Float64Array(2 * FREQUENCIES);
    for (let k = 0; k < FREQUENCIES; k++) {
      let phase = 0;
      for (let i = 0; i < width; i++) {
        phase += (frequencies[k * width + i] as number) * (input[i] as number);
      }
      mapped[2 * k] = Math.cos(phase);
      mapped[2 * k + 1] = Math.sin(phase);
    }
    return mapped;
  };
}
