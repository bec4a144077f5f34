import type { ContourPart } from './contour-part.ts';
import { contourDelta, contourEpsilon, isCertainlyUnder } from './contour-solve.ts';
import type { LawUse, TranscriptLoss } from './directions.ts';
import { latticeDelta, latticeEpsilon, latticeIsUnder } from './lattice-solve.ts';
import type { Saddle } from './saddle.ts';
import { SingleUse } from './single-use.ts';
import { type DeltaCurve, epsilonOf } from './solve.ts';

/** Bounds of the composed pair: the truth lies between them. */
export interface Bounds {
  readonly lower: number;
  readonly upper: number;
}

/** Bounds, and where the integrand had its saddle. */
export interface Answer {
  readonly bounds: Bounds;
  readonly saddle: Saddle;
}

/** What is asked of one direction. */
interface Question {
  readonly single: (curve: DeltaCurve) => Bounds;
  readonly contour: (parts: readonly ContourPart[]) => Answer | undefined;
  readonly lattice: (laws: readonly LawUse[]) => Answer | undefined;
  /** True when a direction certainly gives no more than `lower`: two ways, the first nearly free. */
  readonly isLess: (parts: readonly ContourPart[], lower: number, saddle: Saddle) => boolean;
  readonly isLessOnLattice: (laws: readonly LawUse[], lower: number) => boolean;
  /** Bounds further apart than that are tried again on a lattice. */
  readonly narrow: (bounds: Bounds) => boolean;
}

/** The larger of both directions; undefined where one of them has no answer. */
function overDirections(loss: TranscriptLoss, question: Question): Bounds | undefined {
  let worst: Bounds = { lower: 0, upper: 0 };
  let saddle: Saddle | undefined;
  for (const { contour, laws } of loss.directions) {
    if (saddle !== undefined && worst.lower > 0) {
      const less = contour && question.isLess(contour, worst.lower, saddle);
      if (less || question.isLessOnLattice(laws, worst.lower)) continue;
    }
    const answer = directionAnswer(contour, laws, question);
    if (answer === undefined) return undefined;
    const { bounds } = answer;
    if (Number.isNaN(bounds.lower) || Number.isNaN(bounds.upper)) return undefined;
    worst = {
      lower: Math.max(worst.lower, bounds.lower),
      upper: Math.max(worst.upper, bounds.upper),
    };
    saddle ??= answer.saddle;
  }
  return worst;
}

function directionAnswer(
  contour: readonly ContourPart[] | undefined,
  laws: readonly LawUse[],
  question: Question,
): { readonly bounds: Bounds; readonly saddle?: Saddle } | undefined {
  const [only] = laws;
  if (laws.length === 1 && only?.count === 1) {
    return { bounds: question.single(new SingleUse(only.law)) };
  }
  const first = contour && question.contour(contour);
  if (first && question.narrow(first.bounds)) return first;
  // Both methods are right, so where the first is wide their intersection is too.
  const second = question.lattice(laws);
  if (first === undefined || second === undefined) return second ?? first;
  return {
    bounds: {
      lower: Math.max(first.bounds.lower, second.bounds.lower),
      upper: Math.min(first.bounds.upper, second.bounds.upper),
    },
    saddle: first.saddle,
  };
}

/** Epsilon at a delta of a composed pair. */
export function epsilonBounds(
  loss: TranscriptLoss,
  delta: number,
  accuracy: number,
): Bounds | undefined {
  return overDirections(loss, {
    single: (curve) => epsilonOf(curve, delta, 1),
    contour: (parts) => contourEpsilon(parts, delta),
    lattice: (laws) => latticeEpsilon(laws, delta, accuracy),
    isLess: (parts, lower, saddle) => isCertainlyUnder(parts, lower, delta, saddle),
    isLessOnLattice: (laws, lower) => latticeIsUnder(laws, lower, delta),
    narrow: ({ lower, upper }) => upper - lower <= 3 * accuracy * Math.max(upper, 1e-3),
  });
}

/** Delta at an epsilon of a composed pair. */
export function deltaBounds(
  loss: TranscriptLoss,
  epsilon: number,
  accuracy: number,
): Bounds | undefined {
  return overDirections(loss, {
    single: (curve) => ({ lower: curve.lower(epsilon), upper: curve.upper(epsilon) }),
    contour: (parts) => contourDelta(parts, epsilon),
    lattice: (laws) => latticeDelta(laws, epsilon, accuracy),
    isLess: (parts, lower, saddle) => isCertainlyUnder(parts, epsilon, lower, saddle),
    isLessOnLattice: (laws, lower) => latticeIsUnder(laws, epsilon, lower),
    narrow: ({ lower, upper }) => upper - lower <= 10 * accuracy * upper,
  });
}
