const DAY = 86_400_000;
const WEEK = 7 * DAY;
/** Four digits hold these years. */
const FIRST_YEAR = 1;
const LAST_YEAR = 9999;

/** Lengths of calendar epochs: day, ISO week, month, quarter, year. */
export type EpochLength = 'P1D' | 'P1W' | 'P1M' | 'P3M' | 'P1Y';

/** All lengths, the shortest first. */
export const EPOCH_LENGTHS: readonly EpochLength[] = ['P1D', 'P1W', 'P1M', 'P3M', 'P1Y'];

/**
 * Epochs of data: the calendar in UTC, cut into stretches that neither overlap nor leave a gap. Every
 * moment of the years 1 to 9999 is in exactly one.
 */
export interface Calendar {
  readonly length: EpochLength;
  /**
   * Name of the epoch that holds a moment.
   *
   * @param time - milliseconds since 1970
   * @throws {RangeError} outside the years 1 to 9999
   */
  nameAt(time: number): string;
  /** Its first millisecond; null for what is not a name of this calendar. */
  start(name: string): number | null;
  /** The first millisecond after it; null for what is not a name of this calendar. */
  end(name: string): number | null;
  /**
   * Names of the epochs in which data from `from` to `to` lies, both included, in order.
   *
   * @throws {RangeError} when `to` is before `from`, or either is outside the years 1 to 9999
   */
  between(from: number, to: number): readonly string[];
}

/** First millisecond of a day. Days and months beyond their range carry over. */
function utc(year: number, month: number, day: number): number {
  // Date.UTC would take the years 1 to 99 for those of the last century.
  return new Date(0).setUTCFullYear(year, month, day);
}

/** Monday on or before that day. */
function mondayOf(day: number): number {
  return day - ((new Date(day).getUTCDay() + 6) % 7) * DAY;
}

/** The week with the year's first Thursday, which is the one that holds 4 January. */
function firstMonday(year: number): number {
  return mondayOf(utc(year, 0, 4));
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}

/** How one length names its epochs and where they begin. */
interface Cut {
  /** `day` is the first millisecond of a day. */
  name(day: number): string;
  readonly pattern: RegExp;
  /** First millisecond from the numbers in a name; of an epoch by another name where there is none such. */
  start(year: number, part: number, day: number): number;
  /** First millisecond of the epoch after the one that begins at `start`. */
  next(start: number): number;
}

function yearOf(day: number): number {
  return new Date(day).getUTCFullYear();
}

function monthsAfter(start: number, months: number): number {
  return utc(yearOf(start), new Date(start).getUTCMonth() + months, 1);
}

const CUTS: Readonly<Record<EpochLength, Cut>> = {
  P1D: {
    name: (day) => new Date(day).toISOString().slice(0, 10),
    pattern: /^(\d{4})-(\d{2})-(\d{2})$/,
    start: (year, month, day) => utc(year, month - 1, day),
    next: (start) => start + DAY,
  },
  P1W: {
    name: (day) => {
      const monday = mondayOf(day);
      const year = yearOf(monday + 3 * DAY);
      return `${digits(year, 4)}-W${digits((monday - firstMonday(year)) / WEEK + 1, 2)}`;
    },
    pattern: /^(\d{4})-W(\d{2})$/,
    start: (year, week) => firstMonday(year) + (week - 1) * WEEK,
    next: (start) => start + WEEK,
  },
  P1M: {
    name: (day) => new Date(day).toISOString().slice(0, 7),
    pattern: /^(\d{4})-(\d{2})$/,
    start: (year, month) => utc(year, month - 1, 1),
    next: (start) => monthsAfter(start, 1),
  },
  P3M: {
    name: (day) => `${digits(yearOf(day), 4)}-Q${Math.floor(new Date(day).getUTCMonth() / 3) + 1}`,
    pattern: /^(\d{4})-Q(\d)$/,
    start: (year, quarter) => utc(year, 3 * (quarter - 1), 1),
    next: (start) => monthsAfter(start, 3),
  },
  P1Y: {
    name: (day) => digits(yearOf(day), 4),
    pattern: /^(\d{4})$/,
    start: (year) => utc(year, 0, 1),
    next: (start) => monthsAfter(start, 12),
  },
};

const FIRST = utc(FIRST_YEAR, 0, 1);
const AFTER_LAST = utc(LAST_YEAR + 1, 0, 1);

function nameAt(cut: Cut, time: number): string {
  if (!(time >= FIRST && time < AFTER_LAST)) {
    throw new RangeError(
      `"time" expected milliseconds within the years ${FIRST_YEAR} to ${LAST_YEAR}, got ${time}`,
    );
  }
  return cut.name(Math.floor(time / DAY) * DAY);
}

function startOf(cut: Cut, name: string): number | null {
  const match = cut.pattern.exec(name);
  if (match === null) return null;
  const part = (index: number): number => Number(match[index] ?? 1);
  const start = cut.start(part(1), part(2), part(3));
  // A month 13 or a week 53 of a short year begins another epoch; the name tells.
  if (!(start >= FIRST && start < AFTER_LAST)) return null;
  return cut.name(start) === name ? start : null;
}

/** The calendar cut into epochs of that length. */
export function calendar(length: EpochLength): Calendar {
  const cut = CUTS[length];
  return {
    length,
    nameAt: (time) => nameAt(cut, time),
    start: (name) => startOf(cut, name),
    end: (name) => {
      const start = startOf(cut, name);
      return start === null ? null : cut.next(start);
    },
    between: (from, to) => {
      const last = nameAt(cut, to);
      const names = [nameAt(cut, from)];
      if (to < from) throw new RangeError(`"to" expected at least ${from}, got ${to}`);
      while (names.at(-1) !== last) {
        const start = startOf(cut, names.at(-1) as string) as number;
        names.push(cut.name(cut.next(start)));
      }
      return names;
    },
  };
}
