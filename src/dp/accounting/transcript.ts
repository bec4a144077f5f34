import { VelaturaError } from '../../core/errors.ts';
import type { Accountant, AccountantName, CertifiedInterval, Support } from '../accountant.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import { type Leaf, leavesOf, mergedLeaves } from './leaves.ts';
import { invalid, requireDelta, requireEpsilon } from './refuse.ts';
import { validatePlan } from './validate.ts';

/** Terms that an accountant keeps for life. */
export interface AccountantOptions {
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
}

const NOTHING: CertifiedInterval = { lower: 0, upper: 0 };
const EVERYTHING: CertifiedInterval = {
  lower: Number.POSITIVE_INFINITY,
  upper: Number.POSITIVE_INFINITY,
};

/**
 * What all accountants share: the transcript, kept as a multiset of mechanisms sorted by name, so that
 * neither the order of composition nor the way a repetition was written can change a digit.
 */
export abstract class TranscriptAccountant implements Accountant {
  abstract readonly name: AccountantName;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  #leaves: readonly Leaf[] = [];

  constructor(options: AccountantOptions) {
    const { unit, relation } = options;
    this.unit = unit;
    this.relation = relation;
    // Unit and relation come from JSON as often as from code.
    validatePlan({ unit, relation, event: { kind: 'non-private' } });
  }

  /**
   * Refuses a mechanism without a proven bound in this accountant.
   *
   * @throws {VelaturaError} `dp/unsupported-event`
   */
  protected abstract check(leaf: Leaf): void;
  /** Called after the transcript changed. */
  protected abstract reset(): void;
  protected abstract epsilonOf(leaves: readonly Leaf[], delta: number): CertifiedInterval;
  protected abstract deltaOf(leaves: readonly Leaf[], epsilon: number): CertifiedInterval;

  supports(plan: Plan): Support {
    try {
      this.#admitted(plan);
      return { supported: true };
    } catch (error) {
      if (!(error instanceof VelaturaError)) throw error;
      const { path, reason } = error.details;
      if (error.code === 'dp/relation-mismatch' || error.code === 'dp/unsupported-event') {
        return { supported: false, path: String(path), reason: String(reason) };
      }
      throw error;
    }
  }

  compose(plan: Plan, count = 1): void {
    if (!(Number.isSafeInteger(count) && count >= 1)) {
      throw invalid('count', 'a positive integer', count);
    }
    const added = this.#admitted(plan).map((leaf) => ({ ...leaf, count: leaf.count * count }));
    this.#leaves = mergedLeaves([...this.#leaves, ...added]);
    this.reset();
  }

  epsilon(delta: number): CertifiedInterval {
    requireDelta(delta);
    const leaves = this.#leaves;
    if (leaves.length === 0) return NOTHING;
    if (isNonPrivate(leaves)) return EVERYTHING;
    return this.epsilonOf(leaves, delta);
  }

  delta(epsilon: number): CertifiedInterval {
    requireEpsilon(epsilon);
    const leaves = this.#leaves;
    if (leaves.length === 0) return NOTHING;
    if (isNonPrivate(leaves)) return { lower: 1, upper: 1 };
    return this.deltaOf(leaves, epsilon);
  }

  #admitted(plan: Plan): readonly Leaf[] {
    validatePlan(plan);
    for (const term of ['unit', 'relation'] as const) {
      if (plan[term] !== this[term]) {
        const reason = `the accountant counts by ${this[term]}, the plan by ${plan[term]}`;
        throw new VelaturaError('dp/relation-mismatch', `${term}: ${reason}`, {
          path: term,
          reason,
        });
      }
    }
    const leaves = leavesOf(plan.event);
    for (const leaf of leaves) if (leaf.event.kind !== 'non-private') this.check(leaf);
    return leaves;
  }
}

function isNonPrivate(leaves: readonly Leaf[]): boolean {
  return leaves.some((leaf) => leaf.event.kind === 'non-private');
}
