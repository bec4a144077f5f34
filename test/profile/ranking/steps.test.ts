import { describe, expect, it } from 'vitest';
import { calibrate, calibrationError } from '../../../src/profile/ranking/calibration.ts';
import type { Candidate } from '../../../src/profile/ranking/candidate.ts';
import { categorySimilarity, diversify } from '../../../src/profile/ranking/diversity.ts';
import { decayRepetition, limitExposure } from '../../../src/profile/ranking/exposure.ts';
import { isQuiet } from '../../../src/profile/ranking/quiet-hours.ts';
import { candidates } from './fixtures.ts';

const names = (list: readonly Candidate[]): string => list.map(({ item }) => item).join('');
const AT = Date.UTC(2026, 4, 1, 12);
const HOUR = 3_600_000;

describe('diversify', () => {
  it('keeps the order of relevance at 0 and spreads categories above', () => {
    expect(names(diversify(candidates(6), { length: 6, diversity: 0 }))).toBe('abcdef');
    // a takes its category; then 0.5·3/6 of d beats 0.5·5/6 − 0.5 of b.
    expect(names(diversify(candidates(6), { length: 3, diversity: 0.5 }))).toBe('adb');
  });

  it('orders equal ones by name and takes each item once', () => {
    const equal = candidates(4).map((candidate) => ({ ...candidate, relevance: 0 }));
    expect(names(diversify([...equal].reverse(), { length: 9, diversity: 0 }))).toBe('abcd');
    expect(() => diversify([...equal, ...equal], { length: 2, diversity: 0 })).toThrow(RangeError);
    const wrong = candidates(2).map((candidate) => ({ ...candidate, relevance: Number.NaN }));
    expect(() => diversify(wrong, { length: 2, diversity: 0 })).toThrow(RangeError);
  });

  it('measures likeness by categories in common', () => {
    const of = (...categories: string[]): Candidate => ({
      item: categories.join(),
      relevance: 1,
      categories,
      provider: 'p',
    });
    expect(categorySimilarity(of('a', 'b'), of('b', 'c'))).toBeCloseTo(1 / 3);
    expect(categorySimilarity(of('a'), of('a'))).toBe(1);
    expect(categorySimilarity(of(), of())).toBe(0);
  });
});

describe('calibrate', () => {
  const target = new Map([
    ['first', 0.7],
    ['second', 0.3],
  ]);

  it('comes nearer to the target than relevance alone', () => {
    const all = candidates(20);
    const plain = calibrate(all, { length: 10, calibration: 0, target });
    const mixed = calibrate(all, { length: 10, calibration: 0.99, target });
    expect(names(plain)).toBe('abcdefghij');
    expect(mixed.filter(({ categories }) => categories[0] === 'second')).toHaveLength(3);
    expect(calibrationError(mixed, target)).toBeLessThan(0.001);
    expect(calibrationError(plain, target)).toBeGreaterThan(0.3);
  });

  it('does not mind the scale of the target, and refuses one without shares', () => {
    const thrice = new Map([...target].map(([name, share]) => [name, 3 * share]));
    const options = { length: 10, calibration: 0.9 };
    expect(calibrate(candidates(20), { ...options, target: thrice })).toEqual(
      calibrate(candidates(20), { ...options, target }),
    );
    for (const bad of [new Map(), new Map([['a', 0]]), new Map([['a', Number.NaN]])]) {
      expect(() => calibrate([], { ...options, target: bad })).toThrow(RangeError);
    }
  });
});

describe('limitExposure', () => {
  const limits = { perProvider: 2, perItem: 2, periodMs: 24 * HOUR };

  it('takes at most so many of a provider and keeps the order', () => {
    expect(names(limitExposure(candidates(9), 9, limits, [], AT))).toBe('abcdef');
    expect(names(limitExposure(candidates(9), 2, limits, [], AT))).toBe('ab');
  });

  it('leaves out what was shown often enough within the period', () => {
    const shown = (hours: number) => ({ item: 'a', time: AT - hours * HOUR });
    expect(names(limitExposure(candidates(3), 3, limits, [shown(1), shown(2)], AT))).toBe('bc');
    expect(names(limitExposure(candidates(3), 3, limits, [shown(1), shown(24)], AT))).toBe('abc');
    // A clock that was set back does not bring an item back.
    expect(names(limitExposure(candidates(3), 3, limits, [shown(-5), shown(-9)], AT))).toBe('bc');
  });
});

describe('decayRepetition', () => {
  it('halves the memory of a showing with each half-life', () => {
    const decay = { retained: 0.25, halfLifeMs: HOUR };
    const of = (hours: number): number =>
      decayRepetition(candidates(1), decay, [{ item: 'a', time: AT - hours * HOUR }], AT)[0]
        ?.relevance as number;
    expect(of(0)).toBeCloseTo(0.25);
    expect(of(1)).toBeCloseTo(0.5);
    expect(of(2)).toBeCloseTo(Math.SQRT1_2);
    expect(of(-3)).toBeCloseTo(0.25);
  });

  it.each([0, 1.5, Number.NaN])('refuses to retain %d', (retained) => {
    expect(() => decayRepetition([], { retained, halfLifeMs: 1 }, [], AT)).toThrow(RangeError);
  });
});

describe('isQuiet', () => {
  const night = { from: '22:30', to: '07:00' };
  const at = (hours: number, minutes = 0): number => Date.UTC(2026, 4, 1, hours, minutes);

  it('knows spans over midnight and on the person’s clock', () => {
    expect(isQuiet(night, at(22, 29), 0)).toBe(false);
    expect(isQuiet(night, at(22, 30), 0)).toBe(true);
    expect(isQuiet(night, at(6, 59), 0)).toBe(true);
    expect(isQuiet(night, at(7), 0)).toBe(false);
    expect(isQuiet(night, at(14, 30), 480)).toBe(true);
    expect(isQuiet(night, at(3, 30), -300)).toBe(true);
    expect(isQuiet({ from: '12:00', to: '13:00' }, at(12, 30), 0)).toBe(true);
    expect(isQuiet({ from: '12:00', to: '12:00' }, at(3), 0)).toBe(true);
    expect(isQuiet(night, -30 * 60_000, 0)).toBe(true);
  });

  it.each([
    [{ from: '24:00', to: '07:00' }, 0],
    [{ from: '7:00', to: '08:00' }, 0],
    [night, 841],
    [night, 0.5],
  ])('refuses %j', (hours, offset) => {
    expect(() => isQuiet(hours, AT, offset)).toThrow(RangeError);
  });
});
