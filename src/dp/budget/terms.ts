import { VelaturaError } from '../../core/errors.ts';
import type { NeighbourRelation, PrivacyUnit } from '../plan.ts';
import { currencyOf, type FilterCurrency } from './currency.ts';
import { corrupt } from './ledger.ts';
import type { OpenRecord } from './log-record.ts';
import type { BudgetPolicy } from './policy.ts';

/** What a caller expects a budget to count by. */
export interface BudgetTerms {
  readonly policy: BudgetPolicy;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly currency: FilterCurrency;
  readonly keyCheck: Uint8Array;
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
    currency: currencyOf(policy).name,
    additiveDelta: policy.additiveDelta ?? 0,
  };
}

/**
 * Refuses to go on with a budget under other terms than those it was opened with.
 *
 * @throws {VelaturaError} `dp/relation-mismatch`, `dp/invalid-policy` with the paths that differ,
 * `dp/budget-corrupt` for another account key: every person would start afresh
 */
export function assertSameTerms(opened: OpenRecord, wanted: BudgetTerms): void {
  if (opened.unit !== wanted.unit || opened.relation !== wanted.relation) {
    throw new VelaturaError(
      'dp/relation-mismatch',
      `the budget counts by ${opened.unit}, ${opened.relation}; asked for ${wanted.unit}, ${wanted.relation}`,
      { unit: opened.unit, relation: opened.relation },
    );
  }
  const paths = differences(meaning(opened.policy), meaning(wanted.policy), '');
  if (paths.length > 0) {
    throw new VelaturaError(
      'dp/invalid-policy',
      `the budget was opened with another policy; different: ${paths.join(', ')}`,
      { paths },
    );
  }
  if (!sameBytes(opened.keyCheck, wanted.keyCheck)) {
    throw corrupt('the account key is not the one this budget was opened with');
  }
}

/** True for equal bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
