export {
  type CalibratedPlan,
  type CalibrationTarget,
  calibrateNoise,
  calibrateNoiseMultiplier,
  calibrateRounds,
  calibrateSamplingRate,
  type SampledRounds,
  sampledRoundsEvent,
} from './calibrate.ts';
export { type AccountantComparison, compareAccountants } from './compare.ts';
export { gdpCost, zcdpCost } from './cost.ts';
export { ACCOUNTANT_NAMES, createAccountant, deltaOfPlan, epsilonOfPlan } from './create.ts';
export { describeEvent } from './describe-event.ts';
export { type EpsilonExplanation, type EpsilonPart, explainEpsilon } from './explain.ts';
export {
  calibrateGaussian,
  deltaOfGdp,
  epsilonOfGdp,
  type GaussianTarget,
  muOfEpsilon,
} from './gdp.ts';
export { GdpAccountant } from './gdp-accountant.ts';
export { type ImportTerms, importDpAccounting } from './import-dp-accounting.ts';
export { PldAccountant, type PldAccountantOptions } from './pld/accountant.ts';
export { RdpAccountant } from './rdp/accountant.ts';
export { gdpMu, membershipAdvantage, truePositiveRate } from './readout.ts';
export { type AccountantOptions, TranscriptAccountant } from './transcript.ts';
export { validateEvent, validatePlan } from './validate.ts';
export { deltaOfZcdp, epsilonOfZcdp, rhoOfEpsilon } from './zcdp.ts';
export { ZcdpAccountant } from './zcdp-accountant.ts';
