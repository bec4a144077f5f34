import {
  GATE_REFUSALS,
  type GateDecision,
  type GateRefusal,
  REFUSAL_INDEX,
} from './gate-refusal.ts';

/**
 * Counts decisions of one or more gates: the log of what was dropped, without a word of what it was.
 *
 * ## Privacy
 * Counts of one person's gate are data of that person. `GateReporter` publishes none before enough persons
 * have part in them.
 */
export class GateTally {
  readonly #counts = new Float64Array(GATE_REFUSALS.length + 1);
  #persons = 0;
  #period = 0;

  /** Grows when counting begins anew; a gate that has counted in it before does not join again. */
  get period(): number {
    return this.#period;
  }

  /** How many gates, one a person, have counted in this period. */
  get persons(): number {
    return this.#persons;
  }

  /** Notes that another gate counts in this period. */
  join(): void {
    this.#persons += 1;
  }

  count(decision: GateDecision): void {
    const index = decision === 'admitted' ? 0 : (REFUSAL_INDEX.get(decision) as number) + 1;
    this.#counts[index] = (this.#counts[index] as number) + 1;
  }

  /** How many events were admitted in this period. */
  get admitted(): number {
    return this.#counts[0] as number;
  }

  /** How many were dropped in this period, by reason; reasons that never came up are left out. */
  refusals(): ReadonlyMap<GateRefusal, number> {
    const refusals = new Map<GateRefusal, number>();
    GATE_REFUSALS.forEach((reason, i) => {
      const count = this.#counts[i + 1] as number;
      if (count > 0) refusals.set(reason, count);
    });
    return refusals;
  }

  /** Begins a new period. */
  reset(): void {
    this.#counts.fill(0);
    this.#persons = 0;
    this.#period += 1;
  }
}
