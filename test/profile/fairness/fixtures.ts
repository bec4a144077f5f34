import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  MemoryBudgetStore,
  openBudget,
  type PrivacyBudgetAccountant,
} from '../../../src/dp/budget/index.ts';
import type { AuditTerms } from '../../../src/profile/fairness/charged-audit.ts';
import type { JudgedPerson } from '../../../src/profile/fairness/group-audit.ts';

/** A budget in memory that allows so much epsilon for a user. */
export function newBudget(
  epsilon: number,
  store: MemoryBudgetStore = new MemoryBudgetStore(),
): Promise<PrivacyBudgetAccountant> {
  return openBudget({
    policy: {
      version: 1,
      currency: 'gdp',
      delta: 1e-6,
      user: { epsilon },
      scenes: { default: { perUser: { epsilon } } },
      reservationLease: 'PT10M',
    },
    unit: 'user',
    relation: 'zero-out-one-user',
    store,
    secrets: [new Uint8Array(32).fill(5)],
  });
}

/** Terms over public people, with noise that repeats. */
export function publicTerms(seed: string, changes: Partial<AuditTerms> = {}): AuditTerms {
  return {
    budget: null,
    scene: 'live-food',
    relation: 'zero-out-one-user',
    auditId: 'audit 1',
    noiseMultiplier: 4,
    delta: 1e-7,
    population: 10_000,
    confidence: 0.95,
    random: new SeededRandom(seed),
    ...changes,
  };
}

/** Numbers of people by what was decided and what was true. */
export interface Confusion {
  readonly truePositive: number;
  readonly falseNegative: number;
  readonly falsePositive: number;
  readonly trueNegative: number;
}

/** People of a group, as many as the table says; scores are high for those selected. */
export function peopleOf(group: string, table: Confusion): JudgedPerson[] {
  const make = (count: number, decision: boolean, outcome: boolean): JudgedPerson[] =>
    Array.from({ length: count }, (_, i) => ({
      account: `${group} ${decision} ${outcome} ${i}`,
      group,
      score: decision ? 0.8 : 0.2,
      decision,
      outcome,
    }));
  return [
    ...make(table.truePositive, true, true),
    ...make(table.falseNegative, false, true),
    ...make(table.falsePositive, true, false),
    ...make(table.trueNegative, false, false),
  ];
}
