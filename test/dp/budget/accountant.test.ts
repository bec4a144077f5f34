import { describe, it } from 'vitest';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import { budgetConformance } from '../../../src/testing/budget-conformance.ts';

const secrets = [new Uint8Array(32).fill(3)];

/** Closing one of several accountants on a shared store must not close it for the others. */
class SharedStore extends MemoryBudgetStore {
  override async close(): Promise<void> {}
}

describe('a budget in memory', () => {
  const cases = budgetConformance({
    async create() {
      let store = new SharedStore();
      return {
        durable: false,
        async reset() {
          store = new SharedStore();
        },
        open: (opening) => openBudget({ ...opening, store, secrets }),
      };
    },
  });
  for (const { name, run } of cases) it(name, run);
});
