import { rm } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { VelaturaError } from '../core/errors.ts';
import { freshFolder } from './input.ts';
import type { CommandContext } from './main.ts';
import type { BudgetCharge } from './train/budget.ts';
import { readCheckpoint, saveCheckpoint } from './train/checkpoint.ts';
import { checkpointFile, prepareFolder, writeTrainFiles } from './train/files.ts';
import {
  parseClippingNorm,
  parseEpsilon,
  parseMethod,
  parseRounds,
  type TaskOptions,
  TRAINING_METHODS,
  taskSettings,
  withTaskOptions,
} from './train/options.ts';
import { printTrained, trainDocument } from './train/result.ts';
import { type TrainRequest, trainOnTable } from './train/run.ts';
import { readTask, sayReadings, taskDigest } from './train/task.ts';

/** Options of `train`, as typed. */
export interface TrainOptions extends TaskOptions {
  readonly method: string;
  readonly rounds?: string;
  readonly clippingNorm?: string;
  readonly epsilon: string;
  readonly scene?: string;
  readonly policy?: string;
  readonly budget?: string;
  readonly epoch?: readonly string[];
  readonly model?: string;
  readonly leaveOutRefused: boolean;
}

const repeatable = (text: string, all: readonly string[] = []): readonly string[] => [...all, text];

/** The command with its options and help; the action is the caller's. */
export function trainCommand(): Command {
  return withTaskOptions(
    new Command('train').description('trains a tag model on a table of users, privately'),
  )
    .requiredOption('--epsilon <number>', 'of everything released; inf is non-private')
    .addOption(
      new Option('--method <name>', 'how to train')
        .choices([...TRAINING_METHODS])
        .default(TRAINING_METHODS[0]),
    )
    .option('--rounds <number>', 'most rounds, for methods that have several')
    .option('--clipping-norm <number>', 'public bound on the norm of an update')
    .option('--budget <file>', 'budget that pays; else a simulation on data declared public')
    .option('--scene <name>', 'scene of the budget to charge')
    .option('--policy <file>', 'policy to begin the budget with, or the one it has')
    .addOption(
      new Option(
        '--epoch <name>',
        'epoch of the data, where the policy has epochs; may be repeated',
      ).argParser(repeatable),
    )
    .option('--model <name>', 'name of the model, where the policy limits models')
    .option('--leave-out-refused', 'train on the others where the budget refuses some', false)
    .option('--out <dir>', 'folder for model, result and report (with --budget: a new one)')
    .addHelpText(
      'after',
      `
Examples:
  $ velatura train --data profiles.csv --user user --features 'n_*' --labels 'tag_*' \\
      --epsilon 1 --delta 1e-5 --out run
  $ velatura train … --epsilon 1 --delta 1e-6 --scene shop --policy policy.json --budget budget.sqlite

A run that the budget would refuse anywhere on its way is not begun (exit 2). The users of --test-fraction
are declared public: they are measured on, not trained on and not charged; 0 measures on nobody.
Bounds files and the folding of several rows of a user: docs/training.md.`,
    );
}

/** `velatura train --data f --user c --features glob --labels glob --epsilon e --delta d` */
export async function runTrainCommand(
  options: TrainOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const settings = taskSettings(options);
  const epsilon = parseEpsilon('--epsilon', options.epsilon);
  const method = parseMethod('--method', options.method);
  const charge = chargeOf(options, epsilon);
  const task = await readTask(options);
  sayReadings(task, terminal);
  let out = options.out ?? null;
  const { insecureNoise, leaveOutRefused } = options;
  const terms = [settings, method, tuningOf(options), epsilon, leaveOutRefused, charge];
  const digest = charge === null ? '' : await taskDigest(options, terms);
  const resume =
    charge === null || out === null ? null : readCheckpoint(checkpointFile(out), digest);
  if (resume !== null) terminal.say(`going on after ${resume.done} releases`);
  const result = await trainOnTable(
    task,
    {
      ...settings,
      method,
      tuning: tuningOf(options),
      epsilon,
      insecureNoise,
      leaveOutRefused,
      charge,
    },
    {
      terminal,
      signal,
      onAdmitted: () => {
        out ??= charge === null ? null : freshFolder('velatura-train');
        if (out !== null) prepareFolder(out, charge !== null);
      },
      resume,
      save: async (checkpoint) => {
        if (out !== null) {
          await saveCheckpoint(checkpointFile(out), { ...checkpoint, task: digest });
        }
      },
    },
  );
  const files = out === null ? null : await writeTrainFiles(result, out);
  if (out !== null) await rm(checkpointFile(out), { force: true });
  printTrained(result, terminal);
  if (files !== null) {
    terminal.print();
    terminal.print(`  model ${files.model}`);
    terminal.print(`  report ${files.report}`);
  }
  terminal.json({ ...trainDocument(result), files });
}

function tuningOf({ rounds, clippingNorm }: TrainOptions): TrainRequest['tuning'] {
  return {
    ...(rounds === undefined ? {} : { rounds: parseRounds('--rounds', rounds) }),
    ...(clippingNorm === undefined
      ? {}
      : { clippingNorm: parseClippingNorm('--clipping-norm', clippingNorm) }),
  };
}

/** Who pays, if anybody; options that do not go together are refused. */
function chargeOf(options: TrainOptions, epsilon: number): BudgetCharge | null {
  const { budget, scene, policy, epoch, model, insecureNoise } = options;
  if (budget === undefined) {
    for (const name of ['scene', 'policy', 'epoch', 'model'] as const) {
      if (options[name] !== undefined) {
        throw new VelaturaError('cli/usage', `--${name} needs --budget`, { option: `--${name}` });
      }
    }
    return null;
  }
  if (scene === undefined) {
    throw new VelaturaError('cli/usage', '--budget needs --scene', { option: '--scene' });
  }
  if (options.user === undefined) {
    throw new VelaturaError('cli/usage', '--budget needs --user: it charges people, not rows', {
      option: '--user',
    });
  }
  if (insecureNoise) {
    throw new VelaturaError(
      'dp/insecure-release',
      '--insecure-noise protects nobody: no budget is charged for it',
      { scene },
    );
  }
  if (epsilon === Infinity) {
    throw new VelaturaError(
      'dp/budget-exceeded',
      'a non-private model costs more than any budget allows; leave --budget away to simulate',
      { scene },
    );
  }
  return {
    budget,
    scene,
    ...(policy === undefined ? {} : { policy }),
    ...(epoch === undefined ? {} : { epochs: epoch }),
    ...(model === undefined ? {} : { model }),
  };
}
