import { Command, type Option } from 'commander';
import { EXPORT_HELP, EXPORT_OPTIONS, type ExportOptions } from './budget/export.ts';
import { FORECAST_HELP, FORECAST_OPTIONS, type ForecastOptions } from './budget/forecast.ts';
import { FREEZE_HELP, FREEZE_OPTIONS, type FreezeOptions } from './budget/freeze.ts';
import { SET_POLICY_HELP, SET_POLICY_OPTIONS, type SetPolicyOptions } from './budget/set-policy.ts';
import { SHOW_HELP, SHOW_OPTIONS, type ShowOptions } from './budget/show.ts';
import { VERIFY_HELP, VERIFY_OPTIONS, type VerifyOptions } from './budget/verify.ts';

type Action<O> = (options: O & { readonly json: boolean }) => Promise<void>;

/** What the subcommands do. */
export interface BudgetActions {
  readonly show: Action<ShowOptions>;
  readonly verify: Action<VerifyOptions>;
  readonly export: Action<ExportOptions>;
  readonly forecast: Action<ForecastOptions>;
  readonly freeze: Action<FreezeOptions>;
  readonly setPolicy: Action<SetPolicyOptions>;
}

const GROUP_HELP = `
A budget begins in a program, by openBudgetFile or openBudgetDatabase, or for a look in "velatura quickstart".
Its secrets are in <file>.key beside the file, or for a database in the --key file: back up both, show neither.
The password of a database is best given as PGPASSWORD: an address can be read in the list of processes.`;

/** The command group with its options and help; the actions are the caller's. */
export function budgetCommand(actions: BudgetActions): Command {
  const group = new Command('budget')
    .description('look into a privacy budget, and look after it')
    .addHelpText('after', GROUP_HELP);
  const add = <O>(
    name: string,
    description: string,
    options: readonly Option[],
    help: string,
    action: Action<O>,
  ): void => {
    const command = group
      .command(name)
      .description(description)
      .requiredOption(
        '--budget <file|url>',
        'SQLite budget file, or postgres://… (password: PGPASSWORD)',
      )
      .option('--name <name>', 'of the budget in the database')
      .option('--schema <name>', 'of the tables in the database (default: velatura)')
      .option('--key <file>', 'key file of a budget in a database (of a file: beside it)');
    for (const option of options) command.addOption(option);
    command
      .option('--json', 'print the result as JSON', false)
      .addHelpText('after', help)
      .action(action);
  };
  add(
    'show',
    'what was spent, in total and by scene and epoch; names nobody unless asked',
    SHOW_OPTIONS,
    SHOW_HELP,
    actions.show,
  );
  add(
    'verify',
    'recompute the hash chain, every price, balance and limit',
    VERIFY_OPTIONS,
    VERIFY_HELP,
    actions.verify,
  );
  add(
    'export',
    'write log, balances or sums as CSV, JSON or Parquet',
    EXPORT_OPTIONS,
    EXPORT_HELP,
    actions.export,
  );
  add(
    'forecast',
    'how many more such releases accounts could bear',
    FORECAST_OPTIONS,
    FORECAST_HELP,
    actions.forecast,
  );
  add('freeze', 'stop a scene for good', FREEZE_OPTIONS, FREEZE_HELP, actions.freeze);
  add(
    'set-policy',
    'put another policy in force, and say what it changes',
    SET_POLICY_OPTIONS,
    SET_POLICY_HELP,
    actions.setPolicy,
  );
  return group;
}
