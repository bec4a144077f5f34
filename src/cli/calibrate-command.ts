import { Command, Option } from 'commander';
import { VelaturaError } from '../core/errors.ts';
import {
  ACCOUNTANT_NAMES,
  type AccountantName,
  type CertifiedInterval,
  calibrateCohort,
  calibrateNoiseMultiplier,
  calibrateRounds,
  calibrateSamplingRate,
  deltaOfPlan,
  NEIGHBOUR_RELATIONS,
  type NeighbourRelation,
  type SampledRounds,
  sampledRoundsEvent,
  tightestAccountant,
} from '../dp/index.ts';
import { parseNumber } from './input.ts';
import type { CommandContext } from './main.ts';

export interface CalibrateOptions {
  readonly epsilon: string;
  readonly delta?: string;
  readonly samplingRate?: string;
  readonly rounds?: string;
  readonly noiseMultiplier?: string;
  readonly population?: string;
  readonly accountant?: AccountantName;
  readonly relation: NeighbourRelation;
}

/** The command with its options and help; the action is the caller's. */
export function calibrateCommand(): Command {
  return new Command('calibrate')
    .description('least noise of a run that keeps to a target; or its rounds, rate or delta')
    .requiredOption('--epsilon <number>', 'target')
    .option('--delta <number>', 'target, in (0, 1)')
    .option(
      '--sampling-rate <number>',
      'chance of a user to be in a round, in (0, 1]; 1 is everybody',
    )
    .option('--rounds <number>', 'number of rounds')
    .option(
      '--noise-multiplier <number>',
      'noise deviation over sensitivity; then another of them is solved for',
    )
    .option('--population <number>', 'users in all, to solve for a whole cohort instead of a rate')
    .addOption(
      new Option('--accountant <name>', 'default: gdp for everybody, pld for samples').choices([
        ...ACCOUNTANT_NAMES,
      ]),
    )
    .addOption(
      new Option('--relation <name>', 'under which noise and sensitivity count')
        .choices([...NEIGHBOUR_RELATIONS])
        .default('add-or-remove-one-user'),
    )
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      `
Leave out exactly one of --noise-multiplier, --sampling-rate, --rounds, --delta: it is solved for, and the
certified epsilon of what comes out is at most the target.

Examples:
  $ velatura calibrate --epsilon 2 --delta 1e-5 --sampling-rate 0.01 --rounds 1000
  $ velatura calibrate --epsilon 2 --delta 1e-5 --sampling-rate 1 --noise-multiplier 16

Sampling counts only where nobody learns who is in a sample, the aggregator included.`,
    );
}

/** A run within the target, whatever it was solved for. */
interface Answer extends SampledRounds {
  readonly epsilon: CertifiedInterval;
  readonly delta: number;
  readonly accountant: AccountantName;
  readonly cohort?: number;
}

/** `velatura calibrate --epsilon e --delta d --sampling-rate q --rounds t` */
export async function runCalibrateCommand(
  options: CalibrateOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const { relation } = options;
  const target = parseNumber('--epsilon', options.epsilon);
  const unknown = unknownOf(options);
  const answer = solve(unknown, target, options);
  const { noiseMultiplier, samplingRate, rounds, epsilon, delta, accountant, cohort } = answer;
  const who =
    samplingRate === 1 ? 'everybody' : `each user with chance ${samplingRate.toPrecision(6)}`;
  const expected = cohort === undefined ? '' : ` (${cohort} expected)`;
  terminal.print(
    `noise multiplier ${noiseMultiplier.toPrecision(10)}, ${rounds} rounds, ${who}${expected}`,
  );
  terminal.print(
    `epsilon ${epsilon.upper.toPrecision(10)} at delta ${delta} (target ${target}; ${accountant} accountant, ${relation}, unit: user)`,
  );
  terminal.json({
    noiseMultiplier,
    epsilon: epsilon.upper,
    lower: epsilon.lower,
    delta,
    samplingRate,
    rounds,
    ...(cohort === undefined ? {} : { cohort }),
    solvedFor: unknown,
    accountant,
    relation,
  });
}

const UNKNOWNS = ['noiseMultiplier', 'samplingRate', 'rounds', 'delta'] as const;
type Unknown = (typeof UNKNOWNS)[number];

const FLAGS: Readonly<Record<Unknown, string>> = {
  noiseMultiplier: '--noise-multiplier',
  samplingRate: '--sampling-rate',
  rounds: '--rounds',
  delta: '--delta',
};

function unknownOf(options: CalibrateOptions): Unknown {
  const missing = UNKNOWNS.filter((name) => options[name] === undefined);
  const [unknown] = missing;
  if (unknown === undefined || missing.length > 1) {
    throw new VelaturaError(
      'cli/usage',
      `leave out exactly one of ${Object.values(FLAGS).join(', ')}; missing: ${missing.map((name) => FLAGS[name]).join(', ') || 'none (epsilon of a whole plan: velatura epsilon)'}`,
      { missing },
    );
  }
  if (options.population !== undefined && unknown !== 'samplingRate') {
    throw new VelaturaError('cli/usage', '--population goes with an unknown --sampling-rate only', {
      option: '--population',
    });
  }
  return unknown;
}

function solve(unknown: Unknown, epsilon: number, options: CalibrateOptions): Answer {
  const { relation } = options;
  const given = (name: Unknown): number => parseNumber(FLAGS[name], options[name] ?? '');
  // Where the rate is what is looked for, pld serves for everybody too.
  const samplingRate = unknown === 'samplingRate' ? undefined : given('samplingRate');
  const accountant = options.accountant ?? tightestAccountant(samplingRate ?? 0);
  const terms = { relation, accountant, epsilon };
  if (samplingRate === undefined) {
    const run = { noiseMultiplier: given('noiseMultiplier'), rounds: given('rounds') };
    const target = { ...terms, delta: given('delta') };
    const found =
      options.population === undefined
        ? calibrateSamplingRate(target, run)
        : calibrateCohort(target, run, parseNumber('--population', options.population));
    return { ...target, ...run, ...found };
  }
  if (unknown === 'noiseMultiplier') {
    const run = { samplingRate, rounds: given('rounds') };
    const target = { ...terms, delta: given('delta') };
    return { ...target, ...run, ...calibrateNoiseMultiplier(target, run) };
  }
  if (unknown === 'rounds') {
    const run = { samplingRate, noiseMultiplier: given('noiseMultiplier') };
    const target = { ...terms, delta: given('delta') };
    return { ...target, ...run, ...calibrateRounds(target, run) };
  }
  const run = {
    samplingRate,
    noiseMultiplier: given('noiseMultiplier'),
    rounds: given('rounds'),
  };
  const plan = { unit: 'user' as const, relation, event: sampledRoundsEvent(run) };
  // At the upper end of delta the target itself holds.
  const delta = deltaOfPlan(plan, epsilon, accountant).upper;
  return { ...terms, ...run, delta, epsilon: { lower: null, upper: epsilon } };
}
