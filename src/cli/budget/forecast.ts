import { Option } from 'commander';
import { VelaturaError } from '../../core/errors.ts';
import { validatePlan } from '../../dp/accounting/validate.ts';
import type { Accounts, ChargeScope, Cohort } from '../../dp/budget/budget.ts';
import { decodeRecord } from '../../dp/budget/log-codec.ts';
import type { Plan } from '../../dp/plan.ts';
import { readJson } from '../input.ts';
import type { CommandContext } from '../main.ts';
import { formatTable } from '../terminal.ts';
import {
  type BudgetPlace,
  type BudgetSource,
  budgetSource,
  type ListedBudget,
  withBudget,
  withLog,
} from './source.ts';
import { bar, UNKNOWN_ACCOUNT } from './table.ts';

export interface ForecastOptions extends BudgetPlace {
  readonly scene: string;
  readonly plan: string;
  readonly account?: readonly string[];
  readonly population?: string;
  readonly epoch?: readonly string[];
  readonly model?: string;
}

const repeatable = (text: string, all: readonly string[] = []): readonly string[] => [...all, text];

/** Options of `budget forecast` besides the place. */
export const FORECAST_OPTIONS: readonly Option[] = [
  new Option('--scene <name>', 'where the releases would be').makeOptionMandatory(),
  new Option(
    '--plan <file>',
    "JSON plan {unit, relation, event} of one release, or an event under the budget's terms",
  ).makeOptionMandatory(),
  new Option('--account <id>', 'of whom; may be repeated').argParser(repeatable),
  new Option('--population <name>', 'of whom: everyone who joined it'),
  new Option(
    '--epoch <name>',
    'epoch of the data read, such as 2026-11; may be repeated',
  ).argParser(repeatable),
  new Option('--model <name>', 'the model the releases would feed'),
];

export const FORECAST_HELP = `
Without --account or --population: of everyone the budget knows. Counts people and names nobody, except the
accounts asked for. Waiting times between releases are left aside.

Examples:
  $ velatura budget forecast --budget budget.sqlite --scene live-food --plan round.json
  $ velatura budget forecast --budget budget.sqlite --scene live-food --plan round.json --epoch 2026-11 --account ada`;

/** What the accountant answers where nothing limits. */
const UNLIMITED = 0xffff_ffff;
/** Lines of the table; more distinct counts are put into ranges. */
const MOST_LINES = 16;

/** Accounts that have from `from` to `to` releases left. */
interface ForecastBin {
  readonly from: number;
  readonly to: number;
  readonly accounts: number;
}

/** `velatura budget forecast --scene s --plan p.json` */
export async function forecastBudget(
  options: ForecastOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const { scene, account, population, epoch, model } = options;
  if (account !== undefined && population !== undefined) {
    throw new VelaturaError('cli/usage', '--account and --population exclude each other', {
      option: '--population',
    });
  }
  const scope: ChargeScope = {
    ...(epoch === undefined ? {} : { epochs: epoch }),
    ...(model === undefined ? {} : { model }),
  };
  const source = budgetSource(options);
  await withBudget(source, async (budget) => {
    const plan = planOf(options.plan, budget);
    const cohort = await cohortOf(options, source, signal);
    const left =
      cohort === null ? new Uint32Array() : await budget.forecast(scene, cohort, plan, scope);
    const asked = account === undefined ? null : await answersOf(account, left, budget);
    const sorted = Uint32Array.from(left).sort();
    const least = sorted[0] ?? null;
    const median = sorted[(sorted.length - 1) >> 1] ?? null;
    const people = sorted.length === 1 ? '1 account' : `${sorted.length} accounts`;
    terminal.print(
      least === null
        ? `${scene}: the budget knows nobody yet`
        : `${scene}: of ${people}, the first runs out after ${rounds(least)}, half of them after ${rounds(median ?? 0)}`,
    );
    if (asked !== null) {
      print(
        terminal,
        formatTable(
          ['account', 'releases left', ''],
          asked.map(({ id, left, known }) => [id, countCell(left), known ? '' : UNKNOWN_ACCOUNT]),
        ),
      );
    } else if (least !== null) {
      print(terminal, binTable(binsOf(sorted)));
    }
    terminal.json({
      scene,
      accounts: sorted.length,
      least: unlimitedAsNull(least),
      median: unlimitedAsNull(median),
      counts: exactCounts(sorted).map(({ from, accounts }) => ({
        releasesLeft: unlimitedAsNull(from),
        accounts,
      })),
      ...(asked === null
        ? {}
        : {
            byAccount: asked.map(({ id, left, known }) => ({
              account: id,
              releasesLeft: unlimitedAsNull(left),
              known,
            })),
          }),
    });
  });
}

