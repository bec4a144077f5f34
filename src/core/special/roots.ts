/** Options of {@link findRoot}. */
export interface RootOptions {
  /** Absolute tolerance on the root; default: as near as doubles allow. */
  readonly tolerance?: number;
  /** Default 200. */
  readonly maxIterations?: number;
}

/**
 * A zero of a continuous function between two points where its signs differ, by Brent's method.
 *
 * Source: R. P. Brent, Algorithms for Minimization without Derivatives (1973), chapter 4.
 *
 * @throws {RangeError} when the signs do not differ
 */
export function findRoot(
  f: (x: number) => number,
  low: number,
  high: number,
  options: RootOptions = {},
): number {
  const { tolerance = 0, maxIterations = 200 } = options;
  let a = low;
  let b = high;
  let fa = f(a);
  let fb = f(b);
  if (fa === 0) return a;
  if (fb === 0) return b;
  if (!(fa < 0 !== fb < 0) || Number.isNaN(fa) || Number.isNaN(fb)) {
    throw new RangeError(`"low", "high" expected different signs, got ${fa} and ${fb}`);
  }
  let c = a;
  let fc = fa;
  let step = b - a;
  let previous = step;
  for (let i = 0; i < maxIterations; i++) {
    if (fb < 0 === fc < 0) {
      c = a;
      fc = fa;
      step = b - a;
      previous = step;
    }
    if (Math.abs(fc) < Math.abs(fb)) {
      [a, b, c] = [b, c, b];
      [fa, fb, fc] = [fb, fc, fb];
    }
    const least = 2 * Number.EPSILON * Math.abs(b) + 0.5 * tolerance;
    const middle = 0.5 * (c - b);
    if (Math.abs(middle) <= least || fb === 0) return b;
    const interpolated = Math.abs(previous) >= least && Math.abs(fa) > Math.abs(fb);
    const proposal = interpolated ? interpolate(a, b, c, fa, fb, fc) : middle;
    // Interpolation is believed only while it keeps inside and shrinks faster than halving would.
    if (
      interpolated &&
      proposal / middle > 0 &&
      Math.abs(proposal) < Math.min(1.5 * Math.abs(middle), 0.5 * Math.abs(previous))
    ) {
      previous = step;
      step = proposal;
    } else {
      step = middle;
      previous = middle;
    }
    a = b;
    fa = fb;
    b += Math.abs(step) > least ? step : Math.sign(middle) * least;
    fb = f(b);
  }
  return b;
}

/** Step from b by inverse quadratic interpolation, or the secant where only two points differ. */
function interpolate(a: number, b: number, c: number, fa: number, fb: number, fc: number): number {
  const s = fb / fa;
  if (a === c) return ((c - b) * s) / (s - 1);
  const q = fa / fc;
  const r = fb / fc;
  const p = s * ((c - b) * q * (q - r) - (b - a) * (r - 1));
  return -p / ((q - 1) * (r - 1) * (s - 1));
}

/**
 * The point nearest to where a monotone condition turns, on the side where it **holds**; never a point at
 * which it was not seen to hold.
 *
 * @param holds - true at `inside`, false at `outside`, turning once between them
 * @param relativeTolerance - stop when the bracket is that narrow; default 0: adjacent doubles
 */
export function lastHolding(
  holds: (x: number) => boolean,
  inside: number,
  outside: number,
  relativeTolerance = 0,
): number {
  let good = inside;
  let bad = outside;
  for (;;) {
    const middle = good + 0.5 * (bad - good);
    if (middle === good || middle === bad) return good;
    if (Math.abs(bad - good) <= relativeTolerance * Math.abs(good)) return good;
    if (holds(middle)) good = middle;
    else bad = middle;
  }
}
