import { uniformInteger } from '../../core/random-source.ts';
import { invalid } from '../accounting/refuse.ts';
import type { DpEvent } from '../event.ts';
import { rationalOf } from '../noise/rational.ts';
import type { NeighbourRelation, Release, ReleaseError } from '../plan.ts';
import { likelyGap, rootMeanSquareGap } from './exponential-mechanism.ts';
import { floorLog2, requireBound } from './grid.ts';
import {
  RANK_UNITS,
  type RankProfile,
  rankCosts,
  rankProfile,
  withOuterCandidates,
} from './rank-profile.ts';
import {
  MAX_CONTRIBUTIONS,
  type RecordOptions,
  requireBounds,
  type ValueBounds,
} from './record-options.ts';
import {
  invalidContribution,
  requireCount,
  requirePositive,
  type Terms,
  termsOf,
  userPlan,
} from './terms.ts';
import { chooseWeighted } from './weighted-choice.ts';

/** Options of {@link dpQuantile}. */
export interface QuantileOptions extends RecordOptions, ValueBounds {
  /** Share of the records that lies below, in (0, 1), taken to the nearest multiple of 2⁻²⁰: 0.5 is the median. */
  readonly quantile: number;
  /** Epsilon of the event. */
  readonly epsilon: number;
  /**
   * Epsilon of each of two further releases that enclose the quantile and make `error` tell something. Without
   * them nothing but the public bounds is known of the distance in units of the value.
   */
  readonly intervalEpsilon?: number;
  /** Spacing of the candidates, a power of two. Default: about 2⁻²⁰ of the width of the bounds. */
  readonly granularity?: number;
}

/** A quantile, and how far off its rank may be. */
export interface QuantileRelease extends Release<number> {
  /**
   * In records: how far the wanted rank is from the ranks that the released value has among the clipped values.
   * Holds for all data and is known beforehand, from public numbers alone.
   */
  readonly rankError: ReleaseError;
}

const WIDTH_BITS = 20;
const MOST_CANDIDATES = 2 ** 40;
const MOST_RECORDS = 2 ** 31;
const MOST_OFFSET = 2 ** 51;

/**
 * A quantile of values by the exponential mechanism over a public grid: P[z] ∝ e^(−epsilon · distance / range),
 * exactly, where the distance is from the wanted rank to the ranks of z.
 *
 * One exponential mechanism does what a binary search needs twenty noisy counts for, with less error
 * (quantile.proof.md §4), at pure epsilon, and with a bound on the rank that holds for all data.
 *
 * ## Privacy
 * Unit: user, with at most maxContributions values; relation: as given. Costs the event `exponential{epsilon}`, and
 * with `intervalEpsilon` two more of that one. The range is worked out from the relation: quantile.proof.md.
 *
 * Source: Smith, "Privacy-preserving statistical estimation with optimal convergence rates" (2011), for the
 * mechanism; Dong, Durfee, Rogers (2020) for its price.
 *
 * Cost: sorts the values.
 *
 * @param users - the values of one user each, finite; visited once
 * @returns a multiple of the granularity within the bounds. `error` encloses the quantile of the clipped values
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`
 */
export function dpQuantile(
  users: Iterable<ArrayLike<number>>,
  options: QuantileOptions,
): QuantileRelease {
  const terms = termsOf(options);
  const rule = quantileRule(options, terms.relation);
  const { epsilon, intervalEpsilon } = options;
  requirePositive('epsilon', epsilon);
  if (intervalEpsilon !== undefined) requirePositive('intervalEpsilon', intervalEpsilon);
  const profile = rankProfile(sortedSteps(users, rule, options), rule.least, rule.most);
  const value = rule.valueOf(drawStep(profile, 0, epsilon, rule, terms));
  const event: DpEvent = { kind: 'exponential', epsilon };
  const rankScale = rule.range / RANK_UNITS / epsilon;
  const rankError = {
    noiseStddev: rankScale * rootMeanSquareGap(rule.candidates),
    halfWidth: rankScale * likelyGap(rule.candidates, terms.confidence),
    confidence: terms.confidence,
  };
  const enclosed =
    intervalEpsilon === undefined
      ? { ends: [options.lowerBound, options.upperBound], event, slack: 0 }
      : encloseQuantile(profile, event, intervalEpsilon, rule, terms);
  return {
    value,
    plan: userPlan(terms.relation, enclosed.event),
    error: {
      // Popoviciu: nothing between the bounds deviates more.
      noiseStddev: (options.upperBound - options.lowerBound) / 2,
      halfWidth: Math.max(...enclosed.ends.map((end) => Math.abs(value - end))) + enclosed.slack,
      confidence: terms.confidence,
    },
    insecure: terms.insecure,
    rankError,
  };
}

