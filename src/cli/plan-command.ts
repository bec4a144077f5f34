import { Command, Option } from 'commander';
import { VelaturaError } from '../core/errors.ts';
import {
  describeStatement,
  NEIGHBOUR_RELATIONS,
  type NeighbourRelation,
  PARTICIPATIONS,
  type Participation,
  planTraining,
  type TrainingAlternative,
  type TrainingRequest,
} from '../dp/index.ts';
import { labelNormBound } from '../federated/index.ts';
import { parseNumber } from './input.ts';
import type { CommandContext } from './main.ts';
import { formatTable } from './terminal.ts';

export interface PlanOptions {
  readonly population: string;
  readonly dimension: string;
  readonly epsilon: string;
  readonly delta: string;
  readonly relation: NeighbourRelation;
  readonly rounds?: string;
  readonly minimumCohort?: string;
  readonly maximumCohort?: string;
  readonly participation?: string;
  readonly clippingNorm?: string;
  readonly alignment?: string;
  readonly features?: string;
  readonly labels?: string;
  readonly labelDensity?: string;
  readonly allowLargeDelta: boolean;
}

/** Rows of the printed table; `--json` has them all. */
const ROWS = 12;

/** The command with its options and help; the action is the caller's. */
export function planCommand(): Command {
  return new Command('plan')
    .description('rounds, cohort, clip and noise for a target, and what other choices would cost')
    .requiredOption('--population <number>', 'users in all, as the public knows it')
    .requiredOption('--dimension <number>', 'numbers in one update: parameters of the model')
    .requiredOption('--epsilon <number>', 'target for each user')
    .requiredOption('--delta <number>', 'target, far below 1/population')
    .addOption(
      new Option('--relation <name>', 'which data sets are neighbours')
        .choices([...NEIGHBOUR_RELATIONS])
        .default('add-or-remove-one-user'),
    )
    .option('--rounds <number>', 'most rounds (default: 500)')
    .option('--minimum-cohort <number>', 'fewest users in a round (default: 100)')
    .option('--maximum-cohort <number>', 'most users in a round (default: everybody)')
    .option(
      '--participation <list>',
      'some of full, rotating, poisson (default: full,rotating); poisson needs hidden samples',
    )
    .option(
      '--clipping-norm <number>',
      'public bound on the norm of an update (default: 1, or from --labels)',
    )
    .option(
      '--alignment <number>',
      'guess of |mean update| / clipping norm, in (0, 1] (default: 0.2)',
    )
    .option('--features <number>', 'of a linear model, the constant included: shows one-shot too')
    .option('--labels <number>', 'of a linear model; picks the clip from --label-density')
    .option('--label-density <number>', 'guess of how common a label is, in (0, 1) (default: 0.25)')
    .option('--allow-large-delta', 'take a delta of 1/√population and more', false)
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      `
Example:
  $ velatura plan --population 20000 --dimension 1668 --epsilon 1 --delta 1e-6 --rounds 100 \\
      --features 139 --labels 12

full asks everybody in every round, rotating asks fixed groups in turn, poisson draws a hidden sample for
each round. Signal-to-noise ratios come from a public model, not from data: they rank choices, they promise
nothing. The certified epsilon is never above the target.`,
    );
}

/** `velatura plan --population n --dimension d --epsilon e --delta d` */
export async function runPlanCommand(
  options: PlanOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const result = planTraining(requestOf(options));
  const { choice, plan, statement, alternatives, notes } = result;
  terminal.print(
    `${choice.rounds} rounds of ${choice.cohort} users (${choice.participation}), noise multiplier ${choice.noiseMultiplier.toPrecision(6)}, clipping norm ${result.clippingNorm}: epsilon ${choice.epsilon.toPrecision(6)} at delta ${statement.delta}`,
  );
  terminal.print();
  const shown = alternatives.filter(({ method }, i) => i < ROWS || method === 'one-shot');
  for (const line of formatTable(HEADER, shown.map(rowOf))) terminal.print(line);
  if (alternatives.length > shown.length) {
    terminal.print(`and ${alternatives.length - shown.length} more: --json has them all`);
  }
  terminal.print('* chosen: fewest uploads a user among those whose predicted error is as good.');
  terminal.print();
  terminal.print(describeStatement(statement));
  for (const note of notes) terminal.say(`Note: ${note}.`);
  terminal.json({
    plan,
    statement,
    alternatives,
    choice,
    clippingNorm: result.clippingNorm,
    noiseStddev: result.noiseStddev,
    notes,
  });
}

const HEADER = ['', 'rounds', 'cohort', 'uploads a user', 'noise', 'SNR/round', 'SNR', 'error'];

function rowOf(row: TrainingAlternative): readonly string[] {
  const name =
    row.method === 'one-shot' ? `one-shot (${row.dimension} numbers)` : row.participation;
  return [
    row.chosen ? `${name} *` : name,
    String(row.rounds),
    String(row.cohort),
    row.uploads.toPrecision(3),
    row.noiseMultiplier.toPrecision(4),
    row.roundSignalToNoise.toPrecision(3),
    row.signalToNoise.toPrecision(3),
    row.predictedError.toPrecision(3),
  ];
}

function requestOf(options: PlanOptions): TrainingRequest {
  const { features, labels } = options;
  if ((features === undefined) !== (labels === undefined)) {
    throw new VelaturaError('cli/usage', '--features and --labels go together');
  }
  const optional = {
    maximumRounds: numberOf('--rounds', options.rounds),
    minimumCohort: numberOf('--minimum-cohort', options.minimumCohort),
    maximumCohort: numberOf('--maximum-cohort', options.maximumCohort),
    clippingNorm: clippingNormOf(options),
    alignment: numberOf('--alignment', options.alignment),
    participation: options.participation?.split(',').map(participationOf),
    linear:
      features === undefined || labels === undefined
        ? undefined
        : {
            features: parseNumber('--features', features),
            labels: parseNumber('--labels', labels),
          },
  };
  return {
    population: parseNumber('--population', options.population),
    dimension: parseNumber('--dimension', options.dimension),
    epsilon: parseNumber('--epsilon', options.epsilon),
    delta: parseNumber('--delta', options.delta),
    relation: options.relation,
    allowLargeDelta: options.allowLargeDelta,
    ...(Object.fromEntries(
      Object.entries(optional).filter(([, value]) => value !== undefined),
    ) as Partial<TrainingRequest>),
  };
}

/** Density that a clip is picked for where nobody guessed one; the clip varies little with it. */
const LABEL_DENSITY = 0.25;

function clippingNormOf(options: PlanOptions): number | undefined {
  const { clippingNorm, labels, labelDensity } = options;
  if (clippingNorm !== undefined) return parseNumber('--clipping-norm', clippingNorm);
  if (labels === undefined) return undefined;
  const density = numberOf('--label-density', labelDensity) ?? LABEL_DENSITY;
  if (!(density > 0 && density < 1)) {
    throw new VelaturaError('cli/usage', '--label-density expected a number in (0, 1)', {
      option: '--label-density',
    });
  }
  return labelNormBound(parseNumber('--labels', labels), density);
}

function numberOf(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseNumber(option, text);
}

function participationOf(text: string): Participation {
  const name = PARTICIPATIONS.find((known) => known === text.trim());
  if (name === undefined) {
    throw new VelaturaError(
      'cli/usage',
      `--participation expected some of ${PARTICIPATIONS.join(', ')}, got "${text}"`,
      { option: '--participation' },
    );
  }
  return name;
}
