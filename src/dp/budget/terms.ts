import { VelaturaError } from '../../core/errors.ts';
import type { NeighbourRelation, PrivacyUnit } from '../plan.ts';
import { type BudgetPolicy, currencyNameOf } from './policy.ts';

/** What a caller expects a budget to count by. */
export interface BudgetTerms {
  readonly policy: BudgetPolicy;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Paths at which two JSON values differ. */
function differences(a: unknown, b: unknown, path: string): readonly string[] {
  if (isObject(a) && isObject(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    return keys.flatMap((key) => differences(a[key], b[key], path === '' ? key : `${path}.${key}`));
  }
  return a === b ? [] : [path];
}

/** What counts in a policy: two spellings of the same rules do not differ. */
function meaning(policy: BudgetPolicy): unknown {
  return {
    ...policy,
    currency: currencyNameOf(policy),
    additiveDelta: policy.additiveDelta ?? 0,
  };
}

/**
 * Refuses to go on with a budget under other terms than those in force.
 *
 * @throws {VelaturaError} `dp/relation-mismatch`; `dp/invalid-policy` with the paths that differ
 */
export function assertSameTerms(inForce: BudgetTerms, wanted: BudgetTerms): void {
  if (inForce.unit !== wanted.unit || inForce.relation !== wanted.relation) {
    throw new VelaturaError(
      'dp/relation-mismatch',
      `the budget counts by ${inForce.unit}, ${inForce.relation}; asked for ${wanted.unit}, ${wanted.relation}`,
      { unit: inForce.unit, relation: inForce.relation },
    );
  }
  const paths = differences(meaning(inForce.policy), meaning(wanted.policy), '');
  if (paths.length > 0) {
    throw new VelaturaError(
      'dp/invalid-policy',
      `another policy is in force; different: ${paths.join(', ')}`,
      { paths },
    );
  }
}

/** What balances are counted in, and by what data they renew. */
const FIXED = ['currency', 'plannedRun', 'epoch'] as const;

/**
 * Refuses a change of policy after which the balances would mean something else, or somebody's limit would
 * be gone.
 *
 * @param groups - groups that somebody is in
 * @returns false when nothing would change
 * @throws {VelaturaError} `dp/invalid-policy` with the path
 */
export function assertChangeable(
  from: BudgetPolicy,
  to: BudgetPolicy,
  groups: readonly string[],
): boolean {
  const paths = differences(meaning(from), meaning(to), '');
  const fixed = paths.find((path) => FIXED.some((field) => path.split('.')[0] === field));
  if (fixed !== undefined) {
    throw new VelaturaError(
      'dp/invalid-policy',
      `policy, "${fixed}": what balances are counted in cannot change; begin another budget`,
      { path: fixed },
    );
  }
  for (const group of groups) {
    if (Object.hasOwn(to.groups ?? {}, group)) continue;
    throw new VelaturaError(
      'dp/invalid-policy',
      `policy, "groups.${group}": accounts are in this group, so it must stay`,
      { path: `groups.${group}` },
    );
  }
  return paths.length > 0;
}
