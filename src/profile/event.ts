import { VelaturaError } from '../core/errors.ts';

/** One thing a person did: the library's event format, a line of an events file. */
export interface ProfileEvent {
  /** Account of the person, as the application knows it. */
  readonly user: string;
  /** When it happened: milliseconds since 1970-01-01T00:00Z. */
  readonly time: number;
  /** Context of use in which it happened. */
  readonly scene: string;
  /** Kind of data, as declared in the schema. */
  readonly kind: string;
  /** Tag to which it speaks. */
  readonly tag: string;
  /** How much: a count, seconds, … ; finite, at least 0. */
  readonly value: number;
}

/** Columns of an events file, in order. */
export const EVENT_COLUMNS = ['user', 'time', 'scene', 'kind', 'tag', 'value'] as const;

/** One line of an events file as text. */
export type EventFields = Readonly<Record<(typeof EVENT_COLUMNS)[number], string>>;

const UTC_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{3}))?)?Z$/;

/**
 * A time such as `2026-05-01T09:12:00Z` in milliseconds; null when it is not one, has no `Z` or names a day
 * that does not exist.
 */
export function parseUtcTime(text: string): number | null {
  const match = text.length <= 24 ? UTC_TIME.exec(text) : null;
  if (match === null) return null;
  const [year, month, day, hour, minute, second, milli] = match
    .slice(1)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number, number];
  const time = Date.UTC(year, month - 1, day, hour, minute, second, milli);
  const date = new Date(time);
  // Date.UTC carries 30 February over into March; such a date is refused, not repaired.
  const exact =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  return exact ? time : null;
}

/**
 * Reads one line of an events file.
 *
 * @param row - number of the line, for the error only
 * @throws {VelaturaError} `data/invalid-value`; details name row and column
 */
export function parseEvent(fields: EventFields, row: number): ProfileEvent {
  for (const column of ['user', 'scene', 'kind', 'tag'] as const) {
    if (fields[column] === '') throw badField(row, column, 'a name');
  }
  const time = parseUtcTime(fields.time);
  if (time === null) throw badField(row, 'time', 'a UTC time such as 2026-05-01T09:12:00Z');
  const value = fields.value.trim() === '' ? Number.NaN : Number(fields.value);
  if (!Number.isFinite(value) || value < 0) throw badField(row, 'value', 'a number of at least 0');
  const { user, scene, kind, tag } = fields;
  return { user, time, scene, kind, tag, value };
}

function badField(row: number, column: string, expected: string): VelaturaError {
  return new VelaturaError(
    'data/invalid-value',
    `row ${row}: column "${column}" expected ${expected}`,
    { row, column },
  );
}
