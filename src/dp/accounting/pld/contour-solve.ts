import type { Answer } from './certified.ts';
import { Contour } from './contour.ts';
import type { ContourPart } from './contour-part.ts';
import { isUsable, type Saddle, saddleForDelta, saddleForEpsilon, totalAt } from './saddle.ts';
import { epsilonOf } from './solve.ts';

/** Tilts tried, as multiples of the saddle of the other direction, to show that this one does not matter. */
const TRIALS = [1, 1.6, 2.5];

/** A variance so many times that of four fifths of the tilt has jumped. */
const JUMP = 2.5;
const MOST_STEPS = 40;
/** Power of e by which the integrand may exceed delta: digits that are lost. */
const MOST_LOST = 17;
/** Bounds relatively further apart than that are worth a second contour. */
const LOOSE = 1e-8;

/**
 * Where a rare large loss takes over, the tilted variance jumps and the saddle stands for nothing: the
 * tilt is lowered until it is that of the bulk again, as long as that costs few digits.
 */
function settled(parts: readonly ContourPart[], saddle: Saddle, logDelta: number): Saddle {
  let { s, variance } = saddle;
  for (let step = 0; step < MOST_STEPS; step++) {
    const lower = 0.8 * s;
    const total = totalAt(parts, lower);
    const lost = total.logMoment - lower * saddle.epsilon - logDelta;
    if (variance <= JUMP * total.variance || lost > MOST_LOST) break;
    s = lower;
    variance = total.variance;
  }
  return { s, epsilon: saddle.epsilon, variance };
}

function through(
  parts: readonly ContourPart[],
  saddle: Saddle,
  logDelta: number,
): Contour | undefined {
  if (!isUsable(saddle)) return undefined;
  return Contour.through(parts, settled(parts, saddle, logDelta), logDelta);
}

/** Epsilon of the composition of parts in one direction, or undefined where no contour is proven. */
export function contourEpsilon(parts: readonly ContourPart[], delta: number): Answer | undefined {
  const logDelta = Math.log(delta);
  const saddle = saddleForDelta(parts, delta);
  const contour = through(parts, saddle, logDelta);
  if (contour === undefined) return undefined;
  const bounds = epsilonOf(contour, delta, saddle.epsilon);
  if (bounds.upper - bounds.lower < LOOSE * bounds.upper) return { bounds, saddle };
  // The guess was so far off that its period folds too much in: once more from what was found.
  const better = saddleForEpsilon(parts, bounds.upper);
  const second = through(parts, better, logDelta);
  if (second === undefined) return { bounds, saddle };
  const again = epsilonOf(second, delta, bounds.upper);
  return {
    bounds: {
      lower: Math.max(bounds.lower, again.lower),
      upper: Math.min(bounds.upper, again.upper),
    },
    saddle: better,
  };
}

/** Delta of the composition of parts in one direction, or undefined where no contour is proven. */
export function contourDelta(parts: readonly ContourPart[], epsilon: number): Answer | undefined {
  const saddle = saddleForEpsilon(parts, epsilon);
  const { s } = saddle;
  const size = totalAt(parts, s).logMoment - s * epsilon - Math.log(s * (s + 1));
  const contour = through(parts, saddle, Math.min(-1e-3, size - 2));
  return contour && { bounds: contour.delta(epsilon), saddle };
}

/**
 * True when delta at that epsilon is certainly at most `delta` by Chernoff's bound: e^(K(s) − sε) times
 * the largest value s^s/(1+s)^(1+s) of (1 − u)·u^s, for one of a few s.
 */
export function isCertainlyUnder(
  parts: readonly ContourPart[],
  epsilon: number,
  delta: number,
  saddle: Saddle,
): boolean {
  const logDelta = Math.log(delta) - 1e-9;
  return TRIALS.some((factor) => {
    const s = saddle.s * factor;
    const peak = s * Math.log(s) - (1 + s) * Math.log1p(s);
    const { logMoment, logMomentError } = totalAt(parts, s);
    return logMoment + logMomentError - s * epsilon + peak < logDelta;
  });
}
