import type { Accountant, AccountantName, CertifiedInterval } from '../accountant.ts';
import type { Plan } from '../plan.ts';
import { GdpAccountant } from './gdp-accountant.ts';
import { PldAccountant } from './pld/accountant.ts';
import { RdpAccountant } from './rdp/accountant.ts';
import type { AccountantOptions } from './transcript.ts';
import { ZcdpAccountant } from './zcdp-accountant.ts';

const CLASSES: Readonly<Record<AccountantName, new (options: AccountantOptions) => Accountant>> = {
  pld: PldAccountant,
  rdp: RdpAccountant,
  zcdp: ZcdpAccountant,
  gdp: GdpAccountant,
};

/** Names of the accountants, the tightest first. */
export const ACCOUNTANT_NAMES: readonly AccountantName[] = ['pld', 'rdp', 'zcdp', 'gdp'];

/**
 * An empty accountant of that name.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event` for an unknown unit or relation
 */
export function createAccountant(name: AccountantName, options: AccountantOptions): Accountant {
  return new CLASSES[name](options);
}

/** An accountant under the terms of the plan, with the plan in it. */
function composed(plan: Plan, name: AccountantName): Accountant {
  const accountant = createAccountant(name, { unit: plan.unit, relation: plan.relation });
  accountant.compose(plan);
  return accountant;
}

/**
 * Epsilon of one plan at a delta.
 *
 * @param name - default `pld`
 * @throws {VelaturaError} `dp/unsupported-event`, `dp/invalid-parameter`
 */
export function epsilonOfPlan(
  plan: Plan,
  delta: number,
  name: AccountantName = 'pld',
): CertifiedInterval {
  return composed(plan, name).epsilon(delta);
}

/**
 * Delta of one plan at an epsilon.
 *
 * @param name - default `pld`
 * @throws {VelaturaError} `dp/unsupported-event`, `dp/invalid-parameter`
 */
export function deltaOfPlan(
  plan: Plan,
  epsilon: number,
  name: AccountantName = 'pld',
): CertifiedInterval {
  return composed(plan, name).delta(epsilon);
}
