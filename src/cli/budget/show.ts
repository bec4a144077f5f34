import { Option } from 'commander';
import { VelaturaError } from '../../core/errors.ts';
import type { AccountantName, CertifiedInterval } from '../../dp/accountant.ts';
import { ACCOUNTANT_NAMES } from '../../dp/accounting/create.ts';
import type { BudgetLine, BudgetSummary } from '../../dp/budget/budget.ts';
import { explainPolicy } from '../../dp/budget/explain-policy.ts';
import { type Replay, readTranscript } from '../../dp/budget/replay.ts';
import { parseNumber } from '../input.ts';
import type { CommandContext } from '../main.ts';
import { formatTable, type Terminal } from '../terminal.ts';
import {
  type BudgetPlace,
  budgetSource,
  type ListedBudget,
  withBudget,
  withLog,
} from './source.ts';
import { epochCell, epsilonCell, histogramLines, limitCell } from './table.ts';

export interface ShowOptions extends BudgetPlace {
  readonly account?: string;
  readonly accountant?: AccountantName;
  readonly epochs: string;
  readonly explain?: boolean;
  readonly statement?: boolean;
}

/** Options of `budget show` besides the place. */
export const SHOW_OPTIONS: readonly Option[] = [
  new Option('--account <id>', "also one account's own lines"),
  new Option(
    '--accountant <name>',
    'also what somebody in every release has spent, in the currency and in this accountant',
  ).choices([...ACCOUNTANT_NAMES]),
  new Option('--epochs <number>', 'newest epochs in the table; --json has all').default('6'),
  new Option('--explain', 'also the policy in words').default(false),
  new Option('--statement', 'print the conformance statement as JSON and nothing else').default(
    false,
  ),
];

export const SHOW_HELP = `
A budget that renews has a line an epoch of data, and one for life, which nothing limits.
Limits bind by the currency. --accountant adds the same releases up in another one: a statement about plans
that were not chosen by what was released; else only the limits hold.

Examples:
  $ velatura budget show --budget budget.sqlite --accountant pld --explain
  $ velatura budget show --budget postgres://host/db --name tags --key tags.key --json
  $ velatura budget show --budget budget.sqlite --statement > conformance.json`;

/** What somebody in every release of a scope has spent, in the currency and in another accountant. */
interface OdometerRow {
  readonly scene: string | null;
  readonly epoch: string | null;
  readonly releases: number;
  readonly currency: CertifiedInterval | null;
  readonly accountant: CertifiedInterval | null;
  readonly unsupported: string | null;
}

/** `velatura budget show --budget f` */
export async function showBudget(
  options: ShowOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const newest = epochCount(options.epochs);
  const source = budgetSource(options);
  await withBudget(source, async (budget) => {
    const statement = budget.conformance();
    if (options.statement === true) terminal.print(JSON.stringify(statement, null, 2));
    const summary = await budget.summary();
    const [users] = summary;
    const epochs = summary.filter(({ scene, epoch }) => scene === null && epoch !== null);
    const scenes = summary.filter(({ scene }) => scene !== null);
    const head = await budget.head();
    const chain = { ...(await budget.verify()), signedHead: head };
    const { account, accountant } = options;
    const odometer =
      accountant === undefined
        ? null
        : await withLog(source, async (entries) => {
            const transcript = await readTranscript(entries);
            return {
              accountant,
              rows: odometerRows(transcript.replay(budget.currency), transcript.replay(accountant)),
            };
          });
    const lines = account === undefined ? null : await budget.remaining(account);
    if (options.statement !== true) {
      for (const line of termsLines(budget)) terminal.print(line);
      if (options.explain === true) section(terminal, 'The policy', explained(budget));
      section(terminal, 'Spent', summaryTable(summary, newest));
      const shown = epochs.at(-1) ?? users;
      if (shown !== undefined) {
        const when = shown.epoch === null ? '' : ` in ${shown.epoch}`;
        section(terminal, `Accounts by spent epsilon${when}`, histogramLines(shown.histogram));
      }
      if (odometer !== null) {
        const title = `Somebody in every release, at most (${budget.currency} is the currency)`;
        const names = [budget.currency, odometer.accountant] as const;
        section(terminal, title, odometerTable(odometer.rows, names, newest));
      }
      if (lines !== null) section(terminal, 'The account', accountTable(lines, newest));
      terminal.print();
      terminal.print(
        `Log: ${chain.entries} entries, ${chain.ok ? 'verified' : 'DAMAGED'}, head ${chain.head}`,
      );
      for (const problem of chain.problems) terminal.print(`  ${problem}`);
      terminal.print(
        head.signature === null
          ? 'The head is not signed: note it down where the owner of the budget cannot change it.'
          : `Signed by ${head.publicKey} at ${new Date(head.time).toISOString()}: ${head.signature}`,
      );
    }
    terminal.json({
      users,
      scenes,
      epochs,
      chain,
      ...(odometer === null ? {} : { odometer }),
      ...(lines === null ? {} : { account: lines }),
      ...(options.explain === true ? { explanation: explainPolicy(budget.policy) } : {}),
      ...(options.statement === true ? { statement } : {}),
    });
  });
}

