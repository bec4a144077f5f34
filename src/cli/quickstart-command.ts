import { Command } from 'commander';
import { ONLINE_RETAIL_FOLDER, RETAIL_SCENES } from '../node/online-retail.ts';
import { freshFolder } from './input.ts';
import type { CommandContext } from './main.ts';
import type { QuickstartResult } from './quickstart/result.ts';
import { readShop, runQuickstart } from './quickstart/run.ts';

/** The command with its options and help; the action is the caller's. */
export function quickstartCommand(): Command {
  return new Command('quickstart')
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
    );
}

/** `velatura quickstart [--out dir]` */
export async function runQuickstartCommand(
  options: { readonly out?: string; readonly data?: string },
  { terminal, signal }: CommandContext,
): Promise<void> {
  const data = readShop(options.data ?? ONLINE_RETAIL_FOLDER);
  const out = options.out ?? freshFolder('velatura-quickstart');
  const { result, report } = await runQuickstart(data, out, terminal, signal);
  terminal.json(summaryDocument(result, report));
}

/** The stable JSON keys of the command. */
function summaryDocument(result: QuickstartResult, report: string): unknown {
  const byScene = <T>(value: (scene: QuickstartResult['scenes'][number]) => T): Record<string, T> =>
    Object.fromEntries(result.scenes.map((scene) => [scene.scene, value(scene)]));
  const { limits, budget, scoring } = result;
  return {
    epsilonByScene: Object.fromEntries(
      RETAIL_SCENES.map((scene) => [scene, budget.epsilonByScene[scene] ?? 0]),
    ),
    epsilonMaxUser: budget.epsilonMax,
    limits: { user: { epsilon: limits.user, delta: limits.delta }, scenes: limits.scenes },
    refused: byScene((scene) => scene.refused),
    metrics: byScene((scene) => scene.metrics),
    baselines: byScene((scene) => scene.baselines),
    scoring: {
      items: scoring.items,
      serverMs: scoring.serverMs,
      encryptMs: scoring.encryptMs,
      decryptMs: scoring.decryptMs,
      upBytes: scoring.upBytes,
      matrixBytes: scoring.matrixBytes,
      downBytes: scoring.downBytes,
      maxError: scoring.maxError,
      errorBound: scoring.errorBound,
      recallAt100: scoring.recallAt100,
    },
    sweep: result.sweep.points.map((point) => ({
      ...point,
      epsilon: point.epsilon === Infinity ? 'inf (non-private)' : point.epsilon,
    })),
    simulated: ['enrolment in scenes', 'refusals of consent'],
    seconds: result.seconds,
    report,
  };
}
