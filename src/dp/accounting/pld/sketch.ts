import type { Cumulants } from './contour-part.ts';
import { emptyTails, type LossLaw } from './law.ts';

/** Bins of a sketch: enough for two digits of a variance. */
const BINS = 320;
const BISECTIONS = 60;

/**
 * A loss law between two cuts as a few hundred points, fine where the mass is: enough to find the saddle
 * and to choose a lattice, not to certify anything.
 */
export class LossSketch {
  /** Nothing but a negligible mass lies below. */
  readonly low: number;
  /** The mass above is at most what was allowed, and is counted as an unbounded loss. */
  readonly high: number;
  /** That mass under the law in front. */
  readonly leftOut: number;
  readonly #losses: number[] = [];
  readonly #logMasses: number[] = [];

  /**
   * @param massAbove - most mass under p to cut off above
   * @param massBelow - most mass under p to lift from below
   */
  constructor(law: LossLaw, massAbove: number, massBelow: number) {
    const tails = emptyTails();
    const above = (c: number): number => {
      law.tailsAt(c, tails);
      return tails.pAbove;
    };
    const below = (c: number): number => {
      law.tailsAt(c, tails);
      return tails.pBelow;
    };
    // A little beyond the ends of the law, where an atom may sit and be rounded outwards.
    const margin = 1e-12 * (Math.min(law.most, 1) - Math.max(law.least, -1));
    this.high = Math.min(law.most + margin, firstUnder(above, massAbove, 1));
    this.low = Math.max(law.least - margin, -firstUnder((c) => below(-c), massBelow, 1));
    this.leftOut = above(this.high);
    this.#fill(law);
  }

  #fill(law: LossLaw): void {
    const { low, high } = this;
    const tails = emptyTails();
    const quantile = (share: number): number => {
      let from = low;
      let to = high;
      for (let i = 0; i < BISECTIONS; i++) {
        const middle = 0.5 * (from + to);
        law.tailsAt(middle, tails);
        if (tails.pBelow < share) from = middle;
        else to = middle;
      }
      return to;
    };
    const centre = quantile(0.5);
    const width = Math.max(quantile(0.9) - quantile(0.1), (high - low) * 1e-6, 1e-300);
    // Points spread like sinh: evenly within the bulk, geometrically in the tails.
    const scale = width / 8;
    const first = Math.asinh((low - centre) / scale);
    const last = Math.asinh((high - centre) / scale);
    const edge = (k: number): number =>
      k === 0
        ? low
        : k === BINS
          ? high
          : centre + scale * Math.sinh(first + ((last - first) * k) / BINS);
    law.tailsAt(low, tails);
    this.#add(low, tails.pBelow);
    let { pAbove, pBelow, qAbove, qBelow } = tails;
    for (let k = 1; k <= BINS; k++) {
      law.tailsAt(edge(k), tails);
      const p = pAbove < 0.5 ? pAbove - tails.pAbove : tails.pBelow - pBelow;
      const q = qAbove < 0.5 ? qAbove - tails.qAbove : tails.qBelow - qBelow;
      if (p > 0) {
        const loss = q > 0 ? Math.log(p / q) : edge(k);
        this.#add(Math.min(edge(k), Math.max(edge(k - 1), loss)), p);
      }
      ({ pAbove, pBelow, qAbove, qBelow } = tails);
    }
  }

  #add(loss: number, mass: number): void {
    if (!(mass > 0)) return;
    this.#losses.push(loss);
    this.#logMasses.push(Math.log(mass));
  }

  /** Cumulants of the law between the cuts, tilted by s. */
  cumulants(s: number): Cumulants {
    const losses = this.#losses;
    let peak = Number.NEGATIVE_INFINITY;
    const exponents = losses.map((loss, i) => s * loss + (this.#logMasses[i] as number));
    for (const exponent of exponents) if (exponent > peak) peak = exponent;
    let sum = 0;
    let first = 0;
    let second = 0;
    exponents.forEach((exponent, i) => {
      const weight = Math.exp(exponent - peak);
      const loss = losses[i] as number;
      sum += weight;
      first += weight * loss;
      second += weight * loss * loss;
    });
    const mean = first / sum;
    return {
      logMoment: peak + Math.log(sum),
      logMomentError: Number.POSITIVE_INFINITY,
      mean,
      variance: Math.max(second / sum - mean * mean, 0),
    };
  }
}

/** A point near the first at which a falling function is at most `target`. */
function firstUnder(f: (c: number) => number, target: number, start: number): number {
  let high = start;
  while (f(high) > target) {
    high *= 2;
    if (high > 1e12) return high;
  }
  let low = f(0) > target ? 0 : -high;
  while (f(low) <= target && low > -1e12) low *= 2;
  for (let i = 0; i < BISECTIONS && high - low > 1e-3 * Math.abs(high); i++) {
    const middle = 0.5 * (low + high);
    if (f(middle) <= target) high = middle;
    else low = middle;
  }
  return high;
}
