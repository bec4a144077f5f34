/** Recommendation scoring over homomorphically encrypted profile vectors. */

export {
  type AuditedItems,
  drawAuditedRows,
  takeAuditedItems,
} from './audited-items.ts';
export {
  type CatalogueFrame,
  type CatalogueOptions,
  type CreatedCatalogue,
  createCatalogue,
  type ScoringCatalogue,
  scorePlain,
} from './catalogue.ts';
export type { CatalogueBlock } from './catalogue-block.ts';
export {
  addItems,
  type MovedItem,
  type RemovedItems,
  removeItems,
  replaceItems,
} from './catalogue-changes.ts';
export { type CatalogueDescription, parseCatalogueDescription } from './catalogue-description.ts';
export type { DroppedBits } from './dropped-bits.ts';
export type { EncryptedProfile } from './encrypt-query.ts';
export { expandCiphertext } from './expansion/expand-ciphertext.ts';
export { createSeedExpander, type SeedExpander } from './expansion/seed-expander.ts';
export type { IncomingReply } from './incoming-reply.ts';
export { createScoringKernel } from './kernel/scoring-kernel.ts';
export { createSimdKernel } from './kernel/simd-kernel.ts';
export type { EncodedBlock, EncodedQuery, ScoringKernel } from './kernel.ts';
export { MAX_FEATURES, MAX_ITEMS } from './limits.ts';
export { insecureNoOpProvider } from './no-op-provider.ts';
export { createNodeSealProvider, type NodeSealProvider } from './node-seal-provider.ts';
export {
  createHeParameters,
  createInsecureHeParameters,
  type HeParameters,
  type HeParametersLiteral,
  MAX_MODULUS_BITS_128,
} from './parameters.ts';
export { createPlainKernel, type PlainEncoded, type PlainKernel } from './plain-kernel.ts';
export {
  type Link,
  planScoring,
  type ScoringPlan,
  type ScoringTime,
  type ScoringWorkload,
} from './planner.ts';
export { HE_PRESETS, presetById } from './presets.ts';
export type { PrivateScores, RankingOptions, ScoredItem } from './private-scores.ts';
export { quantisationRecall, type RecallOptions } from './quantisation-recall.ts';
export {
  type QuantisationError,
  type QuantisedItems,
  quantiseItems,
  quantiseProfile,
} from './quantise.ts';
export {
  FRESH_NOISE_MAX,
  FRESH_NOISE_VARIANCE,
  type ItemNorms,
  SCORE_FAILURE_PROBABILITY,
  scoreErrorBound,
  scoreNoiseStddev,
} from './score-error.ts';
export { EncryptedScorer, type EncryptedScorerOptions } from './scorer.ts';
export { type ReplyOptions, ScoringClient, type ScoringClientOptions } from './scoring-client.ts';
export type {
  Ciphertext,
  QueryKey,
  ScoringProvider,
  SeededCiphertext,
} from './scoring-provider.ts';
export { measureScoringSpeed, REFERENCE_SPEED, type ScoringSpeed } from './scoring-speed.ts';
export {
  collectReply,
  type ShardCrew,
  ShardedScorer,
  type ShardedScorerOptions,
  type StreamedReply,
} from './sharded-scorer.ts';
