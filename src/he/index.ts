/** Recommendation scoring over homomorphically encrypted profile vectors. */

export {
  type CatalogueOptions,
  createCatalogue,
  type ScoringCatalogue,
  scorePlain,
} from './catalogue.ts';
export { type CatalogueDescription, parseCatalogueDescription } from './catalogue-description.ts';
export { createScoringKernel } from './kernel/scoring-kernel.ts';
export { createSimdKernel } from './kernel/simd-kernel.ts';
export type { EncodedBlock, EncodedQuery, ScoringKernel } from './kernel.ts';
export { MAX_FEATURES, MAX_ITEMS } from './limits.ts';
export { insecureNoOpProvider } from './no-op-provider.ts';
export { createNodeSealProvider } from './node-seal-provider.ts';
export {
  createHeParameters,
  createInsecureHeParameters,
  type HeParameters,
  type HeParametersLiteral,
  MAX_MODULUS_BITS_128,
} from './parameters.ts';
export { createPlainKernel, type PlainEncoded, type PlainKernel } from './plain-kernel.ts';
export { planScoring, type ScoringPlan, type ScoringWorkload } from './planner.ts';
export { HE_PRESETS, presetById } from './presets.ts';
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
export {
  type EncryptedProfile,
  type RankingOptions,
  type ScoredItem,
  ScoringClient,
  type ScoringClientOptions,
} from './scoring-client.ts';
export type { Ciphertext, QueryKey, ScoringProvider } from './scoring-provider.ts';
