import type { Answer, Bounds } from './certified.ts';
import type { LawUse } from './directions.ts';
import { loweredToLattice, raisedToLattice } from './discretise.ts';
import { type LatticeShape, LatticeSum } from './lattice.ts';
import {
  farTilt,
  isUsable,
  type Saddle,
  saddleForDelta,
  saddleForEpsilon,
  totalAt,
} from './saddle.ts';
import { LossSketch } from './sketch.ts';
import { type DeltaCurve, epsilonOf } from './solve.ts';

/** Parts of delta that may be spent on cutting off losses, and mass that may be lifted from below. */
const CUT_ABOVE = 1e-8;
const CUT_BELOW = 1e-13;
/** Power of e by which what the period folds in stays under delta. */
const FOLD = 20;
/** Largest lattice: a transform of it takes some 20 ms. */
const MAX_SIZE = 1 << 20;
/** The same, and the accuracy, where only an order of magnitude is asked. */
const SMALL_SIZE = 1 << 13;
const ROUGH = 1e-2;
/** Bounds relatively further apart than that are tried once more with a step finer by the root of a factor. */
const WIDE = 1e-4;
const FINER = 16;
/** Longest law, in points, before it is wrapped round the lattice. */
const MAX_LENGTH = 1 << 23;
/** Tilt times step at which a point outweighs the next one by e^40. */
const SEPARATE = 40;
/** Tilt times loss is held to that, so that its rounding stays small. */
const MOST_EXPONENT = 1e5;

interface SketchedUse extends LawUse {
  readonly sketch: LossSketch;
}

function sketch(laws: readonly LawUse[], delta: number): readonly SketchedUse[] {
  return laws.map(({ law, count }) => {
    const share = laws.length * count;
    return {
      law,
      count,
      sketch: new LossSketch(law, (CUT_ABOVE * delta) / share, CUT_BELOW / share),
    };
  });
}

function tiltables(
  uses: readonly SketchedUse[],
): readonly { count: number; cumulants: LossSketch['cumulants'] }[] {
  return uses.map(({ count, sketch: sketched }) => ({
    count,
    cumulants: (s: number) => sketched.cumulants(s),
  }));
}

/** Shares of the saddle's tilt that are tried: losses with a heavy tail fold less under a smaller one. */
const TILT_SHARES = [1, 0.8, 0.65, 0.5];

/**
 * The smallest lattice for an accuracy. Splitting a loss between two points adds step²/6 to its variance,
 * which moves epsilon by (s + 1)·step²/12 for each use.
 */
function shapeOf(
  uses: readonly SketchedUse[],
  saddle: Saddle,
  logDelta: number,
  accuracy: number,
  maxSize: number,
): LatticeShape {
  const most = uses.reduce(
    (sum, { count, sketch: { high } }) => sum + count * Math.max(0, high),
    0,
  );
  const highest = Math.min(saddle.s, MOST_EXPONENT / Math.max(most, 1e-9));
  const parts = tiltables(uses);
  const target = (12 * accuracy * Math.max(saddle.epsilon, 1 / highest)) / (highest + 1);
  let best: LatticeShape | undefined;
  for (const share of TILT_SHARES) {
    const s = share * highest;
    const { variance } = totalAt(parts, s);
    const far = farTilt(parts, { s, epsilon: saddle.epsilon, variance }, logDelta, FOLD);
    const grid = gridOf(uses, far.period, target, maxSize);
    // Next to the end of bounded losses more tilt separates two points no better, and only overflows.
    const tilt = Math.min(s, SEPARATE / grid.step);
    const shape = {
      step: grid.step,
      size: Math.max(grid.size, sizeFor((FOLD - logDelta) / (tilt * grid.step))),
      tilt,
      farTilt: tilt < s ? 2 * tilt : far.s,
    };
    if (best === undefined || shape.size * shape.step < 0.7 * best.size * best.step) best = shape;
  }
  return best as LatticeShape;
}

/** @param target - the sum of step² over all uses whose losses are split */
function gridOf(
  uses: readonly SketchedUse[],
  period: number,
  target: number,
  maxSize: number,
): { step: number; size: number } {
  const unit = leadingUnit(uses);
  const split = uses
    .filter(({ law }) => !law.atomic || law.spacing?.unit !== unit)
    .reduce((sum, { count }) => sum + count, 0);
  if (unit > 0) {
    // On their own spacing atoms are not split at all; a lattice of atoms alone needs no other points.
    const step = split === 0 ? unit : unit / Math.ceil(unit / Math.sqrt(target / split));
    const size = sizeFor(period / step);
    if (size <= maxSize) return { step, size };
  }
  const all = uses.reduce((sum, { count }) => sum + count, 0);
  const step = Math.min(Math.sqrt(target / all), period / 512);
  const size = Math.min(maxSize, sizeFor(period / step));
  return { step: period / size, size };
}