function epochCount(text: string): number {
  const count = parseNumber('--epochs', text);
  if (Number.isInteger(count) && count >= 0) return count;
  throw new VelaturaError('cli/usage', `--epochs expected a whole number, got ${text}`, {
    option: '--epochs',
  });
}

function section(terminal: Terminal, title: string, lines: readonly string[]): void {
  terminal.print();
  terminal.print(title);
  for (const line of lines) terminal.print(`  ${line}`);
}

function termsLines({ policy, currency, unit, relation }: ListedBudget): readonly string[] {
  const period =
    policy.epoch === undefined ? 'for life' : `for each ${policy.epoch.length} of data`;
  return [
    `Budget of each ${unit}: epsilon ${policy.user.epsilon} in total at delta ${policy.delta}, ${period} (${relation}, counted as ${currency})`,
  ];
}

function explained({ policy }: ListedBudget): readonly string[] {
  return explainPolicy(policy).split('\n');
}

/** Scene by scene, newest epochs first and the lifetime last; everyone at the end. */
function summaryTable(summary: readonly BudgetSummary[], newest: number): readonly string[] {
  const renews = summary.some(({ epoch }) => epoch !== null);
  const { rows, hidden } = byScope(summary, newest);
  const table = formatTable(
    [
      'scene',
      ...(renews ? ['epoch'] : []),
      'accounts',
      'releases',
      'refused',
      'mean epsilon',
      'max epsilon',
      'limit',
      '',
    ],
    rows.map((row) => [
      row.scene ?? 'all scenes',
      ...(renews ? [epochCell(row.epoch)] : []),
      String(row.accounts),
      String(row.releases),
      String(row.refused),
      epsilonCell(row.epsilonMean),
      epsilonCell(row.epsilonMax),
      limitCell(row.allowed),
      row.frozen ? 'frozen' : '',
    ]),
  );
  return withHidden(table, hidden);
}

function odometerTable(
  odometer: readonly OdometerRow[],
  [currency, accountant]: readonly [string, string],
  newest: number,
): readonly string[] {
  const renews = odometer.some(({ epoch }) => epoch !== null);
  const { rows, hidden } = byScope(odometer, newest);
  const upper = (interval: CertifiedInterval | null): string =>
    interval === null
      ? 'no bound'
      : Number.isFinite(interval.upper)
        ? interval.upper.toFixed(4)
        : '∞';
  const same = currency === accountant;
  const table = formatTable(
    ['scene', ...(renews ? ['epoch'] : []), 'releases', currency, ...(same ? [] : [accountant])],
    rows.map((row) => [
      row.scene ?? 'all scenes',
      ...(renews ? [epochCell(row.epoch)] : []),
      String(row.releases),
      upper(row.currency),
      ...(same ? [] : [upper(row.accountant)]),
    ]),
  );
  const reasons = new Set(rows.flatMap(({ unsupported }) => unsupported ?? []));
  return [...withHidden(table, hidden), ...[...reasons].map((reason) => `no bound: ${reason}`)];
}

function odometerRows(currency: Replay, other: Replay): readonly OdometerRow[] {
  return other.scopes.map(({ scene, epoch, releases, epsilon, unsupported }, i) => ({
    scene,
    epoch,
    releases,
    currency: currency.scopes[i]?.epsilon ?? null,
    accountant: epsilon,
    unsupported,
  }));
}

function accountTable(lines: readonly BudgetLine[], newest: number): readonly string[] {
  const renews = lines.some(({ epoch }) => epoch !== null);
  const shown = [...lines.filter(({ epoch }) => epoch === null), ...newestOf(lines, newest)];
  const table = formatTable(
    ['limit', 'of', ...(renews ? ['epoch'] : []), 'spent', 'allowed'],
    shown.map((line) => [
      line.limit,
      line.scene ?? 'all scenes',
      ...(renews ? [epochCell(line.epoch)] : []),
      line.limit === 'delta' ? line.spent.toPrecision(3) : epsilonCell(line.spent),
      limitCell(line.allowed),
    ]),
  );
  return withHidden(table, lines.length - shown.length);
}

/** Scene by scene, everyone last; of each the newest epochs first and its life at the end. */
function byScope<T extends { readonly scene: string | null; readonly epoch: string | null }>(
  rows: readonly T[],
  newest: number,
): { readonly rows: readonly T[]; readonly hidden: number } {
  const scenes = [...new Set(rows.flatMap(({ scene }) => scene ?? [])), null];
  const shown = scenes.flatMap((scene) => {
    const own = rows.filter((row) => row.scene === scene);
    return [...newestOf(own, newest), ...own.filter(({ epoch }) => epoch === null)];
  });
  return { rows: shown, hidden: rows.length - shown.length };
}

function newestOf<T extends { readonly epoch: string | null }>(
  rows: readonly T[],
  newest: number,
): readonly T[] {
  const epochs = [...new Set(rows.flatMap(({ epoch }) => epoch ?? []))].sort().reverse();
  return epochs.slice(0, newest).flatMap((epoch) => rows.filter((row) => row.epoch === epoch));
}

function withHidden(table: readonly string[], hidden: number): readonly string[] {
  return hidden === 0
    ? table
    : [...table, `… and ${hidden} lines of older epochs: --epochs, --json`];
}
