import { emptyTails, type LossLaw } from './law.ts';

/** A law on the points origin + step·(first + i), as masses under the law in front. */
export interface LatticeLaw {
  readonly origin: number;
  readonly first: number;
  readonly masses: Float64Array;
  /** Mass counted as an unbounded loss (pessimistic) or dropped (optimistic). */
  readonly leftOut: number;
  /** By how much every loss was lowered to reach the lattice; 0 where losses were raised. */
  readonly lowered: number;
}

/** Share of a step by which rounding may shift a mass, in units of 2⁻⁵² over the step. */
const ROUNDINGS = 16;
/** Lowerings looked at: a step over 2^0 … 2^40. */
const LEVELS = 40;

/** Atoms are met by the points wherever the step allows. */
function originOf(law: LossLaw): number {
  return law.spacing?.origin ?? 0;
}

/**
 * Losses raised to the lattice by connecting the dots: what lies between two points is split between
 * them so that its mass under both laws is kept, which is the least a law on these points may be.
 *
 * Source: Doroshenko et al., Connect the dots: tighter discrete approximations of privacy loss
 * distributions (2022), theorem 3.1.
 */
export function raisedToLattice(law: LossLaw, step: number, low: number, high: number): LatticeLaw {
  const origin = originOf(law);
  const first = Math.floor((low - origin) / step);
  // One point more: an atom at the very end may lie a rounding above its own point.
  const last = Math.floor((high - origin) / step) + 2;
  const masses = new Float64Array(last - first + 1);
  const tails = emptyTails();
  law.tailsAt(origin + first * step, tails);
  masses[0] = tails.pBelow;
  let { pAbove, pBelow, qAbove, qBelow } = tails;
  const span = -Math.expm1(-step);
  for (let i = 0; i < last - first; i++) {
    const c = origin + (first + i) * step;
    law.tailsAt(origin + (first + i + 1) * step, tails);
    const p = pAbove < 0.5 ? pAbove - tails.pAbove : tails.pBelow - pBelow;
    const q = qAbove < 0.5 ? qAbove - tails.qAbove : tails.qBelow - qBelow;
    if (p > 0) {
      const ratio = Math.exp(c);
      const sizes = Math.min(pAbove, 1 - pAbove) + ratio * Math.min(qAbove, 1 - qAbove) + p;
      const accuracy = ROUNDINGS * Number.EPSILON * sizes;
      // Share of p that goes up; the rounding of p and q, which may be of that size, counts upwards.
      const share = (1 - (ratio * q) / p + accuracy / p) / span;
      const up = share < 1 ? p * Math.max(0, share) : p;
      masses[i] = (masses[i] as number) + (p - up);
      masses[i + 1] = up;
    }
    ({ pAbove, pBelow, qAbove, qBelow } = tails);
  }
  return { origin, first, masses, leftOut: pAbove + law.leftOut, lowered: 0 };
}

/**
 * Losses lowered to the lattice: what lies around a point is one outcome of loss log(p/q), which only
 * hides something, and that outcome is lowered to the point, or to the one below, less `lowered`.
 */
export function loweredToLattice(
  law: LossLaw,
  step: number,
  low: number,
  high: number,
  tilt: number,
): LatticeLaw {
  const origin = originOf(law);
  const first = Math.floor((low - origin) / step) - 1;
  const last = Math.floor((high - origin) / step) + 2;
  const n = last - first + 1;
  const merged = new Float64Array(n);
  const offsets = new Float64Array(n);
  const tails = emptyTails();
  law.tailsAt(origin + (first - 0.5) * step, tails);
  let { pAbove, pBelow, qAbove, qBelow } = tails;
  for (let i = 0; i < n; i++) {
    const c = origin + (first + i) * step;
    law.tailsAt(origin + (first + i + 0.5) * step, tails);
    const p = pAbove < 0.5 ? pAbove - tails.pAbove : tails.pBelow - pBelow;
    const q = qAbove < 0.5 ? qAbove - tails.qAbove : tails.qBelow - qBelow;
    if (p > 0 && q > 0) {
      const sizes = Math.min(pAbove, 1 - pAbove) / p + Math.min(qAbove, 1 - qAbove) / q + 1;
      const accuracy = ROUNDINGS * Number.EPSILON * sizes;
      merged[i] = p;
      offsets[i] = Math.min(0.5 * step, Math.log(p / q) - c) - accuracy;
    }
    ({ pAbove, pBelow, qAbove, qBelow } = tails);
  }
  const lowered = cheapestLowering(merged, offsets, step, first, tilt);
  const masses = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) {
    // Index 0 is the point below `first`.
    const drop = Math.max(0, Math.ceil((-lowered - (offsets[i] as number)) / step));
    const index = i + 1 - drop;
    if (index >= 0) masses[index] = (masses[index] as number) + (merged[i] as number);
  }
  return { origin, first: first - 1, masses, leftOut: 0, lowered };
}

/**
 * The lowering for all that costs least in the tilted mean, among powers of two of a step, where the
 * outcomes that would need more drop by a whole step.
 */
function cheapestLowering(
  masses: Float64Array,
  offsets: Float64Array,
  step: number,
  first: number,
  tilt: number,
): number {
  let peak = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < masses.length; i++) {
    if ((masses[i] as number) > 0) {
      peak = Math.max(peak, tilt * (first + i) * step + Math.log(masses[i] as number));
    }
  }
  /** Weight of the outcomes for which 2^(−level) of a step is the first power that is too little. */
  const tooLittle = new Float64Array(LEVELS + 1);
  let total = 0;
  for (let i = 0; i < masses.length; i++) {
    const mass = masses[i] as number;
    if (!(mass > 0)) continue;
    const weight = Math.exp(tilt * (first + i) * step + Math.log(mass) - peak);
    total += weight;
    const shortfall = -(offsets[i] as number) / step;
    if (shortfall <= 0) continue;
    const level = Math.max(0, Math.floor(-Math.log2(shortfall)) + 1);
    if (level <= LEVELS) tooLittle[level] = (tooLittle[level] as number) + weight;
  }
  let best = step;
  let least = Number.POSITIVE_INFINITY;
  let dropping = 0;
  for (let level = 0; level <= LEVELS; level++) {
    dropping += tooLittle[level] as number;
    const lowering = step * 2 ** -level;
    const cost = lowering + (step * dropping) / total;
    if (cost < least) [least, best] = [cost, lowering];
  }
  return best;
}
