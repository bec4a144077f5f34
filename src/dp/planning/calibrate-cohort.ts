import { VelaturaError } from '../../core/errors.ts';
import {
  type CalibratedPlan,
  type CalibrationTarget,
  calibrateSamplingRate,
  type SampledRounds,
  sampledRoundsEvent,
} from '../accounting/calibrate.ts';
import { epsilonOfPlan } from '../accounting/create.ts';
import { invalid } from '../accounting/refuse.ts';

/** A sampled cohort within a target. */
export interface CalibratedCohort extends CalibratedPlan {
  /** Expected users in a round. */
  readonly cohort: number;
  /** cohort / population. */
  readonly samplingRate: number;
}

/**
 * The largest expected cohort that rounds may sample from a population within the target.
 *
 * @param population - a public number of users
 * @throws {VelaturaError} `dp/no-solution` when it is under one user; `dp/unsupported-event`,
 * `dp/invalid-parameter`
 */
export function calibrateCohort(
  target: CalibrationTarget,
  run: Omit<SampledRounds, 'samplingRate'>,
  population: number,
): CalibratedCohort {
  if (!(Number.isSafeInteger(population) && population >= 1)) {
    throw invalid('population', 'a positive integer', population);
  }
  const { plan: most, samplingRate: largest } = calibrateSamplingRate(target, run);
  const at = (cohort: number): CalibratedCohort => {
    const samplingRate = cohort / population;
    const plan = { ...most, event: sampledRoundsEvent({ ...run, samplingRate }) };
    const epsilon = epsilonOfPlan(plan, target.delta, target.accountant);
    return { cohort, samplingRate, plan, epsilon };
  };
  // The product may round up to the next user.
  for (let cohort = Math.floor(largest * population); cohort >= 1; cohort--) {
    const found = at(cohort);
    if (found.epsilon.upper <= target.epsilon) return found;
  }
  const { epsilon, delta } = target;
  throw new VelaturaError(
    'dp/no-solution',
    `a sample of one user in ${population} does not stay within epsilon ${epsilon} at delta ${delta}`,
    { epsilon, delta, population },
  );
}
