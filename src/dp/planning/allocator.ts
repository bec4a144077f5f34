import type { ScalarCurrency } from '../budget/scalar-currency.ts';
import type { MarginalCost } from './marginal-cost.ts';
import { evenSplit, optimalSplit, type Split, type Stretch } from './optimal-split.ts';
import { type ConcaveCurve, slope, valueAt } from './utility-curve.ts';

/** A scene that takes part in a split. */
export interface AllocatedScene {
  readonly name: string;
  readonly weight: number;
  /** The most epsilon the policy lets it have. */
  readonly cap: number;
  readonly curve: ConcaveCurve;
}

/** Digits of an epsilon that people copy into a policy. */
const DIGITS = 6;

/** In what is counted. */
export interface AllocationTerms {
  readonly currency: ScalarCurrency;
  /** At which epsilons are converted. */
  readonly delta: number;
  readonly cost: MarginalCost;
}

/** Splits of one total over scenes, counted in the units of the budget's filters. */
export class Allocator {
  readonly totalEpsilon: number;
  readonly #terms: AllocationTerms;
  readonly #scenes: readonly AllocatedScene[];
  readonly #total: number;
  /** The most units of each scene. */
  readonly #caps: readonly number[];
  readonly #stretches: readonly (readonly Stretch[])[];

  constructor(terms: AllocationTerms, scenes: readonly AllocatedScene[], totalEpsilon: number) {
    this.totalEpsilon = totalEpsilon;
    this.#terms = terms;
    this.#scenes = scenes;
    this.#total = this.#capacity(totalEpsilon);
    this.#caps = scenes.map(({ cap }) => this.#capacity(Math.min(cap, totalEpsilon)));
    this.#stretches = scenes.map((scene, i) => this.#stretchesOf(scene, this.#caps[i] as number));
  }

  /** Units for each scene that maximise the weighted sum of utilities. */
  optimal(): Split {
    return optimalSplit(this.#stretches, this.#total, this.#terms.cost);
  }

  /** As much for each scene as for any other, whatever it is worth there. */
  even(): readonly number[] {
    return evenSplit(this.#caps, this.#total);
  }

  /** One scene has all it can use; the others share the rest as well as can be. */
  favouring(favourite: number): readonly number[] {
    const own = Math.min(this.#total, this.#stretches[favourite]?.at(-1)?.to ?? 0);
    const others = this.#stretches.map((stretches, i) => (i === favourite ? [] : stretches));
    const { units } = optimalSplit(others, this.#total - own, this.#terms.cost);
    return units.map((share, i) => (i === favourite ? own : share));
  }

  /** Epsilons that take no more than these units, by name of the scene. */
  epsilons(units: readonly number[]): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.#scenes.map(({ name, cap }, i) => [
        name,
        this.#roundedDown(units[i]!, Math.min(cap, this.totalEpsilon)),
      ]),
    );
  }

  /** Weighted sum of the utilities at those epsilons. */
  utility(epsilons: Readonly<Record<string, number>>): number {
    let sum = 0;
    for (const { name, weight, curve } of this.#scenes) {
      sum += weight * valueAt(curve, epsilons[name] as number);
    }
    return sum;
  }

  /**
   * Epsilon of all scenes spent in full. Within the units of the total it is never above it, which the last
   * bit of the conversion could otherwise pass.
   */
  composed(epsilons: Readonly<Record<string, number>>): number {
    let units = 0;
    for (const epsilon of Object.values(epsilons)) units += this.#capacity(epsilon);
    const epsilon = this.#epsilon(units);
    return units <= this.#total ? Math.min(epsilon, this.totalEpsilon) : epsilon;
  }

  /** Utility for one more unit of total epsilon, from the utility of one more unit of the currency. */
  perEpsilon(price: number): number {
    return price === 0 ? 0 : price / Math.exp(this.#terms.cost.logRate(this.#total));
  }

  #capacity(epsilon: number): number {
    const { currency, delta } = this.#terms;
    return currency.capacity(epsilon, delta);
  }

  #epsilon(units: number): number {
    const { currency, delta } = this.#terms;
    return currency.epsilon(units, delta);
  }

  #stretchesOf({ curve, weight }: AllocatedScene, cap: number): readonly Stretch[] {
    const stretches: Stretch[] = [];
    let from = 0;
    for (let i = 1; i < curve.knots.length && from < cap; i++) {
      const right = curve.knots[i]!;
      const to = Math.min(cap, this.#capacity(right.epsilon));
      // Two knots in one unit are told apart by nobody.
      if (to > from) stretches.push({ from, to, gain: weight * slope(curve.knots[i - 1]!, right) });
      from = to;
    }
    return stretches;
  }

  /** The greatest epsilon of a few digits that takes no more than these units and is within the limit. */
  #roundedDown(units: number, limit: number): number {
    if (units === 0) return 0;
    const exact = this.#epsilon(units);
    if (exact === 0) return 0;
    const digit = 10 ** (Math.floor(Math.log10(exact)) + 1 - DIGITS);
    for (let steps = Math.ceil(exact / digit) + 1; steps > 0; steps--) {
      const rounded = Number((steps * digit).toPrecision(DIGITS));
      if (rounded <= limit && this.#capacity(rounded) <= units) return rounded;
    }
    return 0;
  }
}
