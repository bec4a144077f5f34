import { VelaturaError } from '../../core/errors.ts';
import { findRoot, lastHolding } from '../../core/special/roots.ts';
import type { AccountantName, CertifiedInterval } from '../accountant.ts';
import type { DpEvent } from '../event.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import { epsilonOfPlan } from './create.ts';
import { muOfEpsilon } from './gdp.ts';
import { invalid, requireDelta, requireEpsilon } from './refuse.ts';

/** The guarantee to stay within, and how it is counted. */
export interface CalibrationTarget {
  readonly epsilon: number;
  readonly delta: number;
  readonly relation: NeighbourRelation;
  /** Default `user`. */
  readonly unit?: PrivacyUnit;
  /** Default `pld`, the tightest. */
  readonly accountant?: AccountantName;
}

/** A plan whose certified epsilon is at most the target. */
export interface CalibratedPlan {
  readonly plan: Plan;
  readonly epsilon: CertifiedInterval;
}

/** Rounds of Gaussian noise on Poisson samples; sampling rate 1 is everybody in every round. */
export interface SampledRounds {
  /** In (0, 1]. */
  readonly samplingRate: number;
  /** A positive integer. */
  readonly rounds: number;
  /** Noise deviation over l2 sensitivity, under the relation. */
  readonly noiseMultiplier: number;
}

/** No noise multiplier, rate or number beyond these is looked for. */
const MOST_NOISE = 1e9;
const LEAST_NOISE = 1e-3;
const LEAST_RATE = 1e-12;
const MOST_ROUNDS = 2 ** 50;
/** Relative precision of a calibrated real number. */
const TOLERANCE = 1e-8;

/** The event of such rounds. */
export function sampledRoundsEvent(run: SampledRounds): DpEvent {
  const { samplingRate, rounds, noiseMultiplier } = run;
  const gaussian: DpEvent = { kind: 'gaussian', noiseMultiplier };
  return {
    kind: 'repeated',
    count: rounds,
    event:
      samplingRate === 1 ? gaussian : { kind: 'poisson-sampled', samplingRate, event: gaussian },
  };
}

/** Prices events under the terms of the target. */
class Pricing {
  readonly #target: CalibrationTarget;

  constructor(target: CalibrationTarget) {
    requireEpsilon(target.epsilon);
    requireDelta(target.delta);
    if (target.epsilon === 0) throw invalid('epsilon', 'a positive number', 0);
    this.#target = target;
  }