/** What is known before any data is read. */
export interface QuantileRule {
  readonly granularity: number;
  /** First and last candidate, in steps. */
  readonly least: number;
  readonly most: number;
  readonly candidates: number;
  /** The quantile in rank units. */
  readonly share: number;
  /** How far apart one user can push two distances, in rank units: quantile.proof.md §2. */
  readonly range: number;
  /** The value of a step, within the bounds. */
  valueOf(step: number): number;
}

/** @throws {VelaturaError} `dp/invalid-parameter` */
export function quantileRule(options: QuantileOptions, relation: NeighbourRelation): QuantileRule {
  const { lowerBound, upperBound, maxContributions, quantile } = options;
  requireBounds(options);
  requireCount('maxContributions', maxContributions, MAX_CONTRIBUTIONS);
  const share = Math.round(quantile * RANK_UNITS);
  if (!(share > 0 && share < RANK_UNITS)) {
    throw invalid('quantile', 'a number in [2^-20, 1 - 2^-20]', quantile);
  }
  const width = upperBound - lowerBound;
  const magnitude = Math.max(Math.abs(lowerBound), Math.abs(upperBound));
  requireBound('upperBound', magnitude);
  requireBound('upperBound', width);
  const finest = 2 ** (floorLog2(magnitude) - 51);
  const granularity = options.granularity ?? Math.max(finest, 2 ** (floorLog2(width) - WIDTH_BITS));
  const least = Math.ceil(lowerBound / granularity) + 0;
  const most = Math.floor(upperBound / granularity) + 0;
  const candidates = most - least + 1;
  const isPower = granularity > 0 && 2 ** floorLog2(granularity) === granularity;
  if (!(isPower && granularity >= finest && candidates >= 1 && candidates <= MOST_CANDIDATES)) {
    throw invalid('granularity', 'a power of two that fits the bounds', granularity);
  }
  const perRecord =
    relation === 'replace-one-user' ? RANK_UNITS : Math.max(share, RANK_UNITS - share);
  return {
    granularity,
    least,
    most,
    candidates,
    share,
    range: 2 * perRecord * maxContributions,
    valueOf: (step) => Math.min(upperBound, Math.max(lowerBound, step * granularity)),
  };
}

/** The records as steps of the grid, in rising order. */
function sortedSteps(
  users: Iterable<ArrayLike<number>>,
  { granularity, least, most }: QuantileRule,
  options: QuantileOptions,
): Float64Array {
  const { lowerBound, upperBound, maxContributions } = options;
  const steps: number[] = [];
  let clipped = 0;
  let dropped = 0;
  for (const values of users) {
    const kept = Math.min(values.length, maxContributions);
    dropped += values.length - kept;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!Number.isFinite(value)) throw invalidContribution('finite numbers');
      if (i >= kept) continue;
      if (value < lowerBound || value > upperBound) clipped++;
      steps.push(Math.min(most, Math.max(least, Math.round(value / granularity))) + 0);
    }
    if (steps.length > MOST_RECORDS) throw invalidContribution('fewer records in all');
  }
  options.onClipped?.({ clipped, dropped });
  return Float64Array.from(steps).sort();
}

/** Draws a step for the wanted rank moved by `offset` rank units. */
function drawStep(
  profile: RankProfile,
  offset: number,
  epsilon: number,
  rule: QuantileRule,
  terms: Terms,
): number {
  const groups = rankCosts(profile, rule.share * profile.records + offset);
  const { numerator, denominator } = rationalOf(epsilon);
  const rate = { numerator, denominator: denominator * BigInt(rule.range) };
  const group = chooseWeighted(groups, rate, terms.random);
  const size = profile.sizes[group] as number;
  return (profile.starts[group] as number) + uniformInteger(terms.random, size);
}

/**
 * Two draws for ranks so far under and over the wanted one that, with the stated confidence, the quantile is
 * between them: quantile.proof.md §3.
 */
function encloseQuantile(
  profile: RankProfile,
  event: DpEvent,
  epsilon: number,
  rule: QuantileRule,
  terms: Terms,
): { readonly ends: number[]; readonly event: DpEvent; readonly slack: number } {
  const missed = 1 - (1 - terms.confidence) / 2;
  const offset = Math.ceil((rule.range / epsilon) * likelyGap(rule.candidates + 2, missed));
  if (offset > MOST_OFFSET) throw invalid('intervalEpsilon', 'a larger number', epsilon);
  const outer = withOuterCandidates(profile, rule.least, rule.most);
  const ends = [-offset, offset].map((shift) =>
    rule.valueOf(drawStep(outer, shift, epsilon, rule, terms)),
  );
  const end: DpEvent = { kind: 'exponential', epsilon };
  return {
    ends,
    event: { kind: 'composed', events: [event, { kind: 'repeated', count: 2, event: end }] },
    slack: rule.granularity,
  };
}
