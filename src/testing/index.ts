export { SeededRandom } from '../core/seeded-random.ts';
export { type AccountantSubject, accountantConformance } from './accountant-conformance.ts';
export {
  type BudgetHome,
  type BudgetOpening,
  type BudgetSubject,
  budgetConformance,
} from './budget-conformance.ts';
export {
  type BudgetStoreHome,
  type BudgetStoreSubject,
  budgetStoreConformance,
} from './budget-store-conformance.ts';
export type { ConformanceCase } from './conformance.ts';
export {
  type MechanismConformanceOptions,
  type MechanismSubject,
  mechanismConformance,
} from './mechanism-conformance.ts';
export { planConformance, statementConformance } from './plan-conformance.ts';
export {
  type SamplerConformanceOptions,
  type SamplerSubject,
  samplerConformance,
} from './sampler-conformance.ts';
export { scoringProviderConformance } from './scoring-provider-conformance.ts';
export { secureSumConformance } from './secure-sum-conformance.ts';
export { trainableConformance } from './trainable-conformance.ts';
