import { describe, expect, it } from 'vitest';
import { HashChain } from '../../../src/core/hash-chain.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import { budgetStoreConformance } from '../../../src/testing/budget-store-conformance.ts';

const chain = new HashChain('test');

describe('MemoryBudgetStore', () => {
  const cases = budgetStoreConformance({
    async create() {
      const store = new MemoryBudgetStore();
      return { open: async () => store };
    },
  });
  for (const { name, run } of cases) it(name, run);

  it('begins with what it is given, its pages as new as its last entry', async () => {
    const first = chain.append(chain.start(), new Uint8Array(3));
    const log = [first, chain.append(first, new Uint8Array(4))];
    const page = { page: 1, bytes: Uint8Array.of(1) };
    const store = new MemoryBudgetStore(log, [page]);
    const newsAfter = (entries: number, pages: number) =>
      store.transact({ entries, pages }, (result) => ({ append: [], pages: [], result }));
    expect(await newsAfter(-1, -1)).toEqual({ entries: log, pages: [page] });
    expect(await newsAfter(0, 0)).toEqual({ entries: log.slice(1), pages: [page] });
    expect(await newsAfter(1, 1)).toEqual({ entries: [], pages: [] });
  });

  it('refuses a page number that is none', async () => {
    const append = [chain.append(chain.start(), new Uint8Array(3))];
    const bytes = new Uint8Array(1);
    for (const page of [-1, 0.5, Number.NaN]) {
      const store = new MemoryBudgetStore();
      const pages = [{ page, bytes }];
      const write = store.transact({ entries: -1, pages: -1 }, () => ({
        append,
        pages,
        result: null,
      }));
      await expect(write).rejects.toThrow(RangeError);
      expect(await store.pages()).toEqual([]);
    }
  });
});
