import { expect, it } from 'vitest';
import { Generations } from '../../../src/dp/budget/generations.ts';

const DAY = 24 * 3_600_000;

it('remembers for thirty days at least, and sixty at most', () => {
  const map = new Generations<number>();
  let seq = 0;
  for (let day = 0; day < 100; day++)
    expect(map.add(`day ${day}`, day, day * DAY, seq++)).toBe(true);
  for (let day = 70; day < 100; day++) expect(map.get(`day ${day}`)).toBe(day);
  for (let day = 0; day < 39; day++) expect(map.get(`day ${day}`)).toBeUndefined();
  expect(map.oldest).toBe(60);
});

it('says when a key is not new, in either half', () => {
  const map = new Generations<number>();
  map.add('a', 1, 0, 0);
  expect(map.add('a', 2, 1, 1)).toBe(false);
  map.add('b', 3, 31 * DAY, 2);
  expect(map.add('a', 4, 31 * DAY, 3)).toBe(false);
});

it('goes on from its halves', () => {
  const map = new Generations<number>();
  map.add('a', 1, 0, 0);
  map.add('b', 2, 31 * DAY, 1);
  const copy = new Generations<number>();
  copy.restore(...map.halves());
  expect(copy.get('a')).toBe(1);
  copy.add('c', 3, 62 * DAY, 2);
  expect(copy.get('a')).toBeUndefined();
  expect(copy.get('b')).toBe(2);
});
