import { describe, expect, it } from 'vitest';
import { EVENT_COLUMNS, parseEvent, parseUtcTime } from '../../src/profile/index.ts';
import { endOfDay, parsePeriod } from '../../src/profile/period.ts';

const FIELDS = {
  user: 'u1',
  time: '2026-05-01T09:12:00Z',
  scene: 'live-food',
  kind: 'order',
  tag: 'kitchen',
  value: '2',
};

describe('parseEvent', () => {
  it('reads a line', () => {
    expect(parseEvent(FIELDS, 2)).toEqual({
      ...FIELDS,
      time: Date.UTC(2026, 4, 1, 9, 12),
      value: 2,
    });
    expect(Object.keys(FIELDS)).toEqual(EVENT_COLUMNS);
  });

  it.each([
    ['user', ''],
    ['scene', ''],
    ['kind', ''],
    ['tag', ''],
    ['time', '2026-05-01'],
    ['time', '2026-05-01T09:12:00'],
    ['time', '2026-05-01T09:12:00+08:00'],
    ['value', ''],
    ['value', ' '],
    ['value', 'NaN'],
    ['value', '-1'],
    ['value', 'Infinity'],
    ['value', '2 items'],
  ])('refuses %s "%s" and names row and column, not the value', (column, text) => {
    expect(() => parseEvent({ ...FIELDS, [column]: text }, 17)).toThrow(
      expect.objectContaining({ code: 'data/invalid-value', details: { row: 17, column } }),
    );
  });
});

describe('parseUtcTime', () => {
  it.each([
    ['1970-01-01T00:00Z', 0],
    ['2011-09-01T00:00:00Z', Date.UTC(2011, 8, 1)],
    ['2024-02-29T23:59:59.999Z', Date.UTC(2024, 1, 29, 23, 59, 59, 999)],
  ])('reads %s', (text, time) => {
    expect(parseUtcTime(text)).toBe(time);
  });

  it.each([
    '2026-02-29T00:00Z',
    '2026-13-01T00:00Z',
    '2026-01-01T24:00Z',
    '2026-01-01T00:60Z',
    '0001-01-01T00:00Z',
    'now',
    '9'.repeat(1_000_000),
  ])('refuses what is no time', (text) => {
    expect(parseUtcTime(text)).toBeNull();
  });
});

describe('periods and days', () => {
  it('counts the shortest months and years', () => {
    const day = 86_400_000;
    expect(parsePeriod('P90D')).toBe(90 * day);
    expect(parsePeriod('P2Y')).toBe(730 * day);
    expect(parsePeriod('P1Y2M3W4D')).toBe((365 + 56 + 21 + 4) * day);
    for (const text of [
      'P',
      'P0D',
      'PT1H',
      'P1.5D',
      '-P1D',
      'P1D2Y',
      '90',
      `P${'9'.repeat(99)}D`,
    ]) {
      expect(parsePeriod(text)).toBeNull();
    }
  });

  it('ends a day at midnight UTC', () => {
    expect(endOfDay('2027-05-31')).toBe(Date.UTC(2027, 5, 1));
    for (const text of ['2027-02-29', '2027-00-10', '31.05.2027', '0050-01-01', '2027-05-31Z']) {
      expect(endOfDay(text)).toBeNull();
    }
  });
});