function sizeFor(points: number): number {
  return 2 ** Math.max(4, Math.ceil(Math.log2(points)));
}

/** The spacing of the law whose atoms are used most; 0 where there are none. */
function leadingUnit(uses: readonly SketchedUse[]): number {
  let most = 0;
  let unit = 0;
  for (const { law, count } of uses) {
    if (law.spacing !== undefined && count > most) [most, unit] = [count, law.spacing.unit];
  }
  return unit;
}

/** True where no lattice of a fair size holds the laws; also where the shape came out as no number. */
function isTooLong(uses: readonly SketchedUse[], { step, size }: LatticeShape): boolean {
  if (!(step > 0 && size >= 2 && size <= 2 * MAX_SIZE)) return true;
  return uses.some(({ sketch: { low, high } }) => !((high - low) / step < MAX_LENGTH));
}

function raised(uses: readonly SketchedUse[], shape: LatticeShape): LatticeSum {
  const laws = uses.map(({ law, count, sketch: { low, high } }) => ({
    count,
    law: raisedToLattice(law, shape.step, low, high),
  }));
  return new LatticeSum(laws, shape);
}

function lowered(uses: readonly SketchedUse[], shape: LatticeShape): LatticeSum {
  const laws = uses.map(({ law, count, sketch: { low, high } }) => ({
    count,
    law: loweredToLattice(law, shape.step, low, high, shape.tilt),
  }));
  return new LatticeSum(laws, shape);
}

/** Epsilon of the composition of laws, by lattices; undefined where none of a fair size would do. */
export function latticeEpsilon(
  laws: readonly LawUse[],
  delta: number,
  accuracy: number,
): Answer | undefined {
  const uses = sketch(laws, delta);
  const saddle = saddleForDelta(tiltables(uses), delta);
  if (!isUsable(saddle)) return undefined;
  let found: Bounds | undefined;
  // The lower end falls behind where the mass is gathered in a few steps: then they are made finer.
  for (let aim = accuracy; ; aim /= FINER) {
    const shape = shapeOf(uses, saddle, Math.log(delta), aim, MAX_SIZE);
    if (isTooLong(uses, shape)) break;
    const above = raised(uses, shape);
    const below = lowered(uses, shape);
    const curve: DeltaCurve = { upper: (e) => above.upper(e), lower: (e) => below.lower(e) };
    const { lower, upper } = epsilonOf(curve, delta, found?.upper ?? saddle.epsilon);
    found = {
      lower: Math.max(lower, found?.lower ?? 0),
      upper: Math.min(upper, found?.upper ?? upper),
    };
    const gap = found.upper - found.lower;
    if (gap <= WIDE * found.upper || shape.size === MAX_SIZE || aim < accuracy) break;
  }
  return found && { bounds: found, saddle };
}

/** Delta of the composition of laws, by lattices; undefined where none of a fair size would do. */
export function latticeDelta(
  laws: readonly LawUse[],
  epsilon: number,
  accuracy: number,
): Answer | undefined {
  // What may be cut depends on delta, so it is estimated first.
  let logDelta = Math.log(1e-10);
  let uses = sketch(laws, 1e-10);
  for (let i = 0; i < 2; i++) {
    const parts = tiltables(uses);
    const { s } = saddleForEpsilon(parts, epsilon);
    const size = totalAt(parts, s).logMoment - s * epsilon - Math.log(s * (s + 1));
    logDelta = Math.min(-1e-3, Math.max(-700, size - 2));
    uses = sketch(laws, Math.exp(logDelta));
  }
  const saddle = saddleForEpsilon(tiltables(uses), epsilon);
  if (!isUsable(saddle)) return undefined;
  const shape = shapeOf(uses, saddle, logDelta, accuracy, MAX_SIZE);
  if (isTooLong(uses, shape)) return undefined;
  const lower = lowered(uses, shape).lower(epsilon);
  return { bounds: { lower, upper: raised(uses, shape).upper(epsilon) }, saddle };
}

/** True when a small lattice already shows that delta at that epsilon is at most `delta`. */
export function latticeIsUnder(laws: readonly LawUse[], epsilon: number, delta: number): boolean {
  const uses = sketch(laws, delta);
  const saddle = saddleForEpsilon(tiltables(uses), epsilon);
  if (!isUsable(saddle)) return false;
  const shape = shapeOf(uses, saddle, Math.log(delta), ROUGH, SMALL_SIZE);
  if (isTooLong(uses, shape)) return false;
  const long = uses.some(({ sketch: { low, high } }) => (high - low) / shape.step > 4 * SMALL_SIZE);
  return !long && raised(uses, shape).upper(epsilon) <= delta;
}
