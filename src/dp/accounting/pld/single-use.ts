import { emptyTails, type LossLaw, type Tails } from './law.ts';
import type { DeltaCurve } from './solve.ts';

/** Errors of masses, in units of 2⁻⁵². */
const ROUNDINGS = 32;

/** One use of one law: δ(ε) = P(loss > ε) − e^ε·Q(loss > ε), with nothing to compose. */
export class SingleUse implements DeltaCurve {
  readonly #law: LossLaw;
  readonly #tails: Tails = emptyTails();

  constructor(law: LossLaw) {
    this.#law = law;
  }

  upper(epsilon: number): number {
    const [value, error] = this.#at(epsilon);
    return Math.min(1, Math.max(0, value) + error + this.#law.leftOut);
  }

  lower(epsilon: number): number {
    const [value, error] = this.#at(epsilon);
    return Math.max(0, value - error);
  }

  #at(epsilon: number): readonly [value: number, error: number] {
    const tails = this.#tails;
    this.#law.tailsAt(epsilon, tails);
    // Above that the second mass has underflowed long ago.
    const other = epsilon < 700 ? Math.exp(epsilon) * tails.qAbove : 0;
    const unit = ROUNDINGS * Number.EPSILON * (1 + epsilon);
    return [tails.pAbove - other, unit * (tails.pAbove + other)];
  }
}
