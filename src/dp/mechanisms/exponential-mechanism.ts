import { nextUp } from '../../core/special/ulp.ts';
import { rationalOf } from '../noise/rational.ts';
import type { Release } from '../plan.ts';
import { floorLog2, requireBound } from './grid.ts';
import {
  invalidContribution,
  type MechanismOptions,
  requireCount,
  requirePositive,
  termsOf,
  userPlan,
} from './terms.ts';
import { chooseWeighted } from './weighted-choice.ts';

/** Options of {@link exponentialMechanism}. */
export interface ExponentialOptions extends MechanismOptions {
  /** Range of the log-probabilities: the epsilon of the event. */
  readonly epsilon: number;
  /** Most by which one user who comes, goes or becomes zero can move any utility; an integer if they are. */
  readonly utilityContribution: number;
  /**
   * True where a user who comes moves all utilities the same way, as where he adds a score ≥ 0 to each: half the
   * range for the same contribution. Default false.
   */
  readonly monotone?: boolean;
  /**
   * True where utilities are integers for **every** data set: others are then refused, and no rounding enters
   * the sensitivity. Default false.
   */
  readonly wholeUtilities?: boolean;
}

/** How many bits the grid of utilities is finer than what one user contributes. */
const UTILITY_BITS = 20;
const MAX_WHOLE = 2 ** 40;
/** Utilities are clamped to so many steps, which brings no two of them further apart. */
const MOST_STEPS = 2 ** 51;

/**
 * Picks a candidate of high utility: P[i] ∝ e^(epsilon · utilityᵢ / range), exactly, where the range is how far
 * apart one user can push two candidates (twice the sensitivity, or once if monotone). Utilities are rounded to a
 * power-of-two grid first, and the rounding is inside the range.
 *
 * ## Privacy
 * Unit: user; relation: as given. Costs the event `exponential{epsilon}`, provided that one user moves the
 * utilities, **as the doubles they are**, by at most `utilityContribution`. A refused utility is visible.
 *
 * Source: McSherry and Talwar (2007); Dong, Durfee, Rogers (2020) for the range; weighted-choice.proof.md.
 *
 * @param utilities - of each candidate, finite
 * @returns the index of the candidate. `error` speaks of its **utility**: with the stated confidence it is at
 * most halfWidth under the best one, and noiseStddev bounds the root mean square of the gap
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`
 */
export function exponentialMechanism(
  utilities: ArrayLike<number>,
  options: ExponentialOptions,
): Release<number> {
  const terms = termsOf(options);
  const { epsilon, utilityContribution, monotone = false, wholeUtilities = false } = options;
  requirePositive('epsilon', epsilon);
  if (wholeUtilities) requireCount('utilityContribution', utilityContribution, MAX_WHOLE);
  else requireBound('utilityContribution', utilityContribution);
  if (utilities.length === 0) throw invalidContribution('at least one utility');
  const granularity = wholeUtilities ? 1 : 2 ** (floorLog2(utilityContribution) - UTILITY_BITS);
  const moved = utilityContribution / granularity;
  const apart = (terms.relation === 'replace-one-user' ? 2 : 1) * (monotone ? 1 : 2);
  // Rounding moves each of two utilities by half a step, before and after: two steps more.
  const range = Math.floor(moved * apart) + (wholeUtilities ? 0 : 2);
  const steps = Float64Array.from(utilities, (utility) => {
    if (!Number.isFinite(utility) || (wholeUtilities && !Number.isInteger(utility))) {
      throw invalidContribution(wholeUtilities ? 'whole utilities' : 'finite utilities');
    }
    return Math.min(MOST_STEPS, Math.max(-MOST_STEPS, Math.round(utility / granularity)));
  });
  const best = steps.reduce((most, step) => Math.max(most, step), -MOST_STEPS);
  const { numerator, denominator } = rationalOf(epsilon);
  const value = chooseWeighted(
    { costs: steps.map((step) => best - step), sizes: new Float64Array(steps.length).fill(1) },
    { numerator, denominator: denominator * BigInt(range) },
    terms.random,
  );
  const scale = (range * granularity) / epsilon;
  const rounding = wholeUtilities ? 0 : granularity;
  return {
    value,
    plan: userPlan(terms.relation, { kind: 'exponential', epsilon }),
    error: {
      noiseStddev: scale * rootMeanSquareGap(steps.length) + rounding,
      halfWidth: scale * likelyGap(steps.length, terms.confidence) + rounding,
      confidence: terms.confidence,
    },
    insecure: terms.insecure,
  };
}

/**
 * A gap below the best, in units of range/epsilon, that is passed with a probability under 1 − confidence: the
 * n − 1 others have a weight of at most e^(−gap) each, the best has 1.
 */
export function likelyGap(candidates: number, confidence: number): number {
  return nextUp(Math.log(candidates / (1 - confidence)) * (1 + 1e-12));
}

/** Bound on the root mean square gap in the same units: P[gap > t] ≤ min(1, n·e^(−t)), integrated. */
export function rootMeanSquareGap(candidates: number): number {
  const log = Math.log(candidates);
  return Math.sqrt(log * log + 2 * log + 2);
}
