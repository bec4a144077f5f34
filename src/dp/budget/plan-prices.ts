import { bytesToHex } from '@noble/hashes/utils.js';
import { encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { validatePlan } from '../accounting/validate.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import type { CurrencyRules } from './currency.ts';

/** Prices kept before all are forgotten. */
const MOST = 1024;

/** The same text for plans that say the same, whatever the order of their keys. */
export function planKey(plan: Plan): string {
  return bytesToHex(encodeCanonical(plan));
}

/** A plan under the terms of the budget, and what it costs. */
export interface PricedPlan {
  readonly key: string;
  /** A copy that nobody else holds. */
  readonly plan: Plan;
  /** Units, one sum an order. */
  readonly cost: Float64Array;
}

/** The JSON of a plan. @throws {VelaturaError} `dp/invalid-parameter` for what has none */
function textOf(plan: Plan): string {
  try {
    return JSON.stringify(plan) ?? 'null';
  } catch (cause) {
    const message = '"plan" expected plain JSON';
    throw new VelaturaError('dp/invalid-parameter', message, { field: 'plan' }, { cause });
  }
}

/** True for so many keys; without the array that Object.keys makes. */
function hasKeys(value: object, count: number): boolean {
  let keys = 0;
  for (const _ in value) keys++;
  return keys === count;
}

/** True for a plain Gaussian like the last one: the plan of most single requests. */
function isSameGaussian(asked: Plan, last: Plan): boolean {
  const a = asked?.event;
  const b = last.event;
  return (
    a?.kind === 'gaussian' &&
    b.kind === 'gaussian' &&
    a.noiseMultiplier === b.noiseMultiplier &&
    asked.unit === last.unit &&
    asked.relation === last.relation &&
    hasKeys(a, 2) &&
    hasKeys(asked, 3)
  );
}

/**
 * Prices of plans, by what they say: a plan is plain JSON, and what is priced, booked and remembered is the
 * plan that this JSON spells, whatever happens to the caller's object later.
 */
export class PlanPrices {
  readonly #currency: CurrencyRules;
  readonly #unit: PrivacyUnit;
  readonly #relation: NeighbourRelation;
  readonly #known = new Map<string, PricedPlan>();
  #last: PricedPlan | null = null;

  constructor(currency: CurrencyRules, unit: PrivacyUnit, relation: NeighbourRelation) {
    this.#currency = currency;
    this.#unit = unit;
    this.#relation = relation;
  }

  /**
   * @throws {VelaturaError} `dp/relation-mismatch`, `dp/unsupported-event`, `dp/infinite-cost`,
   * `dp/invalid-parameter`
   */
  of(plan: Plan): PricedPlan {
    if (this.#last !== null && isSameGaussian(plan, this.#last.plan)) return this.#last;
    const text = textOf(plan);
    let priced = this.#known.get(text);
    if (priced === undefined) {
      validatePlan(plan); // before JSON turns what is no number into null
      priced = this.#price(JSON.parse(text) as Plan);
      if (this.#known.size >= MOST) this.#known.clear();
      this.#known.set(text, priced);
    }
    this.#last = priced;
    return priced;
  }

  #price(asked: Plan): PricedPlan {
    const { unit, relation, event } = validatePlan(asked);
    if (unit !== this.#unit || relation !== this.#relation) {
      throw new VelaturaError(
        'dp/relation-mismatch',
        `the budget counts by ${this.#unit}, ${this.#relation}; the plan by ${unit}, ${relation}`,
        { unit, relation },
      );
    }
    const plan = { unit, relation, event };
    return { key: planKey(plan), plan, cost: this.#currency.cost(plan) };
  }
}
