import { Option } from 'commander';
import { type BudgetPolicy, validatePolicy } from '../../dp/budget/policy.ts';
import { readJson } from '../input.ts';
import type { CommandContext } from '../main.ts';
import { formatTable } from '../terminal.ts';
import { type PolicyChange, policyChanges } from './policy-difference.ts';
import { type BudgetPlace, budgetSource, type ListedBudget, tryOut, withBudget } from './source.ts';
import { epochCell } from './table.ts';

export interface SetPolicyOptions extends BudgetPlace {
  readonly policy: string;
  readonly dryRun?: boolean;
}

/** Options of `budget set-policy` besides the place. */
export const SET_POLICY_OPTIONS: readonly Option[] = [
  new Option('--policy <file>', 'JSON budget policy to put in force').makeOptionMandatory(),
  new Option('--dry-run', 'say what would change, and change nothing').default(false),
];

export const SET_POLICY_HELP = `
Says what changes in words, and how many accounts then stand above a limit: what they spent stays spent, and
they are refused until the limit is above it again. Currency, epochs and planned run cannot change.

A policy must not be chosen by what was released. The guarantee is that of the largest limit ever in force
(counted in RDP, with the delta of every policy that was), or that it could have been set to.

Example:
  $ velatura budget set-policy --budget budget.sqlite --policy policy.json --dry-run`;

/** Accounts above their limit in one scope, under the policy in force and under the other one. */
interface Overrun {
  /** Null for the total over all scenes. */
  readonly scene: string | null;
  readonly epoch: string | null;
  readonly before: number;
  readonly after: number;
}

/** `velatura budget set-policy --policy p.json` */
export async function setBudgetPolicy(
  options: SetPolicyOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const policy = validatePolicy(readJson(options.policy));
  const source = budgetSource(options);
  const trial = await tryOut(source);
  const changes: readonly PolicyChange[] = policyChanges(trial.policy, policy);
  let effect: Effect;
  try {
    effect = await effectOf(trial, policy);
  } finally {
    await trial.close();
  }
  print(changes, effect, { terminal });
  const dryRun = options.dryRun === true;
  const applied = !dryRun && changes.length > 0;
  if (applied) {
    await withBudget(source, (budget) => budget.setPolicy(policy));
    terminal.print();
    terminal.print('In force from now on.');
  } else {
    terminal.say(changes.length === 0 ? 'Nothing to change.' : 'Dry run: nothing was changed.');
  }
  terminal.json({ changes, overLimit: effect.accounts, scenesOver: effect.scenes, applied });
}

interface Effect {
  /** Scopes in which the number of accounts above the limit is or was not 0. */
  readonly accounts: readonly Overrun[];
  /** Scenes whose worst case is above its limit, by epoch; they take no more releases there. */
  readonly scenes: readonly { readonly scene: string; readonly epoch: string | null }[];
}

/** Puts the policy in force where nobody is bound by it, and counts. */
async function effectOf(trial: ListedBudget, policy: BudgetPolicy): Promise<Effect> {
  const before = await overruns(trial);
  await trial.setPolicy(policy);
  const after = await overruns(trial);
  const keys = new Set([...before.keys(), ...after.keys()]);
  return {
    accounts: [...keys].map((key) => {
      const { scene, epoch } = (after.get(key) ?? before.get(key)) as Scope;
      return {
        scene,
        epoch,
        before: before.get(key)?.accounts ?? 0,
        after: after.get(key)?.accounts ?? 0,
      };
    }),
    scenes: await scenesOver(trial),
  };
}

interface Scope {
  readonly scene: string | null;
  readonly epoch: string | null;
  readonly accounts: number;
}

async function overruns(budget: ListedBudget): Promise<ReadonlyMap<string, Scope>> {
  const scopes = new Map<string, Scope>();
  for (const { scene, epoch, epsilon, allowed } of await budget.balanceRows()) {
    if (epsilon <= allowed) continue;
    const key = JSON.stringify([scene, epoch]);
    scopes.set(key, { scene, epoch, accounts: (scopes.get(key)?.accounts ?? 0) + 1 });
  }
  return scopes;
}

/** Quotas of a whole scene are in the lines of everyone, so also of somebody who is not there. */
async function scenesOver(budget: ListedBudget): Promise<Effect['scenes']> {
  const lines = await budget.remaining('nobody');
  return lines.flatMap(({ limit, scene, epoch, spent, allowed }) =>
    limit === 'scene-worst-case' && scene !== null && spent > allowed ? [{ scene, epoch }] : [],
  );
}

function print(
  changes: readonly PolicyChange[],
  { accounts, scenes }: Effect,
  { terminal }: Pick<CommandContext, 'terminal'>,
): void {
  if (changes.length === 0) terminal.print('The policy is the one in force.');
  for (const { text } of changes) terminal.print(text);
  if (accounts.length > 0) {
    terminal.print();
    const header = ['accounts above the limit', 'epoch', 'now', 'then'];
    for (const line of formatTable(
      header,
      accounts.map(({ scene, epoch, before, after }) => [
        scene ?? 'over all scenes',
        epochCell(epoch),
        String(before),
        String(after),
      ]),
    )) {
      terminal.print(`  ${line}`);
    }
    terminal.print('  They are refused there; what they spent stays spent.');
  }
  for (const { scene, epoch } of scenes) {
    terminal.print(
      `scene "${scene}"${epoch === null ? '' : ` in ${epoch}`}: its worst case is above the limit, so it takes no more releases`,
    );
  }
}
