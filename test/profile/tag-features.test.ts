import { describe, expect, it } from 'vitest';
import { share, smoothedShare, sqrtShare, tagCounts, unitNorm } from '../../src/profile/index.ts';
import { HOSTILE_NAMES, order, START, watching } from './fixtures.ts';

const TAGS = ['kitchen', 'baby'];
const FOOD = { scene: 'live-food' };

describe('tagCounts', () => {
  it('sums values by tag, in the order asked for', () => {
    const events = [
      order(),
      order({ tag: 'baby' }),
      order({ value: 0.5 }),
      order({ tag: 'other' }),
    ];
    expect([...tagCounts(events, TAGS, FOOD)]).toEqual([2.5, 2]);
    expect([...tagCounts([], TAGS, FOOD)]).toEqual([0, 0]);
  });

  it('leaves out what happened from the cut-off on', () => {
    const events = [order({ time: START - 1 }), order({ time: START, value: 100 })];
    expect([...tagCounts(events, TAGS, { ...FOOD, before: START })]).toEqual([2, 0]);
    expect(() => tagCounts(events, TAGS, { ...FOOD, before: Number.NaN })).toThrow(RangeError);
  });

  it('refuses to count over two scenes', () => {
    expect(() => tagCounts([order(), watching()], TAGS, FOOD)).toThrow(
      expect.objectContaining({ code: 'profile/flow-unauthorised' }),
    );
  });

  it('refuses to count over two people and tags named twice', () => {
    expect(() => tagCounts([order(), order({ user: 'u2' })], TAGS, FOOD)).toThrow(RangeError);
    expect(() => tagCounts([], ['kitchen', 'kitchen'], FOOD)).toThrow(RangeError);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('refuses the value %d by row', (value) => {
    expect(() => tagCounts([order(), order({ value })], TAGS, FOOD)).toThrow(
      expect.objectContaining({
        code: 'data/invalid-value',
        details: { row: 1, column: 'value' },
      }),
    );
  });

  it('refuses a sum that overflows', () => {
    const huge = order({ value: Number.MAX_VALUE });
    expect(() => tagCounts([huge, huge], TAGS, FOOD)).toThrow(
      expect.objectContaining({ code: 'data/invalid-value' }),
    );
  });

  it('counts hostile tags like any other', () => {
    const events = HOSTILE_NAMES.map((tag) => order({ tag, value: 1 }));
    expect([...tagCounts(events, HOSTILE_NAMES, FOOD)]).toEqual(HOSTILE_NAMES.map(() => 1));
  });
});

describe('shares', () => {
  it('follow their formulas', () => {
    expect([...share([1, 3])]).toEqual([0.25, 0.75]);
    expect([...smoothedShare([1, 3])]).toEqual([2 / 6, 4 / 6]);
    expect([...sqrtShare([1, 3])]).toEqual([Math.sqrt(1.5 / 5), Math.sqrt(3.5 / 5)]);
  });

  it('are public for a person without history', () => {
    expect([...share([0, 0])]).toEqual([0, 0]);
    expect([...smoothedShare([0, 0])]).toEqual([0.5, 0.5]);
    expect([...sqrtShare([0, 0])]).toEqual([Math.SQRT1_2, Math.SQRT1_2]);
  });

  it.each([
    [[Number.NaN]],
    [[-1]],
    [[Number.POSITIVE_INFINITY]],
    [[Number.MAX_VALUE, Number.MAX_VALUE]],
  ])('refuse %j', (counts) => {
    for (const map of [share, smoothedShare, sqrtShare])
      expect(() => map(counts)).toThrow(RangeError);
  });
});

describe('unitNorm', () => {
  it('scales by itself', () => {
    expect([...unitNorm([3, 4])]).toEqual([0.6, 0.8]);
    expect([...unitNorm(new Float32Array([0, 0]))]).toEqual([0, 0]);
    expect(() => unitNorm([Number.NaN])).toThrow(RangeError);
  });
});
