import type { Transform } from './tilted-nodes.ts';

/** log E[e^(sL)] of a privacy loss at a real s > 0, and what it says of the tilted law. */
export interface Cumulants {
  readonly logMoment: number;
  /** Bound on the error of `logMoment`; infinite for a mere estimate. */
  readonly logMomentError: number;
  readonly mean: number;
  readonly variance: number;
}

/** One mechanism in one direction after tilting by s. */
export interface TiltedPart extends Cumulants {
  /** m(t) = E[e^(it(L − mean))] of the tilted law at t = 0, step, 2·step, …, up to the frequency of the tilt. */
  transform(step: number, count: number): Transform;
  /**
   * A bound on log |m(t)| that can be hoped for at every t' ≥ t; 0 where none can, because losses on a
   * lattice come into step again and again.
   *
   * @param logModulus - log |m(t)|
   */
  decay(t: number, logModulus: number): number;
  /** True when |m(t)| ≤ bound is proven for every t ≥ from; asked for bounds that `decay` hoped for. */
  staysUnder(from: number, bound: number): boolean;
}

/** A mechanism, in one direction, whose loss has a known moment generating function. */
export interface ContourPart {
  readonly count: number;
  /** Mass of each use that was cut off, and counts as an unbounded loss. */
  readonly leftOut: number;
  /** Mean and variance are estimates, good to a few digits. */
  cumulants(s: number): Cumulants;
  /** Number of points that takes. */
  size(s: number, frequency: number): number;
  /** The tilted law, good to a few roundings for frequencies up to `frequency`. */
  tilt(s: number, frequency: number): TiltedPart;
}
