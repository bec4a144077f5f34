export type { AdditiveNoise } from './additive-noise.ts';
export type { BoundedSumOptions } from './bounded-sum.ts';
export { type CountOptions, dpCount } from './count.ts';
export { type ExponentialOptions, exponentialMechanism } from './exponential-mechanism.ts';
export { chooseGranularity } from './grid.ts';
export { dpHistogram, type HistogramCategory, type HistogramOptions } from './histogram.ts';
export { addToLattice, clipToLattice, type LatticeBall, latticeBall } from './lattice-clip.ts';
export {
  type DiscreteGaussianOptions,
  type DiscreteLaplaceOptions,
  discreteGaussianMechanism,
  discreteLaplaceMechanism,
  type L1Contribution,
  type L2Contribution,
  type SkellamOptions,
  skellamMechanism,
} from './lattice-mechanisms.ts';
export { dpMean, type MeanOptions } from './mean.ts';
export { dpQuantile, type QuantileOptions, type QuantileRelease } from './quantile.ts';
export {
  type EstimateCategoriesOptions,
  estimateCategories,
  type RandomizedResponseOptions,
  randomizedResponse,
} from './randomized-response.ts';
export type {
  ClippingOptions,
  LocalClipping,
  RecordOptions,
  ValueBounds,
} from './record-options.ts';
export { dpSum } from './sum.ts';
export type { MechanismOptions } from './terms.ts';
export { gaussianMechanism, laplaceMechanism, type VectorSumOptions } from './vector-mechanisms.ts';
