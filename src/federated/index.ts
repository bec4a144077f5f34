export type { Kernels, Workspace } from '../core/kernels/kernels.ts';
export { PlainKernels } from '../core/kernels/plain.ts';
export { selectKernels } from '../core/kernels/select.ts';
export { SimdKernels } from '../core/kernels/simd.ts';
export {
  FederatedClient,
  type LocalComputation,
  type LocalTraining,
  localUpdate,
} from './client.ts';
export {
  constantFeature,
  priorParameters,
  rowBatch,
  type TagTaskPrior,
  withConstant,
} from './feature-design.ts';
export { type FedAvgOptions, type FedAvgResult, type FedAvgRound, runFedAvg } from './fedavg.ts';
export { LogisticModel, type LogisticModelOptions } from './logistic-model.ts';
export {
  type OneShotOptions,
  type OneShotOutcome,
  type OneShotResult,
  oneShotContribution,
  runOneShot,
  solveNoisyRidge,
} from './one-shot.ts';
export { PlainSum } from './plain-sum.ts';
export {
  ownHistoryScores,
  type PopularityOptions,
  type PopularityOutcome,
  popularityScores,
  releasePopularity,
} from './popularity.ts';
export {
  type RoundEnvironment,
  type RoundMetrics,
  type RoundOutcome,
  type RoundRequest,
  roundPlan,
  runPrivateRound,
} from './private-round.ts';
export { areaUnderCurve, type RankingMetrics, rankingMetrics } from './ranking-metrics.ts';
export type { SecureSum, SumParameters, SumResult, SumSession } from './secure-sum.ts';
export { predictTags, scoreTags, type TagModel, type TagScorer } from './tag-model.ts';
export {
  designRows,
  featureWidth,
  selectRows,
  simulatedClients,
  type TagTable,
} from './tag-table.ts';
export {
  labelNormBound,
  type TagTask,
  type TagTrainingOptions,
  type TagTrainingOutcome,
  tagTrainingPlan,
  trainTagModel,
} from './train-tag-model.ts';
export type { Batch, Trainable } from './trainable.ts';
export {
  type DecodedSum,
  type EncodedUpdate,
  UpdateEncoder,
  type UpdateEncoderOptions,
} from './update-encoder.ts';
