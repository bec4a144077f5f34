export type {
  Accountant,
  AccountantName,
  CertifiedInterval,
  Support,
} from './accountant.ts';
export * from './accounting/index.ts';
export * from './budget/index.ts';
export { checkDelta, type DeltaCheckOptions } from './delta-check.ts';
export { divideGaussian, divideGaussianEvenly } from './divide-gaussian.ts';
export {
  type CorrelationStrategy,
  type DpEvent,
  EVENT_KINDS,
  type SelectionRuns,
} from './event.ts';
export * from './mechanisms/index.ts';
export * from './noise/index.ts';
export {
  isInsecure,
  NEIGHBOUR_RELATIONS,
  type NeighbourRelation,
  type Plan,
  PRIVACY_UNITS,
  type PrivacyUnit,
  type Release,
  type ReleaseError,
} from './plan.ts';
export * from './planning/index.ts';
export {
  describeStatement,
  type PrivacyStatement,
  type TrustModel,
  UNCOVERED_SIDE_CHANNELS,
} from './statement.ts';
