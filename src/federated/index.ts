export type { Kernels, Workspace } from '../core/kernels/kernels.ts';
export { PlainKernels } from '../core/kernels/plain.ts';
export { selectKernels } from '../core/kernels/select.ts';
export { SimdKernels } from '../core/kernels/simd.ts';
export {
  ownHistoryScores,
  type PopularityOptions,
  type PopularityOutcome,
  popularityScores,
  releasePopularity,
} from './evaluation/popularity.ts';
export {
  areaUnderCurve,
  type RankingMetrics,
  rankingMetrics,
} from './evaluation/ranking-metrics.ts';
export {
  constantFeature,
  priorParameters,
  rowBatch,
  type TagTaskPrior,
  withConstant,
} from './methods/feature-design.ts';
export {
  type FedAvgOptions,
  type FedAvgResult,
  type FedAvgRound,
  runFedAvg,
} from './methods/fedavg.ts';
export {
  type OneShotOptions,
  type OneShotOutcome,
  type OneShotResult,
  oneShotContribution,
  runOneShot,
  solveNoisyRidge,
} from './methods/one-shot.ts';
export {
  labelNormBound,
  type TagTask,
  type TagTrainingOptions,
  type TagTrainingOutcome,
  tagTrainingPlan,
  trainTagModel,
} from './methods/train-tag-model.ts';
export { LogisticModel, type LogisticModelOptions } from './models/logistic-model.ts';
export { predictTags, scoreTags, type TagModel, type TagScorer } from './models/tag-model.ts';
export type { Batch, Trainable } from './models/trainable.ts';
export {
  FederatedClient,
  type LocalComputation,
  type LocalTraining,
  localUpdate,
} from './rounds/client.ts';
export { PlainSum } from './rounds/plain-sum.ts';
export {
  type RoundEnvironment,
  type RoundMetrics,
  type RoundOutcome,
  type RoundRequest,
  roundPlan,
  runPrivateRound,
} from './rounds/private-round.ts';
export type { SecureSum, SumParameters, SumResult, SumSession } from './rounds/secure-sum.ts';
export {
  type DecodedSum,
  type EncodedUpdate,
  UpdateEncoder,
  type UpdateEncoderOptions,
} from './rounds/update-encoder.ts';
export {
  designRows,
  featureWidth,
  selectRows,
  simulatedClients,
  type TagTable,
} from './simulation/tag-table.ts';
