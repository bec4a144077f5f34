import { describe, expect, it } from 'vitest';
import { filterBubble, type ShownItem } from '../../../src/profile/ranking/filter-bubble.ts';

const ALL = ['a', 'b', 'c', 'd'];
const shown = (...names: string[]): ShownItem[] =>
  names.map((categories, i) => ({ item: `${i}`, categories: [...categories] }));

describe('filterBubble', () => {
  it('is widest for an even mix like that of the control', () => {
    const even = shown('a', 'b', 'c', 'd');
    const bubble = filterBubble(even, even, ALL);
    expect(bubble).toEqual({ coverage: 1, entropy: 1, gini: 0, drift: 0 });
  });

  it('is narrowest for one category that the control never saw', () => {
    const bubble = filterBubble(shown('a', 'a', 'a'), shown('b', 'c'), ALL);
    expect(bubble.coverage).toBe(0.25);
    expect(bubble.entropy).toBe(0);
    expect(bubble.gini).toBeCloseTo(0.75);
    expect(bubble.drift).toBeCloseTo(1);
  });

  it('is what the formulas say in between', () => {
    const bubble = filterBubble(shown('a', 'a', 'a', 'b'), shown('a', 'b'), ['a', 'b']);
    const h = (p: number): number => -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
    expect(bubble.entropy).toBeCloseTo(h(0.75));
    expect(bubble.gini).toBeCloseTo(0.25);
    expect(bubble.drift).toBeCloseTo(Math.sqrt(h(0.625) - (h(0.75) + 1) / 2));
  });

  it('counts items of several categories in part and leaves unknown ones out', () => {
    const bubble = filterBubble(shown('ab', 'zz'), shown('a', 'b'), ['a', 'b']);
    expect(bubble.drift).toBeCloseTo(0);
    expect(() => filterBubble(shown('z'), shown('a'), ALL)).toThrow(RangeError);
    expect(() => filterBubble(shown('a'), shown('a'), ['a', 'a'])).toThrow(RangeError);
    expect(filterBubble(shown('a'), shown('a'), ['a']).entropy).toBe(1);
  });
});
