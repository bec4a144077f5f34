import { Command, Option } from 'commander';
import {
  ACCOUNTANT_NAMES,
  type AccountantName,
  compareAccountants,
  epsilonOfPlan,
  explainEpsilon,
  type Plan,
  validatePlan,
} from '../dp/index.ts';
import { parseNumber, readJson } from './input.ts';
import type { CommandContext } from './main.ts';

export interface EpsilonOptions {
  readonly plan: string;
  readonly delta: string;
  readonly accountant: AccountantName;
  readonly explain?: boolean;
}

/** The command with its options and help; the action is the caller's. */
export function epsilonCommand(): Command {
  return new Command('epsilon')
    .description('epsilon of a plan, or of a bare event under add-or-remove-one-user')
    .requiredOption('--plan <file>', 'JSON plan {unit, relation, event}, or an event')
    .requiredOption('--delta <number>', 'delta, in (0, 1)')
    .addOption(
      new Option('--accountant <name>', 'how to add up')
        .choices([...ACCOUNTANT_NAMES])
        .default('pld'),
    )
    .option('--explain', 'also say where it comes from, part by part', false)
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      `
Example plan:
  { "unit": "user", "relation": "add-or-remove-one-user",
    "event": { "kind": "repeated", "count": 20, "event": { "kind": "gaussian", "noiseMultiplier": 16 } } }`,
    );
}

/** `velatura epsilon --plan p.json --delta d` */
export async function runEpsilonCommand(
  options: EpsilonOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const plan = readPlan(options.plan);
  const delta = parseNumber('--delta', options.delta);
  const { accountant, explain = false } = options;
  const { lower, upper } = epsilonOfPlan(plan, delta, accountant);
  const explanation = explain ? explainEpsilon(plan, delta, accountant) : null;
  const certified = lower === null || lower === upper ? '' : `, certified from ${lower}`;
  terminal.print(
    `epsilon ${upper}${certified} at delta ${delta} (${accountant} accountant, ${plan.relation}, unit: ${plan.unit})`,
  );
  if (explanation !== null) {
    terminal.print();
    for (const line of explanation.text.split('\n')) terminal.print(line);
  }
  terminal.json({
    epsilon: upper,
    lower,
    delta,
    accountant,
    relation: plan.relation,
    ...(explanation === null
      ? {}
      : { parts: explanation.parts, comparison: compareAccountants(plan, delta) }),
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
