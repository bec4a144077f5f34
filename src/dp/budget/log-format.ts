import type { LimitName } from './budget.ts';
import type { FilterCurrency } from './currency.ts';
import type { LogRecord } from './log-record.ts';
import { PAGE_ACCOUNTS } from './store.ts';

/** Every kind of entry: its number, for all time, and how many items it has with number and time. */
export const ENTRY_KINDS: Readonly<
  Record<LogRecord['kind'], { readonly number: number; readonly items: number }>
> = {
  open: { number: 0, items: 8 },
  policy: { number: 1, items: 3 },
  plan: { number: 2, items: 5 },
  intern: { number: 3, items: 4 },
  rotate: { number: 4, items: 4 },
  erase: { number: 5, items: 4 },
  readmit: { number: 6, items: 4 },
  assign: { number: 7, items: 4 },
  join: { number: 8, items: 4 },
  leave: { number: 9, items: 4 },
  reserve: { number: 10, items: 11 },
  refuse: { number: 11, items: 12 },
  commit: { number: 12, items: 3 },
  release: { number: 13, items: 3 },
  expire: { number: 14, items: 3 },
  freeze: { number: 15, items: 3 },
  snapshot: { number: 16, items: 3 },
};

/** The number of each limit in a refusal, for all time. */
export const LIMIT_NUMBERS: Readonly<Record<LimitName, number>> = {
  'user-total': 0,
  'user-scene': 1,
  'scene-worst-case': 2,
  model: 3,
  delta: 4,
  'max-releases': 5,
  'min-aggregation-interval': 6,
  frozen: 7,
  erased: 8,
};

const CURRENCIES: Readonly<Record<FilterCurrency, true>> = { gdp: true, zcdp: true, rdp: true };
/** The currencies an opening may name. */
export const CURRENCY_NAMES: readonly FilterCurrency[] = Object.keys(
  CURRENCIES,
) as FilterCurrency[];

/** Names by number. */
function inverse<T extends string>(numbers: readonly (readonly [T, number])[]): readonly T[] {
  const names: T[] = [];
  for (const [name, number] of numbers) names[number] = name;
  return names;
}

/** The kind of each number. */
export const KIND_NAMES: readonly (LogRecord['kind'] | undefined)[] = inverse(
  Object.entries(ENTRY_KINDS).map(
    ([name, { number }]) => [name as LogRecord['kind'], number] as const,
  ),
);
/** The limit of each number. */
export const LIMIT_NAMES: readonly (LimitName | undefined)[] = inverse(
  Object.entries(LIMIT_NUMBERS) as [LimitName, number][],
);

/** Lengths of byte fields. */
export const KEY_CHECK_BYTES = 16;
export const DIGEST_BYTES = 32;

/** Greatest values: of a sum of units, of other whole numbers, of account numbers and of page numbers. */
export const MAX_UNITS: number = 2 ** 53;
export const MAX_COUNT: number = 2 ** 53 - 1;
export const MAX_ACCOUNTS: number = 2 ** 32;
export const MAX_PAGE: number = MAX_ACCOUNTS / PAGE_ACCOUNTS - 1;
