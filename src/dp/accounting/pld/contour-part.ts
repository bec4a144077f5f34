import type { Transform } from './tilted-nodes.ts';

/** log E[e^(sL)] of a privacy loss at a real s > 0, and what it says of the tilted law. */
export interface Cumulants {
  readonly logMoment: number;
  readonly mean: number;
  readonly variance: number;
}

/** One mechanism in one direction after tilting by s. */
export interface TiltedPart extends Cumulants {
  /** Bound on the error of `logMoment`. */
  readonly error: number;
  /** m(t) = E[e^(it(L − mean))] of the tilted law at 0, step, 2·step, …; frequencies up to that of the tilt. */
  transform(step: number, count: number): Transform;
  /** True when |m(t)| ≤ bound is proven for every t ≥ from. */
  staysUnder(from: number, bound: number): boolean;
}

/** A mechanism, in one direction, whose loss has a known moment generating function. */
export interface ContourPart {
  readonly count: number;
  /** Estimates, good to a few digits. */
  cumulants(s: number): Cumulants;
  /** The tilted law, good to a few roundings for frequencies up to `frequency`. */
  tilt(s: number, frequency: number): TiltedPart;
}
