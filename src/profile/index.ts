export { type SignedDocument, verifyDocument } from '../core/signed-document.ts';
export type { Checkpoint, HeadSigner, SignedHead, VerifySignature } from '../core/signed-head.ts';
export {
  type ExpectedSigners,
  HeadWitness,
  type HeadWitnessOptions,
  verifyWitnessedHead,
  type WitnessedHead,
  type WitnessMark,
} from '../core/witness.ts';
export { AuditLog, type AuditLogOptions } from './audit/audit-log.ts';
export {
  type AuditFact,
  type AuditRecord,
  CUSTODY_KINDS,
  type CustodyKind,
  REVIEW_OUTCOMES,
  type ReviewOutcome,
} from './audit/audit-record.ts';
export { type AuditStorage, MemoryAuditStorage } from './audit/audit-storage.ts';
export { type AuditedUse, auditedRead } from './audit/audited-read.ts';
export {
  type BreachQuestion,
  type BreachReport,
  breachReport,
  type SceneExposure,
} from './audit/breach-drill.ts';
export { type PurposeReport, type PurposeUse, purposeReport } from './audit/purpose-report.ts';
export {
  auditChain,
  LOG_FAULTS,
  type LogFault,
  type LogFaultKind,
  type LogVerification,
  type VerifyAuditLogOptions,
  verifyAuditLog,
} from './audit/verify-log.ts';
export {
  type Bounds,
  boundOf,
  FEATURE_MAPS,
  type FeatureBound,
  type FeatureMap,
  type LabelBound,
  parseBounds,
} from './bounds.ts';
export type { Clock } from './clock.ts';
export {
  type ConsentGrant,
  ConsentLedger,
  type ConsentLedgerOptions,
  type ConsentQuestion,
} from './consent.ts';
export {
  type ContributionFate,
  ContributionRegister,
  type OpenContribution,
} from './consent-contributions.ts';
export {
  type SignedReceipts,
  signReceipts,
  verifyReceipts,
} from './consent-export.ts';
export {
  type ConsentNotice,
  consentNotice,
  type NoticeItem,
  type NoticeParty,
} from './consent-notice.ts';
export {
  type ConsentAct,
  type ConsentReceipt,
  type ConsentScope,
  SESSION_CHOICES,
  type SessionChoice,
} from './consent-receipt.ts';
export { ReceivedConsent, type ReceivedConsentOptions } from './consent-received.ts';
export type {
  ConsentDecision,
  ConsentReader,
  ConsentRefusal,
  ConsentUse,
} from './consent-state.ts';
export {
  EVENT_COLUMNS,
  type EventFields,
  type ProfileEvent,
  parseEvent,
  parseUtcTime,
} from './event.ts';
export {
  type Contribution,
  type ExplanationBaseline,
  explainLinearTag,
  type LinearTagExplanation,
  type LinearTagQuestion,
} from './explanation.ts';
export {
  type DifferentiableScore,
  explainByGradients,
  type GradientContribution,
  type GradientExplanation,
  type GradientQuestion,
} from './explanation-gradients.ts';
export type { NoisyNumber, NoisyProbability, TagExplanation } from './explanation-parts.ts';
export { type PerceptronForm, perceptronScore } from './explanation-perceptron.ts';
export { describeExplanation } from './explanation-words.ts';
export type {
  BaseField,
  BaseRecord,
  InteractionCount,
  NamedRecord,
} from './export/de-identify.ts';
export {
  EXPORT_PURPOSE,
  type ExportEnvelope,
  type ExportFlow,
  ExportGate,
  type ExportGateOptions,
  type ExportRefusal,
  type ExportStatement,
  type FlowRecord,
  type PersonalExport,
  type ReleasedExport,
} from './export/export-gate.ts';
export {
  DATA_CLASSES,
  type DataClass,
  type ExportDestination,
  type ExportPolicy,
  type FlowAssessment,
  type ForbiddenFlow,
  PROTECTION_LEVELS,
  type ProtectionLevel,
  validateExportPolicy,
} from './export/export-policy.ts';
export {
  type HopCheck,
  type HopReceipt,
  ORIGIN,
  signHop,
  verifyHops,
} from './export/hop-receipt.ts';
export {
  type AuditCost,
  type AuditedPerson,
  type AuditOutcome,
  type AuditTerms,
  auditPlan,
} from './fairness/charged-audit.ts';
export {
  type FairnessAction,
  type FairnessFinding,
  type FairnessLimit,
  type FairnessMeasure,
  judgeFairness,
  requireFair,
} from './fairness/fairness-policy.ts';
export {
  auditGroups,
  type GroupAudit,
  type GroupAuditTerms,
  type GroupRates,
  type JudgedPerson,
} from './fairness/group-audit.ts';
export type { Gap, NoisyShare } from './fairness/noisy-share.ts';
export {
  type PairedAudit,
  type PairedPerson,
  type PairedQuestion,
  type PairedTest,
  pairedTest,
  pairedTestOnPeople,
} from './fairness/paired-test.ts';
export {
  auditPrices,
  type MeanPrice,
  type PriceAudit,
  type PriceAuditTerms,
  type PricedPerson,
} from './fairness/price-audit.ts';
export {
  auditProxies,
  type ProxyAudit,
  type ProxyAuditTerms,
  type ProxyPerson,
  type TagProxy,
} from './fairness/proxy-audit.ts';
export { FeatureBuilder, type FeatureBuilderOptions, LabelBuilder } from './features.ts';
export { CollectionGate, type CollectionGateOptions } from './gate.ts';
export { type DeIdentification, type RareCandidate, RareValues } from './gate-deidentify.ts';
export type { CollectedEvent, OfferedEvent, OfferedText } from './gate-event.ts';
export { GATE_REFUSALS, type GateDecision, type GateRefusal } from './gate-refusal.ts';
export {
  type GateReport,
  GateReporter,
  type GateReporterOptions,
  verifyGateReport,
} from './gate-report.ts';
export { GateTally } from './gate-tally.ts';
export { type GateEvidence, GateWatch, type GateWatchOptions } from './gate-watch.ts';
export { matchesGlob } from './glob.ts';
export {
  computeProfile,
  nonPersonalisedProfile,
  type Profile,
  type ProfileRequest,
  type ProfileTag,
  profileVector,
  type SceneModel,
  type WithheldTag,
} from './profile.ts';
export { type ScenePseudonymOptions, ScenePseudonyms } from './pseudonym.ts';
export {
  type Audience,
  type AudienceRequest,
  type AudienceSegment,
  audienceOf,
} from './ranking/audience.ts';
export { type CalibrationOptions, calibrate, calibrationError } from './ranking/calibration.ts';
export type { Candidate } from './ranking/candidate.ts';
export { categorySimilarity, type DiversityOptions, diversify } from './ranking/diversity.ts';
export {
  decayRepetition,
  type ExposureLimits,
  limitExposure,
  type RepetitionDecay,
  type Showing,
} from './ranking/exposure.ts';
export { type FilterBubble, filterBubble, type ShownItem } from './ranking/filter-bubble.ts';
export { isQuiet, type QuietHours } from './ranking/quiet-hours.ts';
export {
  type RankedList,
  type RankingPolicy,
  type RankingRequest,
  rankList,
} from './ranking/rank-list.ts';
export { dialList } from './ranking/relevance-dial.ts';
export {
  requireTargetable,
  type TagInput,
  type TargetingRefusal,
  type TargetingUse,
  targetingInputs,
  targetingRefusal,
  vulnerabilityTerm,
} from './ranking/targeting.ts';
export {
  type DecisionFile,
  DecisionRegister,
  type DecisionRegisterOptions,
  type DecisionState,
  decisionDigests,
  EVIDENCE_PURPOSE,
  type Evidence,
  type ReviewPolicy,
  type ReviewResult,
  type SignificantDecision,
} from './review/decision-register.ts';
export {
  AuthorisedFlow,
  authoriseFlow,
  carryTags,
  type FlowRequest,
  joinScenes,
  SceneData,
} from './scenes.ts';
export {
  ADVERTISING_MODES,
  type AdvertisingMode,
  COLLECTED_TIERS,
  type CollectedKind,
  type CollectedTier,
  type FlowDeclaration,
  type KindDeclaration,
  LEGAL_BASES,
  type LegalBasis,
  OBLIGATIONS,
  type Obligation,
  OVERDUE_REVIEW_POLICIES,
  type OverdueReviewPolicy,
  PARTY_ROLES,
  PARTY_TYPES,
  type PartyDeclaration,
  type PartyRole,
  type PartyType,
  type ProfileSchema,
  type ProhibitedKind,
  PURPOSES,
  type Purpose,
  RISK_LEVELS,
  type RiskLevel,
  type RiskRule,
  type SceneDeclaration,
  type SensitiveCombination,
  type TagDeclaration,
  type ValueRange,
} from './schema.ts';
export { type ReviewFinding, reviewFindings } from './schema-review.ts';
export { type KindRisk, kindRisk } from './schema-risk.ts';
export {
  type DecisionFacts,
  type DecisionRecord,
  type DecisionTag,
  describeDecision,
  recordDecision,
} from './store/decision-record.ts';
export { openIndexedDbStorage } from './store/indexed-db-storage.ts';
export { MemoryProfileStorage } from './store/memory-profile-storage.ts';
export type { ExportedEvidence, ExportedScene, ProfileExport } from './store/profile-export.ts';
export type { ProfileStorage, StoredRecord } from './store/profile-storage.ts';
export { type ObserveOutcome, ProfileStore } from './store/profile-store.ts';
export {
  type PendingContributions,
  PROFILE_SECRET_BYTES,
  type ProfileCheckpoint,
  type ProfileStoreOptions,
} from './store/profile-store-options.ts';
export type { StoreOutcome } from './store/scene-keeper.ts';
export type { SceneProfile } from './store/scene-profile.ts';
export {
  NO_CHOICES,
  type StatedValue,
  type TagChoices,
  type TagCorrection,
} from './store/tag-choices.ts';
export type { TagState } from './store/tag-state.ts';
export {
  share,
  smoothedShare,
  sqrtShare,
  type TagCountOptions,
  tagCounts,
  unitNorm,
} from './tag-features.ts';
export { TextCounter, type TextLexicon } from './text-counter.ts';
export { validateSchema } from './validate-schema.ts';
