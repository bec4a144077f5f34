import type { ScalarCurrency } from '../budget/scalar-currency.ts';

/** Points at which the curve is known; what interpolation between them costs a split is far under 1e-6 of its utility. */
const POINTS = 256;

/**
 * How much epsilon one more unit of a currency buys: a falling function of the units, and its inverse, both
 * in logarithms. See allocation.proof.md for why it falls.
 */
export class MarginalCost {
  readonly #step: number;
  /** At 1, e^step, e^(2·step) … units. */
  readonly #logRates: Float64Array;

  /**
   * @param delta - at which the currency is converted
   * @param total - the most units ever asked about, above 1
   */
  constructor(currency: ScalarCurrency, delta: number, total: number) {
    const step = Math.log(total) / (POINTS - 1);
    this.#step = step;
    this.#logRates = new Float64Array(POINTS);
    let right = Math.exp((POINTS - 0.5) * step);
    let epsilonRight = currency.epsilon(right, delta);
    let most = Number.NEGATIVE_INFINITY;
    for (let i = POINTS - 1; i >= 0; i--) {
      const left = Math.exp((i - 0.5) * step);
      const epsilonLeft = currency.epsilon(left, delta);
      // At a large delta the first units buy no epsilon at all; they are priced like those after them.
      most = Math.max(most, Math.log((epsilonRight - epsilonLeft) / (right - left)));
      this.#logRates[i] = most;
      right = left;
      epsilonRight = epsilonLeft;
    }
  }

  /** log of the epsilon that one more unit buys. */
  logRate(units: number): number {
    const position = Math.log(units) / this.#step;
    // Below one unit epsilon grows like the square root of the units.
    if (position <= 0) return this.#at(0) - 0.5 * Math.log(units);
    const i = Math.min(POINTS - 2, Math.floor(position));
    return this.#at(i) + (position - i) * (this.#at(i + 1) - this.#at(i));
  }

  /** The units from which on one more buys less epsilon than e^logRate. */
  unitsAt(logRate: number): number {
    if (logRate >= this.#at(0)) return Math.exp(2 * (this.#at(0) - logRate));
    let low = 0;
    let high = POINTS - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#at(middle) > logRate) low = middle;
      else high = middle;
    }
    const share = (this.#at(low) - logRate) / (this.#at(low) - this.#at(high));
    return Math.exp((low + Math.min(1, share)) * this.#step);
  }

  #at(i: number): number {
    return this.#logRates[i] as number;
  }
}
