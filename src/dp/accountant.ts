import type { NeighbourRelation, Plan, PrivacyUnit } from './plan.ts';

/** Names of the accountants. */
export type AccountantName = 'pld' | 'rdp' | 'zcdp' | 'gdp';

/** Whether a plan can be priced, and if not, which node stands in the way and why. */
export type Support =
  | { readonly supported: true }
  | {
      readonly supported: false;
      /** Path of the offending node, such as `event.events[2].event`. */
      readonly path: string;
      readonly reason: string;
    };

/** A certified interval: the true value is at most `upper` and, where known, at least `lower`. */
export interface CertifiedInterval {
  /** null where the accountant has no lower bound; equal to `upper` where the answer is exact. */
  readonly lower: number | null;
  readonly upper: number;
}

/**
 * Turns plans into (epsilon, delta). An accountant keeps one unit and one relation for life and refuses
 * plans made under another. Conformance suite: `accountantConformance` in `velatura/testing`.
 */
export interface Accountant {
  readonly name: AccountantName;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  /** Answers before anything is composed; never throws for a well-formed plan. */
  supports(plan: Plan): Support;
  /**
   * Adds `count` (default 1) adaptive uses of the plan: first dry-runs, then books.
   *
   * @throws {VelaturaError} `dp/unsupported-event` with the path of the node, `dp/relation-mismatch`,
   * `dp/invalid-parameter`; the accountant is then as it was before
   */
  compose(plan: Plan, count?: number): void;
  /** Epsilon at that delta, of all that was composed. `upper` is Infinity where nothing finite holds. */
  epsilon(delta: number): CertifiedInterval;
  /** Delta at that epsilon, of all that was composed. */
  delta(epsilon: number): CertifiedInterval;
}
