import { Bench, type BudgetSubject } from './budget/bench.ts';
import { CHARGE_CASES } from './budget/charge-cases.ts';
import { PEOPLE_CASES } from './budget/people-cases.ts';
import { RENEWAL_CASES } from './budget/renewal-cases.ts';
import type { ConformanceCase } from './conformance.ts';

export type { BudgetHome, BudgetOpening, BudgetSubject } from './budget/bench.ts';

const CASES = { ...CHARGE_CASES, ...PEOPLE_CASES, ...RENEWAL_CASES };

/** What every `PrivacyBudgetAccountant` must do. */
export function budgetConformance(subject: BudgetSubject): readonly ConformanceCase[] {
  return Object.entries(CASES).map(([name, body]) => ({
    name,
    async run(): Promise<void> {
      const bench = new Bench(await subject.create());
      const budget = await bench.open();
      try {
        await body(budget, bench);
      } finally {
        await budget.close();
      }
    },
  }));
}
