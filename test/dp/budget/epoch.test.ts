import { describe, expect, it } from 'vitest';
import { calendar, EPOCH_LENGTHS, type EpochLength } from '../../../src/dp/budget/epoch.ts';

const at = (text: string): number => Date.parse(text);

describe('calendar', () => {
  it.each<readonly [EpochLength, string, string, string, string]>([
    ['P1D', '2026-11-22T23:59:59.999Z', '2026-11-22', '2026-11-22T00:00Z', '2026-11-23T00:00Z'],
    ['P1D', '2028-02-29T12:00Z', '2028-02-29', '2028-02-29T00:00Z', '2028-03-01T00:00Z'],
    ['P1W', '2026-11-22T12:00Z', '2026-W47', '2026-11-16T00:00Z', '2026-11-23T00:00Z'],
    ['P1M', '2026-11-22T12:00Z', '2026-11', '2026-11-01T00:00Z', '2026-12-01T00:00Z'],
    ['P1M', '2026-12-31T12:00Z', '2026-12', '2026-12-01T00:00Z', '2027-01-01T00:00Z'],
    ['P3M', '2026-11-22T12:00Z', '2026-Q4', '2026-10-01T00:00Z', '2027-01-01T00:00Z'],
    ['P3M', '2026-03-31T23:00Z', '2026-Q1', '2026-01-01T00:00Z', '2026-04-01T00:00Z'],
    ['P1Y', '2026-11-22T12:00Z', '2026', '2026-01-01T00:00Z', '2027-01-01T00:00Z'],
    ['P1Y', '1969-12-31T23:59:59.999Z', '1969', '1969-01-01T00:00Z', '1970-01-01T00:00Z'],
    ['P1D', '0099-01-01T00:00Z', '0099-01-01', '0099-01-01T00:00Z', '0099-01-02T00:00Z'],
  ])('%s: %s is in %s', (length, time, name, start, end) => {
    const epochs = calendar(length);
    expect(epochs.length).toBe(length);
    expect(epochs.nameAt(at(time))).toBe(name);
    expect(epochs.start(name)).toBe(at(start));
    expect(epochs.end(name)).toBe(at(end));
  });

  // ISO 8601: a week belongs to the year that holds its Thursday.
  it.each([
    ['2024-12-30', '2025-W01'],
    ['2026-12-31', '2026-W53'],
    ['2027-01-03', '2026-W53'],
    ['2027-01-04', '2027-W01'],
    ['2021-01-03', '2020-W53'],
    ['2022-01-02', '2021-W52'],
    ['2016-01-01', '2015-W53'],
    ['2008-12-29', '2009-W01'],
    ['2010-01-03', '2009-W53'],
  ])('%s is in week %s', (day, week) => {
    expect(calendar('P1W').nameAt(at(`${day}T12:00Z`))).toBe(week);
  });

  it.each<readonly [EpochLength, readonly string[]]>([
    ['P1D', ['2026-02-29', '2026-13-01', '2026-00-10', '2026-11', '2026-11-22 ', '26-11-22', '']],
    ['P1W', ['2025-W53', '2026-W54', '2026-W00', '2026-W1', '2026-47', '2026-w47']],
    ['P1M', ['2026-13', '2026-00', '2026', '2026-1', '2026-11-01', '12026-11', '0000-12']],
    ['P3M', ['2026-Q5', '2026-Q0', '2026-4', '2026-q4']],
    ['P1Y', ['26', '02026', '0000', '2026-01', '−2026', '١٩٩٩']],
  ])('%s refuses names that are none', (length, names) => {
    for (const name of names) {
      expect(calendar(length).start(name), name).toBeNull();
      expect(calendar(length).end(name), name).toBeNull();
    }
  });

  it('names all epochs in which data of a stretch lies', () => {
    const months = calendar('P1M');
    const first = at('2026-11-30T23:59:59.999Z');
    expect(months.between(first, first)).toEqual(['2026-11']);
    expect(months.between(first, first + 1)).toEqual(['2026-11', '2026-12']);
    expect(months.between(first, at('2027-02-01T00:00Z'))).toEqual([
      '2026-11',
      '2026-12',
      '2027-01',
      '2027-02',
    ]);
    expect(calendar('P1W').between(at('2026-12-27T00:00Z'), at('2027-01-04T00:00Z'))).toEqual([
      '2026-W52',
      '2026-W53',
      '2027-W01',
    ]);
  });

  it('knows the years 1 to 9999 and no others', () => {
    for (const length of EPOCH_LENGTHS) {
      const epochs = calendar(length);
      expect(epochs.nameAt(at('0001-01-01T00:00Z'))).toMatch(/^0001/);
      expect(epochs.nameAt(at('9999-12-31T23:59:59.999Z'))).toMatch(/^9999/);
      for (const time of [at('0000-12-31T23:59Z'), at('+010000-01-01T00:00Z'), Number.NaN]) {
        expect(() => epochs.nameAt(time)).toThrow(RangeError);
        expect(() => epochs.between(time, 0)).toThrow(RangeError);
        expect(() => epochs.between(0, time)).toThrow(RangeError);
      }
      expect(() => epochs.between(1, 0)).toThrow(/"to" expected at least 1, got 0/);
    }
  });
});
