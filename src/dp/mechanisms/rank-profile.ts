import type { WeightedGroups } from './weighted-choice.ts';

/** Ranks are counted in units of 2⁻²⁰ of a record, so that every quantile is an integer of them. */
export const RANK_UNITS: number = 2 ** 20;

/** The integers of [least, most], grouped by how many records lie below and at or below them. */
export interface RankProfile {
  /** Number of records. */
  readonly records: number;
  /** First integer of each group, in rising order. */
  readonly starts: Float64Array;
  readonly sizes: Float64Array;
  /** Records below the integers of the group. */
  readonly below: Float64Array;
  /** Records below or at them. */
  readonly upTo: Float64Array;
}

/** @param sorted - integers of [least, most] in rising order */
export function rankProfile(sorted: Float64Array, least: number, most: number): RankProfile {
  const profile = {
    records: sorted.length,
    starts: new Float64Array(2 * sorted.length + 1),
    sizes: new Float64Array(2 * sorted.length + 1),
    below: new Float64Array(2 * sorted.length + 1),
    upTo: new Float64Array(2 * sorted.length + 1),
  };
  let groups = 0;
  const add = (start: number, size: number, below: number, upTo: number): void => {
    if (size === 0) return;
    profile.starts[groups] = start;
    profile.sizes[groups] = size;
    profile.below[groups] = below;
    profile.upTo[groups] = upTo;
    groups++;
  };
  let next = least;
  for (let below = 0; below < sorted.length; ) {
    const value = sorted[below] as number;
    let upTo = below + 1;
    while (sorted[upTo] === value) upTo++;
    add(next, value - next, below, below);
    add(value, 1, below, upTo);
    next = value + 1;
    below = upTo;
  }
  add(next, most - next + 1, sorted.length, sorted.length);
  return {
    records: sorted.length,
    starts: profile.starts.slice(0, groups),
    sizes: profile.sizes.slice(0, groups),
    below: profile.below.slice(0, groups),
    upTo: profile.upTo.slice(0, groups),
  };
}

/**
 * The same with a candidate under everything and one over everything, which stand for the bounds: ranks under 0
 * and over the number of records are theirs.
 */
export function withOuterCandidates(
  profile: RankProfile,
  least: number,
  most: number,
): RankProfile {
  return {
    records: profile.records,
    starts: surround(least, profile.starts, most),
    sizes: surround(1, profile.sizes, 1),
    below: surround(Number.NEGATIVE_INFINITY, profile.below, profile.records),
    upTo: surround(0, profile.upTo, Number.POSITIVE_INFINITY),
  };
}

function surround(first: number, values: Float64Array, last: number): Float64Array {
  const longer = new Float64Array(values.length + 2);
  longer[0] = first;
  longer.set(values, 1);
  longer[values.length + 1] = last;
  return longer;
}

/**
 * How far the target lies from the ranks [below, upTo] of each group, in rank units: 0 for a group that holds
 * the quantile.
 */
export function rankCosts(profile: RankProfile, target: number): WeightedGroups {
  const { below, upTo, sizes } = profile;
  const costs = sizes.map((_, i) =>
    Math.max(
      0,
      (below[i] as number) * RANK_UNITS - target,
      target - (upTo[i] as number) * RANK_UNITS,
    ),
  );
  return { costs, sizes };
}
