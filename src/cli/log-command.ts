import { Command } from 'commander';
import { VERIFY_LOG_HELP, VERIFY_LOG_OPTIONS, type VerifyLogOptions } from './log/verify.ts';

/** What the subcommands do. */
export interface LogActions {
  readonly verify: (options: VerifyLogOptions & { readonly json: boolean }) => Promise<void>;
}

/** The command group with its options and help; the actions are the caller's. */
export function logCommand(actions: LogActions): Command {
  const group = new Command('log').description('check an audit log');
  const verify = group
    .command('verify')
    .description('follow the chain of an audit log, and say which entry was altered')
    .requiredOption('--log <file>', 'audit log, as openAuditFile keeps it');
  for (const option of VERIFY_LOG_OPTIONS) verify.addOption(option);
  verify
    .option('--json', 'print the result as JSON', false)
    .addHelpText('after', VERIFY_LOG_HELP)
    .action(actions.verify);
  return group;
}
