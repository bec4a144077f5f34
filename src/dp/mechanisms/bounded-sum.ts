import { invalid } from '../accounting/refuse.ts';
import type { NeighbourRelation } from '../plan.ts';
import { type AdditiveNoise, type LatticeNoise, latticeNoise } from './additive-noise.ts';
import { granularityOf, requireBound } from './grid.ts';
import { ExactCapacity } from './noisy-sum.ts';
import {
  type LocalClipping,
  MAX_CONTRIBUTIONS,
  type RecordOptions,
  requireBounds,
  type ValueBounds,
} from './record-options.ts';
import { rangeSensitivity } from './relation-sensitivity.ts';
import { invalidContribution, requireCount } from './terms.ts';

/** Options of a sum of bounded values. */
export interface BoundedSumOptions extends RecordOptions, ValueBounds {
  readonly noise: AdditiveNoise;
  /** Spacing of the grid, a power of two; default: that of `chooseGranularity`. */
  readonly granularity?: number;
}

/** A sum of bounded values around a centre, in steps of a grid. */
export interface LatticeSum {
  /** Σ (round(value / granularity) − centre), an exact integer. */
  readonly total: number;
  /** Number of records in it. */
  readonly records: number;
  readonly local: LocalClipping;
}

/** How values become integers, and what that means for the noise; from public numbers alone. */
export interface LatticeSumRule {
  readonly granularity: number;
  /** An integer of steps that is taken off each value. */
  readonly centre: number;
  /** Bounds on the integer of one record. */
  readonly least: number;
  readonly most: number;
  readonly noise: LatticeNoise;
}

/**
 * The rule of a sum, and its noise under the relation.
 *
 * @param centre - a public number near which values lie; 0 for a plain sum
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function latticeSumRule(
  options: BoundedSumOptions,
  centre: number,
  relation: NeighbourRelation,
): LatticeSumRule {
  const { lowerBound, upperBound, maxContributions, noise } = options;
  requireBounds(options);
  requireCount('maxContributions', maxContributions, MAX_CONTRIBUTIONS);
  const magnitude = Math.max(Math.abs(lowerBound - centre), Math.abs(upperBound - centre));
  const bound = magnitude * maxContributions;
  requireBound('upperBound', bound);
  const granularity = granularityOf(options.granularity, bound, noise);
  const centreStep = Math.round(centre / granularity) + 0;
  const least = Math.round(lowerBound / granularity) - centreStep;
  const most = Math.round(upperBound / granularity) - centreStep;
  const reach = rangeSensitivity(relation, {
    least: maxContributions * Math.min(0, least),
    most: maxContributions * Math.max(0, most),
  });
  if (reach === 0) throw invalid('granularity', 'steps finer than the bounds', granularity);
  const lattice = latticeNoise(noise, { l1: reach, l2: reach, dimension: 1 });
  return { granularity, centre: centreStep, least, most, noise: lattice };
}

/**
 * Sums by the rule. Each record adds an integer in [least, most], whatever it holds, and each user at most
 * maxContributions of them: grid.proof.md §2.
 *
 * @throws {VelaturaError} `dp/invalid-contribution` for NaN or an infinity
 */
export function sumOnLattice(
  users: Iterable<ArrayLike<number>>,
  rule: LatticeSumRule,
  { lowerBound, upperBound, maxContributions }: BoundedSumOptions,
): LatticeSum {
  const { granularity, centre, least, most } = rule;
  const capacity = new ExactCapacity(maxContributions * Math.max(-least, most));
  let total = 0;
  let records = 0;
  let clipped = 0;
  let dropped = 0;
  for (const values of users) {
    capacity.admit();
    const kept = Math.min(values.length, maxContributions);
    dropped += values.length - kept;
    records += kept;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (!Number.isFinite(value)) throw invalidContribution('finite numbers');
      if (i >= kept) continue;
      if (value < lowerBound || value > upperBound) clipped++;
      const step = Math.round(value / granularity) - centre;
      total += Math.min(most, Math.max(least, step));
    }
  }
  return { total, records, local: { clipped, dropped } };
}
