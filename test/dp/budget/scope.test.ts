import { expect, it } from 'vitest';
import type { Population } from '../../../src/dp/budget/account-classes.ts';
import { Scope } from '../../../src/dp/budget/scope.ts';

it('moves the sums of a population to its members before they stop being exact', () => {
  const population: Population = { name: 'p', index: 0, size: 2 };
  const of = { index: 1, group: '', erased: false, populations: [population] };
  const members = Uint32Array.of(1, 4);
  const scope = new Scope(1);
  const large = Float64Array.of(2 ** 52 - 1);
  scope.addPooled(population, large, 1);
  scope.rebase(population, () => members);
  expect(scope.own.get(1)).toBe(0);
  scope.addPooled(population, Float64Array.of(3), 1);
  scope.rebase(population, () => members);
  expect(scope.own.get(4)).toBe(2 ** 52 + 2);
  expect(scope.pooled.get(population)?.[0]).toBe(0);
  scope.addPooled(population, large, -1);
  expect(scope.spent(1, of, 0)).toBe(3);
});