/** What is left to an account that was asked about; to one not known, as much as to anybody new. */
interface AccountAnswer {
  readonly id: string;
  readonly left: number;
  readonly known: boolean;
}

function answersOf(
  accounts: readonly string[],
  left: Uint32Array,
  budget: ListedBudget,
): Promise<readonly AccountAnswer[]> {
  return Promise.all(
    accounts.map(async (id, i) => ({ id, left: left[i] ?? 0, known: await budget.knows(id) })),
  );
}

function print(terminal: CommandContext['terminal'], lines: readonly string[]): void {
  terminal.print();
  for (const line of lines) terminal.print(`  ${line}`);
}

function planOf(file: string, { unit, relation }: ListedBudget): Plan {
  const json = readJson(file);
  const bare = typeof json === 'object' && json !== null && 'kind' in json;
  return validatePlan(bare ? { unit, relation, event: json } : json);
}

/** Who is asked about; null when that is nobody. */
async function cohortOf(
  { account, population }: ForecastOptions,
  source: BudgetSource,
  signal: AbortSignal,
): Promise<Cohort | Accounts | null> {
  if (account !== undefined) return account;
  if (population !== undefined) return { population };
  const size = await accountsKnown(source, signal);
  return size === 0 ? null : Uint32Array.from({ length: size }, (_, handle) => handle);
}

/** Handles are dense, so that their number names them all. */
function accountsKnown(source: BudgetSource, signal: AbortSignal): Promise<number> {
  return withLog(source, signal, async (batches) => {
    let size = 0;
    for await (const entries of batches) {
      for (const entry of entries) {
        const record = decodeRecord(entry);
        if (record.kind === 'intern') size = record.size;
      }
    }
    return size;
  });
}

function exactCounts(sorted: Uint32Array): readonly ForecastBin[] {
  const counts = new Map<number, number>();
  for (const left of sorted) counts.set(left, (counts.get(left) ?? 0) + 1);
  return [...counts].map(([left, accounts]) => ({ from: left, to: left, accounts }));
}

/** Every count by itself where they are few, else ranges of one width; those without a limit last. */
function binsOf(sorted: Uint32Array): readonly ForecastBin[] {
  const exact = exactCounts(sorted);
  if (exact.length <= MOST_LINES) return exact;
  const limited = exact.filter(({ from }) => from !== UNLIMITED);
  const [first, last] = [limited[0]?.from ?? 0, limited.at(-1)?.to ?? 0];
  const width = Math.ceil((last - first + 1) / (MOST_LINES - 1));
  const bins = new Map<number, number>();
  for (const { from, accounts } of limited) {
    const bin = Math.floor((from - first) / width);
    bins.set(bin, (bins.get(bin) ?? 0) + accounts);
  }
  return [
    ...[...bins].map(([bin, accounts]) => ({
      from: first + bin * width,
      to: Math.min(last, first + (bin + 1) * width - 1),
      accounts,
    })),
    ...exact.filter(({ from }) => from === UNLIMITED),
  ];
}

function binTable(bins: readonly ForecastBin[]): readonly string[] {
  const most = Math.max(...bins.map(({ accounts }) => accounts));
  const header = ['releases left', 'accounts'];
  const rows = bins.map(({ from, to, accounts }) => [
    from === to ? countCell(from) : `${from} – ${to}`,
    String(accounts),
  ]);
  return formatTable(header, rows).map((line, i) => {
    const accounts = bins[i - 2]?.accounts; // below the header and its rule
    return accounts === undefined ? line : `${line}  ${bar(accounts, most)}`;
  });
}

function countCell(left: number): string {
  return left === UNLIMITED ? 'no limit' : String(left);
}

function rounds(left: number): string {
  if (left === UNLIMITED) return 'no end';
  return left === 1 ? '1 release' : `${left} releases`;
}

function unlimitedAsNull(left: number | null): number | null {
  return left === UNLIMITED ? null : left;
}
