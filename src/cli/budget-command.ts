import { Command } from 'commander';
import type { BudgetSummary } from '../dp/index.ts';
import { openExistingBudgetFile, verifyBudgetFile } from '../node/index.ts';
import { EXIT } from './exit.ts';
import type { CommandContext } from './main.ts';
import { formatTable } from './terminal.ts';

export interface BudgetOptions {
  readonly budget: string;
  readonly checkpoint?: string;
}

type BudgetAction = (options: BudgetOptions & { readonly json: boolean }) => Promise<void>;

/** The command group with its options and help. */
export function budgetCommand(actions: {
  readonly show: BudgetAction;
  readonly verify: BudgetAction;
}): Command {
  const budget = new Command('budget').description('look into a budget file');
  budget
    .command('show')
    .description('what was spent, in total and by scene, with a histogram; names nobody')
    .requiredOption('--budget <file>', 'SQLite budget file')
    .option('--json', 'print the result as JSON', false)
    .action(actions.show);
  budget
    .command('verify')
    .description('recompute the hash chain, every price, balance and limit')
    .requiredOption('--budget <file>', 'SQLite budget file')
    .option('--checkpoint <hex>', 'a head of the chain noted earlier, to find a roll-back')
    .option('--json', 'print the result as JSON', false)
    .action(actions.verify);
  return budget;
}

/** `velatura budget show --budget f` */
export async function showBudget(
  options: BudgetOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const budget = await openExistingBudgetFile(options.budget);
  try {
    const summary = await budget.summary();
    const chain = await budget.verify();
    const [total, ...scenes] = summary as [BudgetSummary, ...BudgetSummary[]];
    const { policy, currency, unit, relation } = budget;
    terminal.print(
      `Budget of each ${unit}: epsilon ${policy.user.epsilon} in total at delta ${policy.delta} (${relation}, counted as ${currency})`,
    );
    terminal.print();
    for (const line of formatTable(
      ['scene', 'accounts', 'releases', 'refused', 'mean epsilon', 'max epsilon', 'limit', ''],
      [...scenes, total].map((row) => [
        row.scene ?? 'all scenes',
        String(row.accounts),
        String(row.releases),
        String(row.refused),
        row.epsilonMean.toFixed(4),
        row.epsilonMax.toFixed(4),
        Number.isFinite(row.allowed) ? String(row.allowed) : '–',
        row.frozen ? 'frozen' : '',
      ]),
    )) {
      terminal.print(`  ${line}`);
    }
    terminal.print();
    terminal.print('Accounts by spent epsilon');
    for (const line of histogramLines(total.histogram)) terminal.print(`  ${line}`);
    terminal.print();
    terminal.print(
      `Log: ${chain.entries} entries, ${chain.ok ? 'verified' : 'DAMAGED'}, head ${chain.head}`,
    );
    terminal.json({ users: total, scenes, chain });
  } finally {
    await budget.close();
  }
}

/** `velatura budget verify --budget f [--checkpoint hex]` */
export async function verifyBudget(
  options: BudgetOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const chain = await verifyBudgetFile(options.budget, options.checkpoint);
  terminal.print(
    chain.ok
      ? `ok: ${chain.entries} entries, every link, price, balance and limit recomputed; head ${chain.head}`
      : `DAMAGED after ${chain.entries} entries:`,
  );
  for (const problem of chain.problems) terminal.print(`  ${problem}`);
  terminal.json({ chain });
  if (!chain.ok) process.exitCode = EXIT.failed;
}

const BAR_WIDTH = 40;

function histogramLines(histogram: BudgetSummary['histogram']): string[] {
  const { edges, counts } = histogram;
  const most = Math.max(1, ...counts);
  return counts.map((count, i) => {
    const from = (edges[i] as number).toFixed(3);
    const to = (edges[i + 1] as number).toFixed(3);
    return `${from} – ${to}  ${String(count).padStart(7)}  ${'█'.repeat(Math.ceil((BAR_WIDTH * count) / most))}`;
  });
}
