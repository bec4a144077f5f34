import { existsSync, readFileSync } from 'node:fs';
import { VelaturaError } from '../core/errors.ts';
import {
  type Accountant,
  GdpAccountant,
  type Plan,
  validatePlan,
  ZcdpAccountant,
} from '../dp/index.ts';
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

/**
 * Reads a JSON file.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/invalid-value`
 */
export function readJson(file: string): unknown {
  if (!existsSync(file)) {
    throw new VelaturaError('data/missing-file', `${file} does not exist`, { file });
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new VelaturaError(
      'data/invalid-value',
      `${file} is not JSON: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
}

/** A number from the command line. */
export function parseNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) {
    throw new VelaturaError('cli/usage', `${option} expected a number, got "${text}"`, { option });
  }
  return value;
}
