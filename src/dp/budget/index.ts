export { type OpenBudgetOptions, openBudget } from './accountant.ts';
export type {
  BudgetLine,
  BudgetSummary,
  BudgetVerification,
  LimitName,
  PrivacyBudgetAccountant,
  Refusal,
  Reservation,
  ReserveDecision,
  ReserveRequest,
} from './budget.ts';
export { explainPolicy } from './explain-policy.ts';
export { MemoryBudgetStore } from './memory-store.ts';
export {
  type BudgetPolicy,
  type Currency,
  type EpochPolicy,
  type EpsilonLimit,
  type ScenePolicy,
  validatePolicy,
} from './policy.ts';
export { refusalError } from './refusal.ts';
export type { BudgetStore, LogDecision } from './store.ts';
export { verifyLog } from './verify.ts';
