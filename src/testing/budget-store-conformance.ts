import { CLOSING_CASES } from './budget-store/closing-cases.ts';
import { LOG_CASES } from './budget-store/log-cases.ts';
import { PAGE_CASES } from './budget-store/page-cases.ts';
import { SNAPSHOT_CASES } from './budget-store/snapshot-cases.ts';
import type { BudgetStoreSubject } from './budget-store/steps.ts';
import type { ConformanceCase } from './conformance.ts';

export type { BudgetStoreHome, BudgetStoreSubject } from './budget-store/steps.ts';

/**
 * What every `BudgetStore` must do. Cases that ask for a second handle make do with the same one where
 * `open` gives it again; what must survive closing is asked of durable stores only.
 */
export function budgetStoreConformance(subject: BudgetStoreSubject): readonly ConformanceCase[] {
  const cases = { ...LOG_CASES, ...PAGE_CASES, ...SNAPSHOT_CASES, ...CLOSING_CASES };
  return Object.entries(cases).map(([name, body]) => ({
    name,
    async run(): Promise<void> {
      const home = await subject.create();
      const store = await home.open();
      try {
        await body(store, home);
      } finally {
        await store.close();
      }
    },
  }));
}
