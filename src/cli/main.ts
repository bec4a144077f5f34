#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { VelaturaError } from '../core/errors.ts';
import { showBudget, verifyBudget } from './budget-command.ts';
import { runEpsilonCommand } from './epsilon-command.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { runQuickstartCommand } from './quickstart-command.ts';
import { processTerminal, type Terminal } from './terminal.ts';

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

/** What a command gets: where to write, and when to stop. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Runs an action the way every command runs: its terminal, Ctrl-C, coded errors, exit codes. */
function run<O>(
  action: (options: O, context: CommandContext) => Promise<void>,
): (options: O & { readonly json: boolean }) => Promise<void> {
  return async (options) => {
    const interruption = new AbortController();
    process.once('SIGINT', () => interruption.abort(new Error('interrupted')));
    const terminal = processTerminal(options);
    try {
      await action(options, { terminal, signal: interruption.signal });
    } catch (error) {
      report(error, terminal);
      process.exitCode = exitCodeOf(error);
    }
  };
}

function report(error: unknown, terminal: Terminal): void {
  if (error instanceof VelaturaError) {
    const { code, message, details } = error;
    terminal.say(`velatura: ${message} [${code}]`);
    terminal.json({ error: { code, message, details } });
    return;
  }
  terminal.say(
    `velatura: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  terminal.json({ error: { code: null, message: String(error), details: {} } });
}

function program(): Command {
  const root = new Command('velatura')
    .description(
      'User-profile tags without collecting the people behind them: private training on clients,\nprivacy budgets per user and scene, scoring over encrypted profiles.',
    )
    .version(version)
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Start here:
  $ velatura quickstart                     the whole way on real shop data, with a report
  $ velatura epsilon --plan p.json --delta 1e-6
  $ velatura budget show --budget dir/budget.sqlite

Every command takes --json: one JSON document on stdout, all else on stderr.
Exit codes: 0 done, 1 failed, 2 refused by a budget or a policy, 64 wrong usage.`,
    );

  root
    .command('quickstart')
    .description('train, budget, encrypt and explain on the shipped shop data')
    .option('--out <dir>', 'folder for budget.sqlite and report.html (default: a new folder)')
    .option(
      '--data <dir>',
      'another folder with profiles.csv, events.csv.gz, items.csv, schema.json',
    )
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      `
Profiles are trained on simulated clients in three scenes, each release paid for from one SQLite
budget; the third scene asks more than the total of whoever is enrolled in all three, so the budget
refuses them and the rest is trained on. Then one client's profile is encrypted, the catalogue is
scored on the ciphertexts, and a report is written.

A run into a folder that holds a spent budget is refused (exit 2): the data was used already.`,
    )
    .action(run(runQuickstartCommand));

  root
    .command('epsilon')
    .description('epsilon of a plan, or of a bare event under add-or-remove-one-user')
    .requiredOption('--plan <file>', 'JSON plan {unit, relation, event}, or an event')
    .requiredOption('--delta <number>', 'delta, in (0, 1)')
    .addOption(
      new Option('--accountant <name>', 'how to add up').choices(['gdp', 'zcdp']).default('gdp'),
    )
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      `
Example plan:
  { "unit": "user", "relation": "add-or-remove-one-user",
    "event": { "kind": "repeated", "count": 20, "event": { "kind": "gaussian", "noiseMultiplier": 16 } } }`,
    )
    .action(run(runEpsilonCommand));

  const budget = root.command('budget').description('look into a budget file');
  budget
    .command('show')
    .description('what was spent, in total and by scene, with a histogram; names nobody')
    .requiredOption('--budget <file>', 'SQLite budget file')
    .option('--json', 'print the result as JSON', false)
    .action(run(showBudget));
  budget
    .command('verify')
    .description('recompute the hash chain and every balance')
    .requiredOption('--budget <file>', 'SQLite budget file')
    .option('--checkpoint <hex>', 'a head of the chain noted earlier, to find a roll-back')
    .option('--json', 'print the result as JSON', false)
    .action(run(verifyBudget));
  return root;
}

try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
}
