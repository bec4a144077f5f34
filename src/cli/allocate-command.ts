import { Command } from 'commander';
import { VelaturaError } from '../core/errors.ts';
import {
  type AllocationAlternative,
  allocateBudget,
  type BudgetAllocation,
  type BudgetPolicy,
  type UtilityCurves,
  validatePolicy,
} from '../dp/index.ts';
import { parseNumber, readJson } from './input.ts';
import type { CommandContext } from './main.ts';
import { formatTable } from './terminal.ts';

export interface AllocateOptions {
  readonly policy: string;
  readonly curves: string;
  readonly weight?: readonly string[];
}

/** The command with its options and help; the action is the caller's. */
export function allocateCommand(): Command {
  return new Command('allocate')
    .description("split a policy's user total over scenes by their utility curves")
    .requiredOption('--policy <file>', 'JSON budget policy: the total, delta and caps of scenes')
    .requiredOption('--curves <file>', 'JSON utility curves of scenes')
    .option(
      '--weight <scene=number>',
      'how much a scene counts, such as its share of sessions; may be repeated (default: 1)',
      (text: string, all: readonly string[] = []) => [...all, text],
    )
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      `
Curves, for example:
  { "metric": "precisionAt3",
    "scenes": { "live-food": [{ "epsilon": 0.25, "value": 0.52 }, { "epsilon": 1, "value": 0.58 }] } }

Example:
  $ velatura allocate --policy policy.json --curves curves.json --weight live-food=2

perUser and worstCase of the policy are caps. Between points a curve is linear, made concave and rising;
after the last it is flat; without any epsilon a scene is worth 0 unless a point at 0 says otherwise.
--json holds the policy with the new numbers in it.`,
    );
}

/** `velatura allocate --policy p.json --curves c.json` */
export async function runAllocateCommand(
  options: AllocateOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const json = readJson(options.policy);
  const policy = validatePolicy(json);
  const { metric, scenes } = readCurves(options.curves);
  const total = {
    epsilon: policy.user.epsilon,
    delta: policy.delta - (policy.additiveDelta ?? 0),
  };
  // Utility curves say what noise costs as a Gaussian; sampled rounds count at least as little.
  const currency = policy.currency === 'auto' || policy.currency === 'gdp' ? 'gdp' : 'zcdp';
  const allocation = allocateBudget({
    total,
    currency,
    scenes: policy.scenes,
    utilityCurves: scenes,
    weights: weightsOf(options.weight ?? []),
  });
  terminal.print(
    `epsilon ${total.epsilon} of a user at delta ${total.delta}, added up in ${currency.toUpperCase()}; ${metric} of the scenes in sum: ${allocation.utility.toPrecision(6)}`,
  );
  terminal.print();
  for (const line of sceneTable(allocation, metric)) terminal.print(line);
  terminal.print();
  terminal.print(
    `All scenes spent in full: epsilon ${allocation.composedEpsilon.toPrecision(6)}. A unit more of total epsilon would add ${allocation.marginalUtility.toPrecision(3)}.`,
  );
  terminal.print();
  for (const line of whatIfTable(allocation)) terminal.print(line);
  for (const [scene, points] of Object.entries(allocation.lifted)) {
    terminal.say(
      `Note: ${points.length} points of "${scene}" lie under a concave rising curve and were lifted to it.`,
    );
  }
  if (allocation.withoutCurve.length > 0) {
    terminal.say(
      `Note: nothing was set aside for ${allocation.withoutCurve.join(', ')}: no curve.`,
    );
  }
  terminal.json({
    metric,
    total,
    currency,
    ...allocation,
    policy: withQuotas(json as BudgetPolicy, policy, allocation),
  });
}

function readCurves(file: string): { readonly metric: string; readonly scenes: UtilityCurves } {
  const json = readJson(file);
  const { metric = 'utility', scenes, ...others } = Object(json) as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  const refuse = (message: string, field: string): VelaturaError =>
    new VelaturaError('data/invalid-value', `${file}: ${message}`, { file, field });
  if (unknown !== undefined) throw refuse(`"${unknown}" is no field of utility curves`, unknown);
  if (typeof metric !== 'string') throw refuse('"metric" expected a name', 'metric');
  if (typeof scenes !== 'object' || scenes === null || Array.isArray(scenes)) {
    throw refuse('"scenes" expected the points of each scene', 'scenes');
  }
  return { metric, scenes: scenes as UtilityCurves };
}

function weightsOf(entries: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.lastIndexOf('=');
      if (at < 1) {
        throw new VelaturaError('cli/usage', `--weight expected scene=number, got "${entry}"`, {
          option: '--weight',
        });
      }
      return [entry.slice(0, at), parseNumber('--weight', entry.slice(at + 1))];
    }),
  );
}

function sceneTable({ scenes }: BudgetAllocation, metric: string): readonly string[] {
  return formatTable(
    ['scene', 'epsilon', 'cap', metric, 'gain per epsilon', 'held by'],
    Object.entries(scenes).map(([name, scene]) => [
      name,
      String(scene.epsilon),
      String(scene.cap),
      scene.value.toPrecision(4),
      scene.marginalUtility.toPrecision(3),
      scene.limitedBy,
    ]),
  );
}

function whatIfTable({ scenes, whatIf, utility }: BudgetAllocation): readonly string[] {
  const names = Object.keys(scenes);
  return formatTable(
    ['what if', 'total', ...names, 'sum', 'change'],
    whatIf.map((row) => [
      describe(row),
      String(row.totalEpsilon),
      ...names.map((name) => String(row.epsilons[name])),
      row.utility.toPrecision(5),
      row.kind === 'best' ? '' : (row.utility - utility).toFixed(5),
    ]),
  );
}

function describe({ kind, scene, totalEpsilon }: AllocationAlternative): string {
  switch (kind) {
    case 'best':
      return 'the best split';
    case 'even':
      return 'an even split';
    case 'favour':
      return `${scene} first`;
    case 'total':
      return `a total of ${totalEpsilon}`;
    case 'uncapped':
      return 'no caps';
  }
}

/** The policy as it was written, with the new quotas; a scene known by the default is named now. */
function withQuotas(
  written: BudgetPolicy,
  policy: BudgetPolicy,
  { scenes }: BudgetAllocation,
): BudgetPolicy {
  const quotas = Object.entries(scenes).map(([name, { epsilon }]) => {
    const rules = Object.hasOwn(policy.scenes, name)
      ? policy.scenes[name]
      : policy.scenes['default'];
    return [name, { ...rules, perUser: { epsilon } }];
  });
  return { ...written, scenes: { ...written.scenes, ...Object.fromEntries(quotas) } };
}
