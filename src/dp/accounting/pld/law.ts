import { normalCdf } from '../../../core/special/normal.ts';

/**
 * Masses of the losses above c and of those at most c, under the law in front (p) and the other (q). Of
 * each two the smaller is accurate to a few roundings; the other is 1 minus it.
 */
export interface Tails {
  pAbove: number;
  pBelow: number;
  qAbove: number;
  qBelow: number;
}

/** The points origin + k·unit. */
export interface Spacing {
  readonly origin: number;
  readonly unit: number;
}

/** A pair of laws, known by its loss log dP/dQ. */
export interface LossLaw {
  /** Least and largest loss; may be infinite. */
  readonly least: number;
  readonly most: number;
  /** Points on which atoms lie, where there are any. */
  readonly spacing: Spacing | undefined;
  /** True when there is nothing but atoms on these points. */
  readonly atomic: boolean;
  /** Mass under the law in front that counts as an unbounded loss on top. */
  readonly leftOut: number;
  /** Writes into `tails`, which the caller keeps: this is called for every point of a lattice. */
  tailsAt(c: number, tails: Tails): void;
}

/** Room for one answer of {@link LossLaw.tailsAt}. */
export function emptyTails(): Tails {
  return { pAbove: 0, pBelow: 0, qAbove: 0, qBelow: 0 };
}

function setP(tails: Tails, above: number, below: number): void {
  tails.pAbove = above;
  tails.pBelow = below;
}

function setQ(tails: Tails, above: number, below: number): void {
  tails.qAbove = above;
  tails.qBelow = below;
}

/** All of the losses on one side of c. */
function setAll(tails: Tails, above: 0 | 1): void {
  setP(tails, above, 1 - above);
  setQ(tails, above, 1 - above);
}

/** Writes Φ(−x) and Φ(x), the smaller of them accurately. */
function setNormal(set: typeof setP, tails: Tails, x: number): void {
  const small = normalCdf(-Math.abs(x));
  if (x > 0) set(tails, small, 1 - small);
  else set(tails, 1 - small, small);
}

/** N(µ, 1) against N(0, 1): the loss is µx − µ²/2. */
export class GaussianLaw implements LossLaw {
  readonly least: number = Number.NEGATIVE_INFINITY;
  readonly most: number = Number.POSITIVE_INFINITY;
  readonly spacing = undefined;
  readonly atomic = false;
  readonly leftOut = 0;
  readonly #mu: number;

  constructor(mu: number) {
    this.#mu = mu;
  }

  tailsAt(c: number, tails: Tails): void {
    const x = c / this.#mu + this.#mu / 2;
    setNormal(setP, tails, x - this.#mu);
    setNormal(setQ, tails, x);
  }
}

/** Laplace noise of that epsilon: atoms at ±ε and a density in between. */
export class LaplaceLaw implements LossLaw {
  readonly least: number;
  readonly most: number;
  readonly spacing: Spacing;
  readonly atomic = false;
  readonly leftOut = 0;

  constructor(epsilon: number) {
    this.least = -epsilon;
    this.most = epsilon;
    this.spacing = { origin: -epsilon, unit: 2 * epsilon };
  }

  tailsAt(c: number, tails: Tails): void {
    if (c >= this.most) {
      setAll(tails, 0);
      return;
    }
    if (c < this.least) {
      setAll(tails, 1);
      return;
    }
    const pBelow = 0.5 * Math.exp((c - this.most) / 2);
    const qAbove = 0.5 * Math.exp(-(c + this.most) / 2);
    setP(tails, 1 - pBelow, pBelow);
    setQ(tails, qAbove, 1 - qAbove);
  }
}

/**
 * The worst pair of an exponential mechanism of range ε: its profile, the pointwise largest of those of
 * its two-outcome pairs, is δ(t) = (1 − √(t·e^(−ε)))²/(1 − e^(−ε)). See laws.proof.md, section 3.
 */
export class ExponentialLaw implements LossLaw {
  readonly least: number;
  readonly most: number;
  readonly spacing = undefined;
  readonly atomic = false;
  readonly leftOut = 0;

  constructor(epsilon: number) {
    this.least = -epsilon;
    this.most = epsilon;
  }

  tailsAt(c: number, tails: Tails): void {
    const epsilon = this.most;
    if (c >= epsilon) {
      setAll(tails, 0);
      return;
    }
    if (c < -epsilon) {
      setAll(tails, 1);
      return;
    }
    const whole = -Math.expm1(-epsilon);
    const low = Math.exp(-epsilon) / whole;
    setP(tails, -Math.expm1((c - epsilon) / 2) / whole, low * Math.expm1((c + epsilon) / 2));
    setQ(tails, low * Math.expm1((epsilon - c) / 2), -Math.expm1(-(c + epsilon) / 2) / whole);
  }
}

/** Finitely many losses. */
export class AtomicLaw implements LossLaw {
  readonly least: number;
  readonly most: number;
  readonly spacing: Spacing;
  readonly atomic = true;
  readonly leftOut: number;
  readonly #losses: Float64Array;
  readonly #pBelow: Float64Array;
  readonly #pAbove: Float64Array;
  readonly #qBelow: Float64Array;
  readonly #qAbove: Float64Array;

  /** @param atoms - losses in rising order with their masses under both laws */
  constructor(atoms: Atoms) {
    const { losses, p, q, unit, leftOut } = atoms;
    this.#losses = losses;
    this.spacing = { origin: losses[0] as number, unit };
    this.leftOut = leftOut;
    this.least = losses[0] as number;
    this.most = losses[losses.length - 1] as number;
    this.#pBelow = runningSum(p);
    this.#qBelow = runningSum(q);
    this.#pAbove = runningSum(p.slice().reverse()).reverse();
    this.#qAbove = runningSum(q.slice().reverse()).reverse();
  }

  tailsAt(c: number, tails: Tails): void {
    // The number of losses that are at most c.
    let low = 0;
    let high = this.#losses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#losses[middle] as number) <= c) low = middle + 1;
      else high = middle;
    }
    setP(tails, this.#pAbove[low] as number, this.#pBelow[low] as number);
    setQ(tails, this.#qAbove[low] as number, this.#qBelow[low] as number);
  }
}

/** Losses in rising order with their masses under both laws. */
export interface Atoms {
  readonly losses: Float64Array;
  readonly p: Float64Array;
  readonly q: Float64Array;
  /** Every loss is the first one plus a multiple of it. */
  readonly unit: number;
  /** Mass under p that was cut off above the last loss. */
  readonly leftOut: number;
}

/** Sums of the first 0, 1, …, n entries; reversed by the caller for sums from the other end. */
function runningSum(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  values.forEach((value, i) => {
    sums[i + 1] = (sums[i] as number) + value;
  });
  return sums;
}
