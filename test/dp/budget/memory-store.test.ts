import { describe, it } from 'vitest';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import { budgetConformance } from '../../../src/testing/budget-conformance.ts';
import { budgetStoreConformance } from '../../../src/testing/budget-store-conformance.ts';

const accountKey = new Uint8Array(32).fill(7);

describe('MemoryBudgetStore', () => {
  const cases = budgetStoreConformance({
    async create() {
      const store = new MemoryBudgetStore();
      return { open: async () => store };
    },
  });
  for (const { name, run } of cases) it(name, run);
});

describe('a budget in memory', () => {
  const cases = budgetConformance({
    async create() {
      const store = new MemoryBudgetStore();
      return {
        durable: false,
        open: (opening) => openBudget({ ...opening, store, accountKey }),
      };
    },
  });
  for (const { name, run } of cases) it(name, run);
});
