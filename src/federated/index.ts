export type { Kernels, Workspace } from '../core/kernels/kernels.ts';
export { PlainKernels } from '../core/kernels/plain.ts';
export { selectKernels } from '../core/kernels/select.ts';
export { SimdKernels } from '../core/kernels/simd.ts';
export type { Interval } from '../core/special/ratio-interval.ts';
export {
  confusionAt,
  type NoisyConfusion,
  type ScoreHistogram,
} from './evaluation/binned-auc.ts';
export {
  evaluateTags,
  type TagAuc,
  type TagEvaluation,
  type TagEvaluationOptions,
  type TagEvaluationOutcome,
  type TagPredictor,
  tagEvaluationPlan,
} from './evaluation/evaluate-tags.ts';
export { TAG_METRICS, type TagMetric } from './evaluation/evaluation-layout.ts';
export type { MetricEstimate, NoisyValue } from './evaluation/metric-estimate.ts';
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
  averagePrecision,
  type SingleLabelMetrics,
  singleLabelMetrics,
  topPrecision,
} from './evaluation/single-label-metrics.ts';
export type { Barrier } from './example-level/barrier.ts';
export { type ExampleGuarantee, examplePlan } from './example-level/example-plan.ts';
export { ExampleSampler, type ExampleSampling } from './example-level/example-sampler.ts';
export type { RunMemory, RunSettings } from './example-level/run-memory.ts';
export type { StepCrew } from './example-level/step-crew.ts';
export {
  type ExampleCharge,
  type ExampleClip,
  type ExampleLevelOptions,
  type ExampleLevelOutcome,
  type ExampleStepReport,
  type IterateAveraging,
  trainExampleLevel,
} from './example-level/train-example-level.ts';
export { LiveCoordinator, type LiveStatus, type Receipt } from './live/coordinator.ts';
export { HttpTransport, type HttpTransportOptions } from './live/http-transport.ts';
export {
  type ClientStep,
  LiveClient,
  type LiveClientOptions,
  type LiveDemands,
  type LiveTransport,
} from './live/live-client.ts';
export { type LiveJournal, MemoryLiveJournal, type SharedEntries } from './live/live-journal.ts';
export {
  type CheckIn,
  type LiveClock,
  type LiveMessage,
  type LivePorts,
  type Mailbox,
  MemoryMailbox,
  systemClock,
} from './live/live-ports.ts';
export {
  type HiddenSum,
  type LiveOptimiser,
  type LiveTask,
  readTask,
  type TrustedSum,
  taskDigest,
} from './live/live-task.ts';
export type {
  AbortReason,
  LiveEffect,
  LiveEvent,
  LiveMember,
  LiveWork,
  RoundReport,
  StepFigures,
  Turn,
  TurnTally,
} from './live/round-events.ts';
export { initialRun, type LiveMove, reduce as reduceRun } from './live/round-machine.ts';
export {
  outstanding as outstandingWork,
  type RoundFacts,
  type RunRules,
  type RunState,
  type Stage,
} from './live/run-state.ts';
export {
  chooseMethod,
  constantWeight,
  learningStrength,
  type TagTrainingMethod,
} from './methods/choose-method.ts';
export { CorrelatedNoise, type CorrelatedNoiseOptions } from './methods/correlated-noise.ts';
export {
  bandedSquareRoot,
  optimalBand,
  prefixSumError,
} from './methods/correlated-noise-strategy.ts';
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
  type PlainFedAvgOptions,
  type PlainFedAvgResult,
  runFedAvg,
} from './methods/fedavg.ts';
export { type FedAvgPriceOptions, fedAvgPlan } from './methods/fedavg-plan.ts';
export {
  decodeFedAvgState,
  encodeFedAvgState,
  type FedAvgState,
  type NoiseSecrets,
} from './methods/fedavg-state.ts';
export type { Participation } from './methods/participation.ts';
export {
  firstContribution,
  type PreconditionedOptions,
  type PreconditionedResult,
  type PreconditionedRound,
  type PreconditionedState,
  preconditionedPlan,
  type ReleasedSum,
  runPreconditioned,
} from './methods/preconditioned.ts';
export type { AverageState, WeightAveraging } from './methods/server-averaging.ts';
export type { OptimiserState, ServerOptimiser, ServerStep } from './methods/server-optimiser.ts';
export { type FedAdamOptions, fedAdam } from './methods/server-optimiser-adam.ts';
export { momentumSteps, plainSteps } from './methods/server-optimiser-descent.ts';
export {
  learningRates,
  type StepDecay,
  type StepLimits,
  totalStep,
} from './methods/step-size.ts';
export {
  labelNormBound,
  type TagTask,
  type TagTrainingOptions,
  type TagTrainingOutcome,
  type TrainingRound,
  type TrainingState,
  tagTrainingPlan,
  trainTagModel,
} from './methods/train-tag-model.ts';
export { EmbeddingBag, type EmbeddingBagOptions } from './models/embedding-bag.ts';
export { clipBound, clippedSumError, type GradientClip } from './models/gradient-clip.ts';
export { levelLabels, levelProbabilities } from './models/level-labels.ts';
export { LogisticModel, type LogisticModelOptions } from './models/logistic-model.ts';
export { createModel, type ModelArchitecture } from './models/model-architecture.ts';
export type { ExpectedModel, ModelFormat } from './models/model-file.ts';
export type { ModelStep } from './models/model-history.ts';
export { MemoryModelStore, type ModelStore, type StoredStep } from './models/model-store.ts';
export {
  type LoadedVersion,
  type ModelVersion,
  ModelVersions,
  type ModelVersionsOptions,
} from './models/model-versions.ts';
export {
  MultilayerPerceptron,
  type MultilayerPerceptronOptions,
} from './models/multilayer-perceptron.ts';
export { decodeNpy } from './models/npy.ts';
export type { LossOptions, TargetBounds } from './models/output-loss.ts';
export { RegressionModel, type RegressionModelOptions } from './models/regression-model.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  type SafetensorsLimits,
} from './models/safetensors.ts';
export { SoftmaxModel, type SoftmaxModelOptions } from './models/softmax-model.ts';
export { predictTags, scoreTags, type TagModel, type TagScorer } from './models/tag-model.ts';
export { loadTagModel, saveTagModel, tagModelFormat } from './models/tag-model-file.ts';
export type { Tensor, TensorValues } from './models/tensor.ts';
export type { Batch, ClippedGradient, LayerRange, Trainable } from './models/trainable.ts';
export {
  loadTrainedModel,
  saveTrainedModel,
  type TrainedModel,
  trainedModelFormat,
} from './models/trained-model-file.ts';
export { noiseInflation, type RobustRule, toleratedBuckets } from './robust/robust-rule.ts';
export { AdaptiveClipping, type AdaptiveClippingOptions } from './rounds/adaptive-clipping.ts';
export type { AmplifiedSampling } from './rounds/amplified-sampling.ts';
export { FederatedClient, type LocalComputation, localUpdate } from './rounds/client.ts';
export { DistributedEncoder, type DistributedRound } from './rounds/distributed-encoder.ts';
export {
  type DistributedFacts,
  type DistributedNoise,
  distributedFacts,
  distributedMultiplier,
  distributedPlan,
  distributedStddev,
  noiseWords,
} from './rounds/distributed-noise.ts';
export {
  type LayerClip,
  LayeredEncoder,
  type LayeredEncoderOptions,
} from './rounds/layered-encoder.ts';
export { LocalTrainer, type LocalTraining, type RowRoom } from './rounds/local-trainer.ts';
export { NormBoundedSum } from './rounds/norm-bound.ts';
export { PlainSum } from './rounds/plain-sum.ts';
export {
  type DistributedNoiseTarget,
  type PlannedDistributedNoise,
  planDistributedNoise,
} from './rounds/plan-distributed-noise.ts';
export {
  type RoundEnvironment,
  type RoundMetrics,
  type RoundOutcome,
  type RoundRequest,
  roundPlan,
  runPrivateRound,
} from './rounds/private-round.ts';
export { MemoryRoundJournal, type RoundJournal } from './rounds/round-journal.ts';
export type { RoundNoise, SharedCharge } from './rounds/round-noise.ts';
export type { SecureSum, SumParameters, SumResult, SumSession } from './rounds/secure-sum.ts';
export {
  type DecodedSum,
  type EncodedUpdate,
  UpdateEncoder,
  type UpdateEncoderOptions,
} from './rounds/update-encoder.ts';
export {
  SecAggClient,
  type SecAggClientOptions,
  type SecAggDemands,
} from './secagg/client.ts';
export type { AgreementKey, Bytes, SecAggCrypto, SigningKey } from './secagg/crypto.ts';
export {
  type GraphAssumptions,
  type GraphBounds,
  type GraphShape,
  graphBounds,
  planGraph,
} from './secagg/graph-plan.ts';
export type { LaneWords } from './secagg/lanes.ts';
export type { SecAggRound } from './secagg/round.ts';
export { type SecAggFault, SecAggSum, type SecAggSumOptions } from './secagg/secagg-sum.ts';
export { type Outbox, SecAggServer } from './secagg/server.ts';
export type { Share } from './secagg/shamir.ts';
export type { Unmasker, UnmaskingTask, UnmaskingTerms } from './secagg/unmasking.ts';
export { WebSecAggCrypto } from './secagg/web-crypto.ts';
export {
  type GroupHistogram,
  type GroupHistogramOptions,
  type GroupHistogramOutcome,
  groupHistogram,
  groupHistogramPlan,
  type HistogramCell,
  type HistogramGroup,
} from './segments/group-histogram.ts';
export { assignSegment, type SegmentModel } from './segments/segment-model.ts';
export type { PortraitFeature, SegmentPortrait } from './segments/segment-portraits.ts';
export type { FeatureBall } from './segments/segment-space.ts';
export {
  type Segmentation,
  type SegmentOptions,
  type SegmentOutcome,
  segmentPlan,
  segmentUsers,
} from './segments/segment-users.ts';
export {
  ArrayPopulation,
  gatherPopulation,
  type PopulationArrays,
  tablePopulation,
} from './simulation/array-population.ts';
export {
  decodeCheckpoint,
  encodeCheckpoint,
  type SimulationCheckpoint,
} from './simulation/checkpoint.ts';
export type {
  SimulatedAttendance,
  SimulatedCohort,
  Stragglers,
} from './simulation/cohort.ts';
export type { CohortSum, CohortTerms, SimulationParts } from './simulation/cohort-trainer.ts';
export type { SimulatedPopulation } from './simulation/population.ts';
export {
  type CohortTask,
  OneThread,
  type SimulationWorkers,
} from './simulation/simulation-workers.ts';
export {
  type SimulationMetrics,
  type SimulationOptions,
  type SimulationResult,
  type SimulationRound,
  simulate,
} from './simulation/simulator.ts';
export {
  runSweepCell,
  type SweepCell,
  type SweepCellResult,
  type SweepGrid,
  type SweepOptions,
  type SweepRound,
  splitUsers,
  sweep,
  sweepCells,
} from './simulation/sweep.ts';
export { metricNames, type TaskMetrics, taskMetrics } from './simulation/sweep-metrics.ts';
export {
  runTagTraining,
  type TagBaselines,
  type TagExperiment,
  type TagRun,
  type TagRunCosts,
  type TagRunSettings,
  type TagRunState,
  type TagSplit,
  type TrainedRun,
  tagRunPlan,
  type WatchedRound,
} from './simulation/sweep-run.ts';
export {
  paretoFront,
  type SweepRow,
  type SweepSeries,
  summariseSweep,
  sweepCost,
  sweepCsv,
} from './simulation/sweep-summary.ts';
export {
  type PopulationSkew,
  SyntheticPopulation,
  type SyntheticPopulationOptions,
} from './simulation/synthetic-population.ts';
export {
  designRows,
  featureWidth,
  selectRows,
  simulatedClients,
  type TagTable,
} from './simulation/tag-table.ts';
