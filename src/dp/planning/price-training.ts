import type { AccountantName, CertifiedInterval } from '../accountant.ts';
import { calibrateNoiseMultiplier } from '../accounting/calibrate.ts';
import { muOfEpsilon } from '../accounting/gdp.ts';
import type { Plan } from '../plan.ts';
import { oneShotDimension } from './one-shot-dimension.ts';
import { predictedError, roundSignalToNoise, runSignalToNoise } from './signal-model.ts';
import { tightestAccountant } from './tightest-accountant.ts';
import type { Candidate } from './training-candidates.ts';
import type { LinearShape, TrainingTerms } from './training-request.ts';

/** One way to train, with what it costs and promises. */
export interface TrainingAlternative extends Candidate {
  /** `one-shot`: each user sends second and cross moments once, and a server solves for the model. */
  readonly method: 'rounds' | 'one-shot';
  /** Numbers in one update. */
  readonly dimension: number;
  /** Users asked in one round, expected for samples. */
  readonly cohort: number;
  /** Of each round, under the relation. */
  readonly noiseMultiplier: number;
  /** Certified, for each user; at most the target. */
  readonly epsilon: number;
  /** Uploads of one user, expected. */
  readonly uploads: number;
  /** See {@link roundSignalToNoise}. */
  readonly roundSignalToNoise: number;
  readonly signalToNoise: number;
  /** See {@link predictedError}; rank by it, do not believe its digits. */
  readonly predictedError: number;
  readonly chosen: boolean;
}

/** An alternative with what a statement needs of it. */
export interface PricedAlternative {
  readonly alternative: TrainingAlternative;
  readonly plan: Plan;
  readonly interval: CertifiedInterval;
  readonly accountant: AccountantName;
}

/** Every accountant rounds its last bits in its own way; a plan is to be within its target for each of them. */
const MARGIN = 1e-12;
/** Choices whose predicted errors differ by less are alike: the one with the fewest uploads is taken. */
const ALIKE = 1.05;

/** Noise and prospects of one way to run rounds. */
export function priceCandidate(candidate: Candidate, terms: TrainingTerms): PricedAlternative {
  // A user of a fixed group meets its own rounds only, and in those for certain.
  const samplingRate = candidate.participation === 'poisson' ? candidate.samplingRate : 1;
  const { delta, relation } = terms;
  const accountant = tightestAccountant(samplingRate);
  const calibrated = calibrateNoiseMultiplier(
    { epsilon: terms.epsilon * (1 - MARGIN), delta, relation, accountant },
    { samplingRate, rounds: candidate.participations },
  );
  const { noiseMultiplier, plan, epsilon: interval } = calibrated;
  return {
    plan,
    interval,
    accountant,
    alternative: {
      ...candidate,
      ...prospects(candidate, noiseMultiplier, terms),
      method: 'rounds',
      dimension: terms.dimension,
      cohort: Math.round(candidate.samplingRate * terms.population),
      noiseMultiplier,
      epsilon: interval.upper,
      uploads: candidate.rounds * candidate.samplingRate,
      chosen: false,
    },
  };
}

type Prospects = Pick<
  TrainingAlternative,
  'roundSignalToNoise' | 'signalToNoise' | 'predictedError'
>;

/** What the public model expects of rounds with that noise. */
function prospects(
  { participation, rounds, samplingRate }: Candidate,
  noiseMultiplier: number,
  terms: TrainingTerms,
): Prospects {
  const drawn = participation === 'poisson';
  const round = roundSignalToNoise({ ...terms, samplingRate, drawn, noiseMultiplier });
  const ratio = runSignalToNoise(round, rounds);
  return {
    roundSignalToNoise: round,
    signalToNoise: ratio,
    predictedError: predictedError(rounds, ratio),
  };
}

/** Samples are slow to price exactly: so many of them are. */
const SHORTLIST = 12;

/**
 * All candidates but samples, and those samples that look best by the central limit of their privacy loss,
 * µ = rate · √(rounds · (e^(1/noiseMultiplier²) − 1)). That limit may be under the truth, so it picks what
 * is priced and prices nothing.
 *
 * Source: Bu, Dong, Long & Su, Deep learning with Gaussian differential privacy (2020).
 */
export function shortlist(
  candidates: readonly Candidate[],
  terms: TrainingTerms,
): readonly Candidate[] {
  const mu = muOfEpsilon(terms.epsilon, terms.delta);
  const guess = (candidate: Candidate): number => {
    const { samplingRate, rounds } = candidate;
    const noise = 1 / Math.sqrt(Math.log1p((mu / samplingRate) ** 2 / rounds));
    return prospects(candidate, noise, terms).predictedError;
  };
  const sampled = candidates
    .filter(({ participation }) => participation === 'poisson')
    .map((candidate) => ({ candidate, guess: guess(candidate) }))
    .sort((a, b) => a.guess - b.guess)
    .slice(0, SHORTLIST)
    .map(({ candidate }) => candidate);
  return [...candidates.filter(({ participation }) => participation !== 'poisson'), ...sampled];
}

/** One upload of everybody's moments: no steps to make, but many more numbers under noise. */
export function priceOneShot(
  terms: TrainingTerms,
  { features, labels }: LinearShape,
): PricedAlternative {
  const dimension = oneShotDimension(features, labels);
  const single: Candidate = {
    participation: 'full',
    rounds: 1,
    samplingRate: 1,
    participations: 1,
  };
  const priced = priceCandidate(single, { ...terms, dimension });
  const { signalToNoise } = priced.alternative;
  return {
    ...priced,
    alternative: {
      ...priced.alternative,
      method: 'one-shot',
      predictedError: predictedError(Number.POSITIVE_INFINITY, signalToNoise),
    },
  };
}

/** By predicted error, but first the one that asks least of people among those that are as good as the best. */
export function ranked(priced: readonly PricedAlternative[]): readonly PricedAlternative[] {
  const byError = [...priced].sort(
    (a, b) => a.alternative.predictedError - b.alternative.predictedError,
  );
  const least = (byError[0] as PricedAlternative).alternative.predictedError;
  const alike = byError.filter(({ alternative }) => alternative.predictedError <= ALIKE * least);
  const frugal = alike.reduce((best, next) =>
    next.alternative.uploads < best.alternative.uploads ? next : best,
  );
  return [frugal, ...byError.filter((entry) => entry !== frugal)];
}
