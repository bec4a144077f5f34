#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { VelaturaError } from '../core/errors.ts';
import { allocateCommand, runAllocateCommand } from './allocate-command.ts';
import { exportBudget } from './budget/export.ts';
import { forecastBudget } from './budget/forecast.ts';
import { freezeBudget } from './budget/freeze.ts';
import { setBudgetPolicy } from './budget/set-policy.ts';
import { showBudget } from './budget/show.ts';
import { verifyBudget } from './budget/verify.ts';
import { budgetCommand } from './budget-command.ts';
import { calibrateCommand, runCalibrateCommand } from './calibrate-command.ts';
import { epsilonCommand, runEpsilonCommand } from './epsilon-command.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { verifyLog } from './log/verify.ts';
import { logCommand } from './log-command.ts';
import { planCommand, runPlanCommand } from './plan-command.ts';
import { quickstartCommand, runQuickstartCommand } from './quickstart-command.ts';
import { decryptReplyFile } from './score/decrypt.ts';
import { encodeItems } from './score/encode.ts';
import { encryptProfileFile } from './score/encrypt.ts';
import { generateKey } from './score/keygen.ts';
import { runScoring } from './score/run.ts';
import { scoreCommand } from './score-command.ts';
import { runSweepCommand, sweepCommand } from './sweep-command.ts';
import { processTerminal, surviveClosedPipes, type Terminal } from './terminal.ts';
import { runTrainCommand, trainCommand } from './train-command.ts';

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
    process.once('SIGINT', () =>
      interruption.abort(new VelaturaError('core/aborted', 'interrupted')),
    );
    const terminal = processTerminal(options);
    try {
      await action(options, { terminal, signal: interruption.signal });
    } catch (thrown) {
      const error = reasonOf(thrown, interruption.signal);
      report(error, terminal);
      process.exitCode = exitCodeOf(error);
    }
  };
}

/** Work that was stopped says only that its caller stopped it; here the caller knows why. */
function reasonOf(error: unknown, signal: AbortSignal): unknown {
  const stopped = signal.aborted && error instanceof Error && error.cause === signal.reason;
  return stopped ? signal.reason : error;
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
      'User-profile tags without collecting the people behind them: private training on clients, privacy budgets per user and scene, scoring over encrypted profiles.',
    )
    .version(version)
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Start here:
  $ velatura quickstart                     the whole way on real shop data, with a report
  $ velatura epsilon --plan p.json --delta 1e-6 --explain
  $ velatura calibrate --epsilon 2 --delta 1e-6 --sampling-rate 0.01 --rounds 1000
  $ velatura budget show --budget dir/budget.sqlite

Every command takes --json: one JSON document on stdout, all else on stderr.
Exit codes: 0 done, 1 failed, 2 refused by a budget or a policy, 64 wrong usage.`,
    );

  const commands = [
    quickstartCommand().action(run(runQuickstartCommand)),
    epsilonCommand().action(run(runEpsilonCommand)),
    calibrateCommand().action(run(runCalibrateCommand)),
    planCommand().action(run(runPlanCommand)),
    allocateCommand().action(run(runAllocateCommand)),
    trainCommand().action(run(runTrainCommand)),
    sweepCommand().action(run(runSweepCommand)),
    budgetCommand({
      show: run(showBudget),
      verify: run(verifyBudget),
      export: run(exportBudget),
      forecast: run(forecastBudget),
      freeze: run(freezeBudget),
      setPolicy: run(setBudgetPolicy),
    }),
    scoreCommand({
      encode: run(encodeItems),
      keygen: run(generateKey),
      encrypt: run(encryptProfileFile),
      run: run(runScoring),
      decrypt: run(decryptReplyFile),
    }),
    logCommand({ verify: run(verifyLog) }),
  ];
  for (const command of commands) {
    // Settings such as the exit code for wrong usage are not inherited by commands made elsewhere.
    for (const each of [command, ...command.commands]) each.copyInheritedSettings(root);
    root.addCommand(command);
  }
  return root;
}

/** Wrong usage as a JSON document; the prose about it is on stderr by then. */
function reportUsage({ message }: CommanderError): void {
  const json = process.argv.includes('--json'); // what was not parsed has no options to ask
  const error = { code: 'cli/usage', message: message.replace(/^error: /, ''), details: {} };
  processTerminal({ json }).json({ error });
}

surviveClosedPipes();
try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error.exitCode !== 0) reportUsage(error);
}
