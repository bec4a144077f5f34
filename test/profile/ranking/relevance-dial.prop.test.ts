import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialList } from '../../../src/profile/ranking/relevance-dial.ts';

const list = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 12 });

describe('dialList', () => {
  it('is exactly everybody’s list at 0, and does not ask for the other', () => {
    fc.assert(
      fc.property(list, (common) => {
        const never = (): never => {
          throw new Error('the person was looked at');
        };
        expect(dialList(common, 0, never)).toEqual(common);
      }),
    );
  });

  it('begins with the personalised list at 1, with the rest of everybody’s behind it', () => {
    fc.assert(
      fc.property(list, list, (common, own) => {
        const rest = common.filter((item) => !own.includes(item));
        expect(dialList(common, 1, () => own)).toEqual([...own, ...rest]);
      }),
    );
  });

  it('holds every item once and keeps the order on which both agree', () => {
    const dial = fc.double({ min: 0.001, max: 1, noNaN: true });
    fc.assert(
      fc.property(list, list, dial, (common, own, at) => {
        const mixed = dialList(common, at, () => own);
        expect([...mixed].sort()).toEqual([...new Set([...common, ...own])].sort());
        const agreed = common.filter((item) => own.includes(item));
        for (const first of agreed) {
          for (const second of agreed) {
            const both =
              common.indexOf(first) < common.indexOf(second) &&
              own.indexOf(first) < own.indexOf(second);
            if (both) expect(mixed.indexOf(first)).toBeLessThan(mixed.indexOf(second));
          }
        }
      }),
    );
  });

  it('moves an item only the person gets up as the dial is turned', () => {
    const common = ['p', 'q', 'r', 's'];
    const places = [0.1, 0.4, 0.6, 1].map((dial) =>
      dialList(common, dial, () => ['a']).indexOf('a'),
    );
    expect(places).toEqual([...places].sort((a, b) => b - a));
    expect(places.at(-1)).toBe(0);
    expect(places[0]).toBeGreaterThan(0);
  });

  it('refuses a dial out of range and lists with an item twice', () => {
    expect(() => dialList([], 1.01, () => [])).toThrow(RangeError);
    expect(() => dialList(['a', 'a'], 0, () => [])).toThrow(RangeError);
    expect(() => dialList([], 1, () => ['a', 'a'])).toThrow(RangeError);
  });
});
