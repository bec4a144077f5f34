export { SeededRandom } from '../core/seeded-random.ts';
export { type AccountantSubject, accountantConformance } from './accountant-conformance.ts';
export {
  type AttributeInferenceResult,
  attributeInferenceAttack,
} from './attacks/attribute-inference.ts';
export {
  type AttackedRow,
  type KnownPerson,
  type LinkageResult,
  linkageAttack,
} from './attacks/linkage.ts';
export {
  type MembershipQuestion,
  type MembershipResult,
  membershipAttack,
} from './attacks/membership.ts';
export { auditStorageConformance } from './audit-storage-conformance.ts';
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
  type ProfileStorageHome,
  type ProfileStorageSubject,
  profileStorageConformance,
} from './profile-storage-conformance.ts';
export {
  type SamplerConformanceOptions,
  type SamplerSubject,
  samplerConformance,
} from './sampler-conformance.ts';
export { scoringProviderConformance } from './scoring-provider-conformance.ts';
export { secureSumConformance } from './secure-sum-conformance.ts';
export { shardCrewConformance } from './shard-crew-conformance.ts';
export { trainableConformance } from './trainable-conformance.ts';
