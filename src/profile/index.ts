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
export { type ConsentGrant, ConsentLedger, type ConsentLedgerOptions } from './consent.ts';
export type { ConsentAct, ConsentReceipt, ConsentScope } from './consent-receipt.ts';
export type { ConsentDecision, ConsentRefusal, ConsentUse } from './consent-state.ts';
export {
  EVENT_COLUMNS,
  type EventFields,
  type ProfileEvent,
  parseEvent,
  parseUtcTime,
} from './event.ts';
export {
  type Contribution,
  describeExplanation,
  type ExplanationBaseline,
  explainLinearTag,
  type LinearTagExplanation,
  type LinearTagQuestion,
  type NoisyNumber,
  type NoisyProbability,
} from './explanation.ts';
export { FeatureBuilder, type FeatureBuilderOptions, LabelBuilder } from './features.ts';
export {
  CollectionGate,
  type CollectionGateOptions,
  GATE_REFUSALS,
  type GateDecision,
  type GateRefusal,
} from './gate.ts';
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
  PARTY_ROLES,
  type PartyDeclaration,
  type PartyRole,
  type ProfileSchema,
  type ProhibitedKind,
  PURPOSES,
  type Purpose,
  RISK_LEVELS,
  type RiskLevel,
  type SceneDeclaration,
  type SensitiveCombination,
  type TagDeclaration,
} from './schema.ts';
export {
  share,
  smoothedShare,
  sqrtShare,
  type TagCountOptions,
  tagCounts,
  unitNorm,
} from './tag-features.ts';
export { validateSchema } from './validate-schema.ts';
