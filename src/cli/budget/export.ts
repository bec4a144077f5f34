import { Option } from 'commander';
import {
  BUDGET_BALANCE_COLUMNS,
  BUDGET_LOG_COLUMNS,
  BUDGET_SPEND_COLUMNS,
  budgetBalanceRows,
  budgetLogRows,
  budgetSpendRows,
} from '../../node/budget-export.ts';
import {
  TABLE_FORMATS,
  type TableColumn,
  type TableFormat,
  type TableRow,
  writeTable,
} from '../../node/table-writer.ts';
import type { CommandContext } from '../main.ts';
import { type BudgetPlace, budgetSource, withBudget, withLog } from './source.ts';

type What = 'log' | 'balances' | 'spend';

export interface ExportOptions extends BudgetPlace {
  readonly what: What;
  readonly format: TableFormat;
  readonly out: string;
  readonly force?: boolean;
}

/** Options of `budget export` besides the place. */
export const EXPORT_OPTIONS: readonly Option[] = [
  new Option('--what <part>', 'what to export')
    .choices(['log', 'balances', 'spend'])
    .makeOptionMandatory(),
  new Option('--format <name>', 'file format').choices([...TABLE_FORMATS]).makeOptionMandatory(),
  new Option('--out <file>', 'where to').makeOptionMandatory(),
  new Option('--force', 'replace the file if it is there').default(false),
];

export const EXPORT_HELP = `
log       every entry: time, kind, scene, epochs, model, accounts counted, price, epsilon by itself, hash;
          the event of each plan, so that others can add it up; needs no key
balances  what each account has spent in each scene and epoch, by handle: pseudonymous, still personal data
spend     per scene and epoch: accounts, releases, refusals, mean and largest epsilon

The file appears whole or not at all, readable by its owner. In CSV, text that begins with = + - @ a tab or a
carriage return gets an apostrophe before it, so that no spreadsheet runs it; JSON and Parquet have it as it is.

Example:
  $ velatura budget export --budget budget.sqlite --what log --format parquet --out log.parquet`;

/** Rows between two signs of life. */
const SAY_EVERY = 100_000;

/** `velatura budget export --what … --format … --out f` */
export async function exportBudget(
  options: ExportOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const { what, format, out } = options;
  const source = budgetSource(options);
  const write = (
    columns: readonly TableColumn[],
    rows: AsyncIterable<TableRow> | Iterable<TableRow>,
  ): Promise<number> => {
    let said = 0;
    return writeTable(out, columns, rows, {
      format,
      overwrite: options.force === true,
      signal,
      onProgress: (count) => {
        if (count < said + SAY_EVERY) return;
        said = count;
        terminal.say(`  ${count} rows …`);
      },
    });
  };
  const rows =
    what === 'log'
      ? await withLog(source, signal, (entries) =>
          write(BUDGET_LOG_COLUMNS, budgetLogRows(entries)),
        )
      : await withBudget(source, async (budget) =>
          what === 'spend'
            ? write(BUDGET_SPEND_COLUMNS, budgetSpendRows(await budget.summary()))
            : write(BUDGET_BALANCE_COLUMNS, budgetBalanceRows(budget)),
        );
  terminal.say(`${rows} rows written to ${out}`);
  if (what === 'balances') {
    terminal.say(
      'Note: accounts appear by handle, which is a pseudonym. Whoever has the budget and its key can name them: keep the file as you keep the budget.',
    );
  }
  terminal.json({ what, format, out, rows });
}
