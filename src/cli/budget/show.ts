import { Option } from 'commander';
import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import type { SignedHead } from '../../core/signed-head.ts';
import type { AccountantName } from '../../dp/accountant.ts';
import { ACCOUNTANT_NAMES } from '../../dp/accounting/create.ts';
import type { BudgetLine, BudgetSummary, BudgetVerification } from '../../dp/budget/budget.ts';
import type { ConformanceStatement } from '../../dp/budget/conformance-statement.ts';
import { explainPolicy } from '../../dp/budget/explain-policy.ts';
import { readTranscript } from '../../dp/budget/replay.ts';
import { EXIT } from '../exit.ts';
import { parseNumber } from '../input.ts';
import type { CommandContext } from '../main.ts';
import type { Terminal } from '../terminal.ts';
import { accountTable, type OdometerRow, odometerTable, summaryTable } from './show-tables.ts';
import {
  type BudgetPlace,
  type BudgetSource,
  budgetSource,
  type ListedBudget,
  withBudget,
  withLog,
} from './source.ts';
import { histogramLines, UNKNOWN_ACCOUNT } from './table.ts';

export interface ShowOptions extends BudgetPlace {
  readonly account?: string;
  readonly accountant?: AccountantName;
  readonly epochs: string;
  readonly explain?: boolean;
  readonly statement?: boolean;
}

/** Options of `budget show` besides the place. */
export const SHOW_OPTIONS: readonly Option[] = [
  new Option('--account <id>', "also one account's own lines, if the budget knows it"),
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

/** Everything that is shown, and the document of `--json`. */
interface Report {
  readonly users: BudgetSummary | undefined;
  readonly scenes: readonly BudgetSummary[];
  /** Everyone by epoch, oldest first. */
  readonly epochs: readonly BudgetSummary[];
  readonly chain: BudgetVerification & { readonly signedHead: SignedHead };
  readonly odometer?: {
    readonly accountant: AccountantName;
    readonly rows: readonly OdometerRow[];
  };
  readonly account?: readonly BudgetLine[];
  /** False where nothing was ever booked or noted on the account: its lines are those of anybody new. */
  readonly accountKnown?: boolean;
  readonly explanation?: string;
  readonly statement?: ConformanceStatement;
}

/** `velatura budget show --budget f` */
export async function showBudget(
  options: ShowOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const newest = epochCount(options.epochs);
  const source = budgetSource(options);
  await withBudget(source, async (budget) => {
    const report = await reportOf(budget, source, options, signal);
    const { statement } = report;
    if (statement === undefined) printReport(report, budget, newest, terminal);
    else terminal.print(JSON.stringify(statement, null, 2));
    terminal.json(report);
    if (!report.chain.ok) process.exitCode = EXIT.failed;
  });
}

async function reportOf(
  budget: ListedBudget,
  source: BudgetSource,
  { account, accountant, explain, statement }: ShowOptions,
  signal: AbortSignal,
): Promise<Report> {
  const summary = await budget.summary();
  const signedHead = await budget.head();
  throwIfAborted(signal);
  return {
    users: summary[0],
    scenes: summary.filter(({ scene }) => scene !== null),
    epochs: summary.filter(({ scene, epoch }) => scene === null && epoch !== null),
    chain: { ...(await budget.verify(undefined, { signal })), signedHead },
    ...(accountant === undefined
      ? {}
      : { odometer: { accountant, rows: await odometerOf(budget, source, accountant, signal) } }),
    ...(account === undefined
      ? {}
      : {
          account: await budget.remaining(account),
          accountKnown: await budget.knows(account),
        }),
    ...(explain === true ? { explanation: explainPolicy(budget.policy) } : {}),
    ...(statement === true ? { statement: budget.conformance() } : {}),
  };
}

async function odometerOf(
  { currency }: ListedBudget,
  source: BudgetSource,
  accountant: AccountantName,
  signal: AbortSignal,
): Promise<readonly OdometerRow[]> {
  const transcript = await withLog(source, signal, readTranscript);
  const inCurrency = transcript.replay(currency).scopes;
  return transcript.replay(accountant).scopes.map((scope, i) => ({
    scene: scope.scene,
    epoch: scope.epoch,
    releases: scope.releases,
    currency: inCurrency[i]?.epsilon ?? null,
    accountant: scope.epsilon,
    unsupported: scope.unsupported,
  }));
}

function printReport(
  { users, scenes, epochs, chain, odometer, account, accountKnown, explanation }: Report,
  { policy, currency, unit, relation }: ListedBudget,
  newest: number,
  terminal: Terminal,
): void {
  const section = (title: string, lines: readonly string[]): void => {
    terminal.print();
    terminal.print(title);
    for (const line of lines) terminal.print(`  ${line}`);
  };
  const period =
    policy.epoch === undefined ? 'for life' : `for each ${policy.epoch.length} of data`;
  terminal.print(
    `Budget of each ${unit}: epsilon ${policy.user.epsilon} in total at delta ${policy.delta}, ${period} (${relation}, counted as ${currency})`,
  );
  if (explanation !== undefined) section('The policy', explanation.split('\n'));
  const everyone = users === undefined ? epochs : [users, ...epochs];
  section('Spent', summaryTable([...everyone, ...scenes], newest));
  const current = everyone.at(-1);
  if (current !== undefined) {
    const when = current.epoch === null ? '' : ` in ${current.epoch}`;
    section(`Accounts by spent epsilon${when}`, histogramLines(current.histogram));
  }
  if (odometer !== undefined) {
    const title = `Somebody in every release, at most (${currency} is the currency)`;
    section(title, odometerTable(odometer.rows, [currency, odometer.accountant], newest));
  }
  if (accountKnown === false) section('The account', [UNKNOWN_ACCOUNT]);
  else if (account !== undefined) section('The account', accountTable(account, newest));
  terminal.print();
  terminal.print(
    `Log: ${chain.entries} entries, ${chain.ok ? 'verified' : 'DAMAGED'}, head ${chain.head}`,
  );
  for (const problem of chain.problems) terminal.print(`  ${problem}`);
  const { signature, publicKey, time } = chain.signedHead;
  terminal.print(
    signature === null
      ? 'The head is not signed: note it down where the owner of the budget cannot change it.'
      : `Signed by ${publicKey} at ${new Date(time).toISOString()}: ${signature}`,
  );
}

function epochCount(text: string): number {
  const count = parseNumber('--epochs', text);
  if (Number.isInteger(count) && count >= 0) return count;
  throw new VelaturaError('cli/usage', `--epochs expected a whole number, got ${text}`, {
    option: '--epochs',
  });
}
