import { type Command, Option } from 'commander';
import { VelaturaError } from '../../core/errors.ts';
import type { TagTrainingMethod } from '../../federated/index.ts';
import { parseNumber } from '../input.ts';

/** Ways to train that the command line knows, the one to take when in doubt first. */
export const TRAINING_METHODS: readonly TagTrainingMethod[] = [
  'auto',
  'one-shot',
  'preconditioned',
  'fedavg',
  'popularity',
];

/** Options that `train` and `sweep` share, as typed. */
export interface TaskOptions {
  readonly data: string;
  readonly user?: string;
  readonly features: string;
  readonly labels: string;
  readonly bounds?: string;
  readonly delta: string;
  readonly seed: string;
  readonly testFraction: string;
  readonly minimumCohort: string;
  readonly out?: string;
  readonly insecureNoise: boolean;
  readonly json: boolean;
}

/** Seed of the first split where nobody chose one. */
const SEED = '1000';
const TEST_FRACTION = '0.25';
const MINIMUM_COHORT = '100';

/** Adds the options about data, protection and output. */
export function withTaskOptions(command: Command): Command {
  return command
    .requiredOption('--data <file>', 'table: .csv, .csv.gz, .jsonl, .jsonl.gz or .parquet')
    .option(
      '--user <column>',
      'whose row it is; rows of one user are folded (default: a row, a user)',
    )
    .requiredOption('--features <globs>', "columns, such as 'n_*' or 'n_*,invoices'")
    .requiredOption('--labels <globs>', "columns, such as 'tag_*'")
    .option('--bounds <file>', 'public rules for the columns (default: counts, mapped to shares)')
    .requiredOption('--delta <number>', 'of everything released, far below 1/users')
    .option('--seed <integer>', 'fixes split, order and initial values, never the noise', SEED)
    .option('--test-fraction <number>', 'share of users to measure on', TEST_FRACTION)
    .addOption(
      new Option('--minimum-cohort <number>', 'below this nothing is trained').default(
        MINIMUM_COHORT,
      ),
    )
    .option('--insecure-noise', 'noise from the seed too: repeatable, protects nobody', false)
    .option('--json', 'print the result as JSON', false);
}

/** What the shared options mean. */
export interface TaskSettings {
  readonly delta: number;
  readonly seed: number;
  readonly testFraction: number;
  readonly minimumCohort: number;
}

/** @throws {VelaturaError} `cli/usage` */
export function taskSettings(options: TaskOptions): TaskSettings {
  const delta = inRange('--delta', options.delta, (n) => n > 0 && n < 1, 'a number in (0, 1)');
  return {
    delta,
    seed: inRange('--seed', options.seed, Number.isSafeInteger, 'an integer'),
    testFraction: inRange(
      '--test-fraction',
      options.testFraction,
      (n) => n >= 0 && n < 1,
      'a number in [0, 1)',
    ),
    minimumCohort: inRange(
      '--minimum-cohort',
      options.minimumCohort,
      (n) => Number.isSafeInteger(n) && n >= 2,
      'an integer of at least 2',
    ),
  };
}

/** Epsilon as typed; `inf` is non-private. */
export function parseEpsilon(option: string, text: string): number {
  if (/^inf(inity)?$/i.test(text.trim())) return Infinity;
  return inRange(option, text, (n) => n > 0 && n < Infinity, 'numbers above 0, or inf');
}

/** A number that passes a test. */
export function inRange(
  option: string,
  text: string,
  test: (value: number) => boolean,
  expected: string,
): number {
  const value = parseNumber(option, text);
  if (test(value)) return value;
  throw new VelaturaError('cli/usage', `${option} expected ${expected}, got "${text}"`, { option });
}

/** One of the known methods. */
export function parseMethod(option: string, text: string): TagTrainingMethod {
  const method = TRAINING_METHODS.find((known) => known === text.trim());
  if (method !== undefined) return method;
  throw new VelaturaError(
    'cli/usage',
    `${option} expected one of ${TRAINING_METHODS.join(', ')}, got "${text}"`,
    { option },
  );
}

/** A number of rounds. */
export function parseRounds(option: string, text: string): number {
  return inRange(
    option,
    text,
    (n) => Number.isSafeInteger(n) && n >= 1 && n <= 100_000,
    'an integer from 1 to 100000',
  );
}

/** A bound on the norm of an update. */
export function parseClippingNorm(option: string, text: string): number {
  return inRange(option, text, (n) => n > 0 && n < Infinity, 'a number above 0');
}

/** Epsilon as JSON and tables show it. */
export function shownEpsilon(epsilon: number): number | string {
  return epsilon === Infinity ? 'inf (non-private)' : epsilon;
}
