import type { AccountantName, CertifiedInterval } from '../accountant.ts';
import type { Plan } from '../plan.ts';
import { ACCOUNTANT_NAMES, createAccountant } from './create.ts';
import { requireDelta } from './refuse.ts';
import { validatePlan } from './validate.ts';

/** What one accountant makes of a plan. */
export type AccountantComparison =
  | { readonly accountant: AccountantName; readonly epsilon: CertifiedInterval }
  | {
      readonly accountant: AccountantName;
      readonly epsilon: null;
      /** Node in the way, and why. */
      readonly path: string;
      readonly reason: string;
    };

/**
 * Epsilon of a plan by every accountant, least first; those that refuse it come last, with the reason.
 *
 * @param delta - in (0, 1)
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event` for a plan that is not well formed
 */
export function compareAccountants(plan: Plan, delta: number): readonly AccountantComparison[] {
  validatePlan(plan);
  requireDelta(delta);
  const rows = ACCOUNTANT_NAMES.map((name): AccountantComparison => {
    const accountant = createAccountant(name, plan);
    const support = accountant.supports(plan);
    if (!support.supported) {
      return { accountant: name, epsilon: null, path: support.path, reason: support.reason };
    }
    accountant.compose(plan);
    return { accountant: name, epsilon: accountant.epsilon(delta) };
  });
  const size = (row: AccountantComparison): number => row.epsilon?.upper ?? Number.MAX_VALUE;
  return rows.sort((a, b) => size(a) - size(b));
}
