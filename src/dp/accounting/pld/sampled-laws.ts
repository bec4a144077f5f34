import { normalCdf } from '../../../core/special/normal.ts';
import { emptyTails, type LossLaw, type Spacing, type Tails } from './law.ts';

/** The loss of the base pair at which that of (1−q)Q + qP from Q is c; −Infinity where c is out of reach. */
function baseLoss(c: number, samplingRate: number): number {
  if (c > 600) return c - Math.log(samplingRate);
  const ratio = Math.expm1(c) / samplingRate;
  return ratio > -1 ? Math.log1p(ratio) : Number.NEGATIVE_INFINITY;
}

function lossOfSample(base: number, samplingRate: number): number {
  if (base > 600) return base + Math.log(samplingRate);
  return Math.log1p(samplingRate * Math.expm1(base));
}

/** Sampling bends the spacing of the base; its two ends, where most of the atoms' mass is, can be kept. */
function between(base: LossLaw, ends: { least: number; most: number }): Spacing | undefined {
  return base.spacing && { origin: ends.least, unit: ends.most - ends.least };
}

/** (1−q)Q + qP against Q: a record that may have been sampled is removed. */
export class RemoveLaw implements LossLaw {
  readonly least: number;
  readonly most: number;
  readonly spacing: Spacing | undefined;
  readonly atomic = false;
  readonly leftOut: number;
  readonly #base: LossLaw;
  readonly #rate: number;

  constructor(base: LossLaw, samplingRate: number) {
    this.#base = base;
    this.#rate = samplingRate;
    this.leftOut = base.leftOut;
    this.least = lossOfSample(base.least, samplingRate);
    this.most = lossOfSample(base.most, samplingRate);
    this.spacing = between(base, this);
  }

  tailsAt(c: number, tails: Tails): void {
    const rate = this.#rate;
    this.#base.tailsAt(baseLoss(c, rate), tails);
    tails.pAbove = rate * tails.pAbove + (1 - rate) * tails.qAbove;
    tails.pBelow = rate * tails.pBelow + (1 - rate) * tails.qBelow;
  }
}

/** Q against (1−q)Q + qP: the record is added. It is {@link RemoveLaw} with the two laws exchanged. */
export class AddLaw implements LossLaw {
  readonly least: number;
  readonly most: number;
  readonly spacing: Spacing | undefined;
  readonly atomic = false;
  readonly leftOut: number;
  readonly #removed: RemoveLaw;

  constructor(base: LossLaw, samplingRate: number) {
    this.#removed = new RemoveLaw(base, samplingRate);
    this.leftOut = base.leftOut;
    this.least = -this.#removed.most;
    this.most = -this.#removed.least;
    this.spacing = between(base, this);
  }

  tailsAt(c: number, tails: Tails): void {
    this.#removed.tailsAt(-c, tails);
    const { pAbove, pBelow, qAbove, qBelow } = tails;
    tails.pAbove = qBelow;
    tails.pBelow = qAbove;
    tails.qAbove = pBelow;
    tails.qBelow = pAbove;
  }
}

/**
 * A uniform sample of fixed size under replace-one, over a base pair that is its own mirror image. Gains
 * come from (1−q)Q + qP against Q, losses are their mirror image, what is left has no loss at all.
 *
 * Source: Zhu, Dong & Wang (2022), theorem 11; see sampling.proof.md, section 4.
 */
export class FixedSizeLaw implements LossLaw {
  readonly least: number;
  readonly most: number;
  readonly spacing: Spacing | undefined;
  readonly atomic = false;
  readonly leftOut: number;
  readonly #removed: RemoveLaw;
  readonly #mirror: Tails = emptyTails();

  constructor(base: LossLaw, samplingRate: number) {
    this.#removed = new RemoveLaw(base, samplingRate);
    this.leftOut = base.leftOut;
    this.most = this.#removed.most;
    this.least = -this.most;
    this.spacing = base.spacing && { origin: this.least, unit: this.most };
  }

  tailsAt(c: number, tails: Tails): void {
    const mirror = this.#mirror;
    this.#removed.tailsAt(Math.abs(c), mirror);
    const { pAbove, qAbove } = mirror;
    if (c >= 0) {
      tails.pAbove = pAbove;
      tails.qAbove = qAbove;
      tails.pBelow = 1 - pAbove;
      tails.qBelow = 1 - qAbove;
    } else {
      tails.pBelow = qAbove;
      tails.qBelow = pAbove;
      tails.pAbove = 1 - qAbove;
      tails.qAbove = 1 - pAbove;
    }
  }
}

/**
 * A Poisson-sampled Gaussian under replace-one: (1−q)N(0,1) + qN(shift,1) against its mirror image. See
 * sampling.proof.md, section 3.
 */
export class ReplacedGaussianLaw implements LossLaw {
  readonly least: number = Number.NEGATIVE_INFINITY;
  readonly most: number = Number.POSITIVE_INFINITY;
  readonly spacing = undefined;
  readonly atomic = false;
  readonly leftOut = 0;
  readonly #rate: number;
  readonly #shift: number;

  constructor(samplingRate: number, shift: number) {
    this.#rate = samplingRate;
    this.#shift = shift;
  }

  tailsAt(c: number, tails: Tails): void {
    const rate = this.#rate;
    const shift = this.#shift;
    const x = c < 0 ? -this.#pointOf(-c) : this.#pointOf(c);
    // Tails beyond x, x − shift and x + shift, the smaller of each accurate to a few roundings.
    const middle = normalCdf(-Math.abs(x));
    const near = normalCdf(-Math.abs(x - shift));
    const far = normalCdf(-Math.abs(x + shift));
    const above = x > 0 ? middle : 1 - middle;
    const below = x > 0 ? 1 - middle : middle;
    tails.pAbove = (1 - rate) * above + rate * (x > shift ? near : 1 - near);
    tails.pBelow = (1 - rate) * below + rate * (x > shift ? 1 - near : near);
    tails.qAbove = (1 - rate) * above + rate * (x > -shift ? far : 1 - far);
    tails.qBelow = (1 - rate) * below + rate * (x > -shift ? 1 - far : far);
  }

  /** Where the loss is c ≥ 0: with y = e^(shift·x) the root of k·y² + (1−q)(1−t)·y − t·k. */
  #pointOf(c: number): number {
    const stay = 1 - this.#rate;
    const logK = Math.log(this.#rate) - 0.5 * this.#shift * this.#shift;
    const k = Math.exp(logK);
    // From here on the root is stay·t/k to the last digit.
    if (c > 300) return (c + Math.log(stay) - logK) / this.#shift;
    const b = stay * Math.expm1(c);
    return Math.log((b + Math.sqrt(b * b + 4 * Math.exp(c) * k * k)) / (2 * k)) / this.#shift;
  }
}
