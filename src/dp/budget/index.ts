export {
  type Checkpoint,
  type HeadSigner,
  parseCheckpoint,
  type SignedHead,
  type VerifySignature,
} from '../../core/signed-head.ts';
export {
  type BudgetAccess,
  type BudgetRows,
  type OpenBudgetOptions,
  openBudget,
  openExistingBudget,
} from './accountant.ts';
export type {
  Accounts,
  BudgetLine,
  BudgetSummary,
  BudgetVerification,
  ChargeScope,
  Cohort,
  LimitName,
  LongCall,
  OdometerQuery,
  PrivacyBudgetAccountant,
  Refusal,
  Reservation,
  ReserveDecision,
  ReserveRequest,
} from './budget.ts';
export {
  CONFORMANCE_SCHEMA,
  type ConformanceStatement,
  type ConformanceTerms,
  conformanceStatement,
  type PrivacyPromise,
  type PromisePeriod,
  type ReleasePace,
} from './conformance-statement.ts';
export type { FilterCurrency } from './currency.ts';
export { type Calendar, calendar, EPOCH_LENGTHS, type EpochLength } from './epoch.ts';
export { explainPolicy } from './explain-policy.ts';
export { MemoryBudgetStore } from './memory-store.ts';
export {
  type BudgetPolicy,
  type Currency,
  type EpochPolicy,
  type EpsilonLimit,
  type GroupPolicy,
  type ScenePolicy,
  validatePolicy,
} from './policy.ts';
export type { BalanceRow } from './readouts.ts';
export { refusalError } from './refusal.ts';
export {
  LogTranscript,
  type Replay,
  type ReplayedScope,
  readTranscript,
  replayLog,
} from './replay.ts';
export {
  type BudgetStore,
  type IdentityPage,
  type LogDecision,
  type LogNews,
  type LogPosition,
  PAGE_ACCOUNTS,
  type StateSnapshot,
} from './store.ts';
export { type VerifyOptions, verifyStore } from './verify.ts';
export { WhatIfStore } from './what-if-store.ts';