  planOf(event: DpEvent): Plan {
    return { unit: this.#target.unit ?? 'user', relation: this.#target.relation, event };
  }

  epsilon(event: DpEvent): CertifiedInterval {
    return epsilonOfPlan(this.planOf(event), this.#target.delta, this.#target.accountant ?? 'pld');
  }

  fits(event: DpEvent): boolean {
    return this.epsilon(event).upper <= this.#target.epsilon;
  }

  /** log of epsilon over its target: the sign tells whether an event fits. */
  excess(event: DpEvent): number {
    return Math.log(Math.max(this.epsilon(event).upper, 1e-300) / this.#target.epsilon);
  }

  done(event: DpEvent): CalibratedPlan {
    return { plan: this.planOf(event), epsilon: this.epsilon(event) };
  }
}

function noSolution(what: string, target: CalibrationTarget): VelaturaError {
  const { epsilon, delta } = target;
  return new VelaturaError(
    'dp/no-solution',
    `${what} stays within epsilon ${epsilon} at delta ${delta}`,
    { epsilon, delta },
  );
}

/**
 * The point next to where `excess` turns from above 0 to at most 0, on the side where it is: certain,
 * because it is evaluated at the very point that is returned.
 *
 * @param excess - falling in its argument
 * @param guess - where to start
 */
function leastFitting(
  excess: (x: number) => number,
  guess: number,
  least: number,
  most: number,
): number | undefined {
  const at = (log: number): number => excess(Math.exp(log));
  let width = 0.02;
  let high = Math.log(guess);
  let low = high;
  if (at(high) <= 0) {
    do {
      high = low;
      low -= width;
      width *= 2;
      if (low < Math.log(least)) return at(Math.log(least)) <= 0 ? least : Math.exp(high);
    } while (at(low) <= 0);
  } else {
    do {
      low = high;
      high += width;
      width *= 2;
      if (high > Math.log(most)) return undefined;
    } while (at(high) > 0);
  }
  const root = Number.isFinite(at(low))
    ? findRoot(at, low, high, { tolerance: TOLERANCE / 4 })
    : lastHolding((log) => at(log) <= 0, high, low, TOLERANCE);
  let found = Math.exp(root);
  for (let gap = TOLERANCE / 8; excess(found) > 0; gap *= 2) found = Math.exp(root) * (1 + gap);
  return found;
}

/**
 * The least noise multiplier at which an event stays within the target.
 *
 * @param eventOf - the event with a given noise multiplier; its cost must fall as that rises
 * @returns a multiplier within 1e-7 relative above the least one
 * @throws {VelaturaError} `dp/no-solution`, `dp/unsupported-event`, `dp/invalid-parameter`
 */
export function calibrateNoise(
  target: CalibrationTarget,
  eventOf: (noiseMultiplier: number) => DpEvent,
  guess = 1,
): CalibratedPlan & { readonly noiseMultiplier: number } {
  const pricing = new Pricing(target);
  const noiseMultiplier = leastFitting(
    (x) => pricing.excess(eventOf(x)),
    guess,
    LEAST_NOISE,
    MOST_NOISE,
  );
  if (noiseMultiplier === undefined) throw noSolution('no noise multiplier', target);
  return { noiseMultiplier, ...pricing.done(eventOf(noiseMultiplier)) };
}

/**
 * The least noise multiplier for rounds on Poisson samples.
 *
 * @throws {VelaturaError} `dp/no-solution`, `dp/unsupported-event`, `dp/invalid-parameter`
 */
export function calibrateNoiseMultiplier(
  target: CalibrationTarget,
  run: Omit<SampledRounds, 'noiseMultiplier'>,
): CalibratedPlan & { readonly noiseMultiplier: number } {
  requireEpsilon(target.epsilon);
  requireDelta(target.delta);
  return calibrateNoise(
    target,
    (noiseMultiplier) => sampledRoundsEvent({ ...run, noiseMultiplier }),
    noiseGuess(target, run),
  );
}

/** From the central limit of many small losses, µ² ≈ q²·T·(e^(1/σ²) − 1); a start, not a bound. */
function noiseGuess(
  target: CalibrationTarget,
  run: Omit<SampledRounds, 'noiseMultiplier'>,
): number {
  const mu = muOfEpsilon(target.epsilon, target.delta);
  const ratio = mu / (run.samplingRate * Math.sqrt(run.rounds));
  const guess = run.samplingRate === 1 ? 1 / ratio : 1 / Math.sqrt(Math.log1p(ratio * ratio));
  return Math.min(MOST_NOISE, Math.max(LEAST_NOISE, guess)) || 1;
}

/**
 * The most rounds within the target.
 *
 * @throws {VelaturaError} `dp/no-solution` when one round is too much; `dp/unsupported-event`,
 * `dp/invalid-parameter`
 */
export function calibrateRounds(
  target: CalibrationTarget,
  run: Omit<SampledRounds, 'rounds'>,
): CalibratedPlan & { readonly rounds: number } {
  const pricing = new Pricing(target);
  const excess = (rounds: number): number => pricing.excess(sampledRoundsEvent({ ...run, rounds }));
  let good = 0;
  let bad = MOST_ROUNDS;
  let atGood = Number.NEGATIVE_INFINITY;
  let atBad = Number.POSITIVE_INFINITY;
  const look = (rounds: number): void => {
    const value = excess(rounds);
    if (value <= 0) [good, atGood] = [rounds, value];
    else [bad, atBad] = [rounds, value];
  };
  const guess = roundsGuess(target, run);
  look(guess);
  for (let factor = 1.05; good === 0 && bad > 1; factor **= 2) {
    look(Math.max(1, Math.min(bad - 1, Math.floor(bad / factor))));
  }
  if (good === 0) throw noSolution('not even one round', target);
  for (let factor = 1.05; bad === MOST_ROUNDS && good < MOST_ROUNDS; factor **= 2) {
    look(Math.min(MOST_ROUNDS, Math.max(good + 1, Math.ceil(good * factor))));
  }
  let halve = false;
  while (bad - good > 1) {
    // Straight lines between logarithms, and every other time the middle, so that both ends close in.
    const share = halve || !Number.isFinite(atBad) ? 0.5 : atGood / (atGood - atBad);
    const between = Math.round(good * (bad / good) ** share);
    look(Math.min(bad - 1, Math.max(good + 1, between)));
    halve = !halve;
  }
  return { rounds: good, ...pricing.done(sampledRoundsEvent({ ...run, rounds: good })) };
}

/** The central limit solved for the rounds; a start, not a bound. */
function roundsGuess(target: CalibrationTarget, run: Omit<SampledRounds, 'rounds'>): number {
  const { samplingRate, noiseMultiplier } = run;
  const mu = muOfEpsilon(target.epsilon, target.delta) / samplingRate;
  const precision = 1 / (noiseMultiplier * noiseMultiplier);
  const square = samplingRate === 1 ? precision : Math.expm1(precision);
  const rounds = Math.floor((mu * mu) / square);
  return Math.min(MOST_ROUNDS / 2, Math.max(1, rounds)) || 1;
}

/**
 * The largest sampling rate within the target.
 *
 * @returns a rate within 1e-7 relative under the largest one
 * @throws {VelaturaError} `dp/no-solution`, `dp/unsupported-event`, `dp/invalid-parameter`
 */
export function calibrateSamplingRate(
  target: CalibrationTarget,
  run: Omit<SampledRounds, 'samplingRate'>,
): CalibratedPlan & { readonly samplingRate: number } {
  const pricing = new Pricing(target);
  const eventOf = (samplingRate: number): DpEvent => sampledRoundsEvent({ ...run, samplingRate });
  if (pricing.fits(eventOf(1))) return { samplingRate: 1, ...pricing.done(eventOf(1)) };
  // In 1/rate, in which cost falls.
  const inverse = leastFitting((x) => pricing.excess(eventOf(1 / x)), 10, 1, 1 / LEAST_RATE);
  if (inverse === undefined) throw noSolution('no sampling rate', target);
  const samplingRate = 1 / inverse;
  return { samplingRate, ...pricing.done(eventOf(samplingRate)) };
}
