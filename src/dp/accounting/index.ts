export { gdpCost, zcdpCost } from './cost.ts';
export {
  calibrateGaussian,
  deltaOfGdp,
  epsilonOfGdp,
  type GaussianTarget,
  muOfEpsilon,
} from './gdp.ts';
export { GdpAccountant } from './gdp-accountant.ts';
export { type AccountantOptions, TranscriptAccountant } from './transcript.ts';
export { validateEvent, validatePlan } from './validate.ts';
export { deltaOfZcdp, epsilonOfZcdp, rhoOfEpsilon } from './zcdp.ts';
export { ZcdpAccountant } from './zcdp-accountant.ts';
