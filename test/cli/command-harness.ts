import { type Command, CommanderError } from 'commander';
import { EXIT, exitCodeOf } from '../../src/cli/exit.ts';
import type { CommandContext } from '../../src/cli/main.ts';
import { VelaturaError } from '../../src/core/errors.ts';

/** What a command did, without a process around it. */
export interface CommandRun {
  readonly code: number;
  readonly errorCode: string | null;
  /** The JSON document, whether asked for or not. */
  // biome-ignore lint/suspicious/noExplicitAny: what a program reads from stdout
  readonly json: any;
  readonly printed: string;
  readonly said: string;
}

/** Parses and runs a command in this process. */
export async function runCommand<O>(
  command: Command,
  action: (options: O, context: CommandContext) => Promise<void>,
  ...args: string[]
): Promise<CommandRun> {
  const printed: string[] = [];
  const said: string[] = [];
  let json: unknown = null;
  const plain = (text: string): string => text;
  const terminal: CommandContext['terminal'] = {
    say: (line = '') => said.push(line),
    print: (line = '') => printed.push(line),
    json: (document) => {
      // As a reader gets it.
      json = JSON.parse(JSON.stringify(document));
    },
    progress: () => ({ to: () => {}, end: () => {} }),
    style: { bold: plain, dim: plain, good: plain, warn: plain },
  };
  const done = (code: number, errorCode: string | null): CommandRun => ({
    code,
    errorCode,
    json,
    printed: printed.join('\n'),
    said: said.join('\n'),
  });
  try {
    await command
      .exitOverride()
      .configureOutput({ writeErr: plain, writeOut: (text) => printed.push(text) })
      .action((options: O) => action(options, { terminal, signal: new AbortController().signal }))
      .parseAsync(args, { from: 'user' });
    return done(EXIT.done, null);
  } catch (error) {
    if (error instanceof CommanderError) {
      return done(error.exitCode === 0 ? EXIT.done : EXIT.usage, null);
    }
    if (!(error instanceof VelaturaError)) throw error;
    return done(exitCodeOf(error), error.code);
  }
}
