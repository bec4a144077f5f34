import { Option } from 'commander';
import { type BudgetPolicy, validatePolicy } from '../../dp/budget/policy.ts';
import { readJson } from '../input.ts';
import type { CommandContext } from '../main.ts';
import { formatTable } from '../terminal.ts';
import { confirmByTyping } from './confirm.ts';
import { type PolicyChange, policyChanges } from './policy-difference.ts';
import { type BudgetPlace, budgetSource, type ListedBudget, tryOut, withBudget } from './source.ts';
import { epochCell } from './table.ts';

export interface SetPolicyOptions extends BudgetPlace {
  readonly policy: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Options of `budget set-policy` besides the place. */
export const SET_POLICY_OPTIONS: readonly Option[] = [
  new Option('--policy <file>', 'JSON budget policy to put in force').makeOptionMandatory(),
  new Option('--dry-run', 'say what would change, and change nothing').default(false),
  new Option('--yes', 'do not ask, also where a limit is loosened').default(false),
];

export const SET_POLICY_HELP = `
Says what changes in words, and how many accounts then stand above a limit: what they spent stays spent, and
they are refused until the limit is above it again. Currency, epochs and planned run cannot change.

A policy must not be chosen by what was released. The guarantee is that of the largest limit ever in force
(counted in RDP, with the delta of every policy that was), or that it could have been set to. A policy that
loosens any limit is therefore put in force only after a question; where there is no terminal it needs --yes.

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
  { terminal, signal }: CommandContext,
): Promise<void> {
  const policy = validatePolicy(readJson(options.policy));
  const source = budgetSource(options);
  const trial = await tryOut(source);
  const before = trial.policy;
  const changes = policyChanges(before, policy);
  const looser = changes.filter(({ direction }) => direction === 'looser');
  let effect: Effect;
  try {
    effect = await effectOf(trial, policy);
  } finally {
    await trial.close();
  }
  print(changes, effect, { terminal });
  const dryRun = options.dryRun === true;
  const applied = !dryRun && changes.length > 0;
  const warning = looser.length === 0 ? null : guaranteeThen(looser, before, policy);
  if (warning !== null) {
    if (applied && options.yes !== true) {
      const stakes = [...looser.map(({ text }) => text), warning, 'Type "looser" to go on:'];
      await confirmByTyping(stakes.join('\n'), 'looser', signal);
    }
    terminal.print(warning);
  }
  if (applied) {
    await withBudget(source, (budget) => budget.setPolicy(policy));
    terminal.print();
    terminal.print('In force from now on.');
  } else {
    terminal.say(changes.length === 0 ? 'Nothing to change.' : 'Dry run: nothing was changed.');
  }
  terminal.json({
    changes,
    loosens: looser.length > 0,
    overLimit: effect.accounts,
    scenesOver: effect.scenes,
    applied,
  });
}

/** What people are promised once these limits are the looser ones. */
function guaranteeThen(
  looser: readonly PolicyChange[],
  before: BudgetPolicy,
  after: BudgetPolicy,
): string {
  const total = looser.some(({ path }) => path === 'delta' || path.endsWith('user.epsilon'));
  if (!total) {
    return 'Looser: the guarantee over all scenes stays, but each of these limits then promises only the looser value, for good.';
  }
  const epsilon = Math.max(before.user.epsilon, after.user.epsilon);
  const delta = Math.max(before.delta, after.delta);
  const groups = looser.filter(({ path }) => path.startsWith('groups.'));
  const others = groups.length === 0 ? '' : ', and that of its group for people in one';
  return `Looser: the guarantee is then the looser one, for good: at best epsilon ${epsilon} at delta ${delta} a user${others}. A stricter policy later does not bring the old one back.`;
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
