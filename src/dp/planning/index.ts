export {
  type AllocationAlternative,
  type AllocationRequest,
  allocateBudget,
  type BudgetAllocation,
  type SceneAllocation,
} from './allocate-budget.ts';
export { type CalibratedCohort, calibrateCohort } from './calibrate-cohort.ts';
export { oneShotDimension } from './one-shot-dimension.ts';
export { planTraining, type TrainingPlan } from './plan-training.ts';
export type { TrainingAlternative } from './price-training.ts';
export {
  type PrivateSelection,
  type PrivateSelectionOptions,
  selectPrivately,
} from './private-selection.ts';
export { sampleSelectionRuns } from './private-selection-runs.ts';
export {
  predictedError,
  type RoundShape,
  roundSignalToNoise,
  runSignalToNoise,
} from './signal-model.ts';
export { tightestAccountant } from './tightest-accountant.ts';
export { type Candidate, PARTICIPATIONS, type Participation } from './training-candidates.ts';
export type { LinearShape, TrainingRequest } from './training-request.ts';
export type { LiftedPoint, UtilityCurves, UtilityPoint } from './utility-curve.ts';
