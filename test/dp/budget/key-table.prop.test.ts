import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyTable } from '../../../src/dp/budget/key-table.ts';

it('answers as a Map does, in the order of adding', () => {
  // Few letters and any length, so that texts come back and begin alike.
  const key = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', '\u0000'), maxLength: 7 }),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(key, { maxLength: 300 }), key, (keys, other) => {
      const table = new KeyTable<number>();
      const map = new Map<string, number>();
      for (const [i, each] of keys.entries()) {
        expect(table.add(each, i)).toBe(!map.has(each));
        if (!map.has(each)) map.set(each, i);
      }
      for (const each of [...keys, other]) expect(table.get(each)).toBe(map.get(each));
      expect([...table.entries()]).toEqual([...map]);
      expect(table.size).toBe(map.size);
    }),
  );
});

it('holds a hundred thousand keys that differ little', () => {
  const table = new KeyTable<number>();
  for (let i = 0; i < 100_000; i++) expect(table.add(`round ${i}`, i)).toBe(true);
  for (let i = 0; i < 100_000; i += 97) expect(table.get(`round ${i}`)).toBe(i);
  expect(table.get('round 100000')).toBeUndefined();
});
