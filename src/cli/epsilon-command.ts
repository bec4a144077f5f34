import {
  type Accountant,
  GdpAccountant,
  type Plan,
  validatePlan,
  ZcdpAccountant,
} from '../dp/index.ts';
import { parseNumber, readJson } from './input.ts';
import type { CommandContext } from './main.ts';

export interface EpsilonOptions {
  readonly plan: string;
  readonly delta: string;
  readonly accountant: 'gdp' | 'zcdp';
}

/** `velatura epsilon --plan p.json --delta d` */
export async function runEpsilonCommand(
  options: EpsilonOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const plan = readPlan(options.plan);
  const delta = parseNumber('--delta', options.delta);
  const terms = { unit: plan.unit, relation: plan.relation };
  const accountant: Accountant =
    options.accountant === 'gdp' ? new GdpAccountant(terms) : new ZcdpAccountant(terms);
  accountant.compose(plan);
  const { lower, upper } = accountant.epsilon(delta);
  terminal.print(
    `epsilon ${upper.toPrecision(10)} at delta ${delta} (${accountant.name} accountant, ${plan.relation}, unit: ${plan.unit})`,
  );
  terminal.json({
    epsilon: upper,
    lower,
    delta,
    accountant: accountant.name,
    relation: plan.relation,
  });
}

/** A plan file; a bare event counts under add-or-remove-one-user with the user as unit. */
function readPlan(file: string): Plan {
  const json = readJson(file);
  const bare = typeof json === 'object' && json !== null && 'kind' in json;
  return validatePlan(
    bare ? { unit: 'user', relation: 'add-or-remove-one-user', event: json } : json,
  );
}
