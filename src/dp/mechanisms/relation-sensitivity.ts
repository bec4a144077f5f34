import type { NeighbourRelation } from '../plan.ts';

/** Bounds of what one user adds to a number, as integers with 0 between them. */
export interface ContributionRange {
  readonly least: number;
  readonly most: number;
}

/**
 * How far a sum moves when one user's part of it, a number of `range`, comes, goes, becomes 0 or becomes
 * another one of `range`. Of the mechanism as it is: not the bound that `poisson-sampled` under
 * `replace-one-user` asks for, which is twice the distance from being absent.
 */
export function rangeSensitivity(relation: NeighbourRelation, range: ContributionRange): number {
  return relation === 'replace-one-user'
    ? range.most - range.least
    : Math.max(range.most, -range.least);
}

/** The same for the norm of a vector: replacing is going and coming. */
export function ballSensitivity(relation: NeighbourRelation, radius: number): number {
  return relation === 'replace-one-user' ? 2 * radius : radius;
}
