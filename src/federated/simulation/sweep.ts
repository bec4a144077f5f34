import { throwIfAborted } from '../../core/errors.ts';
import { SecureRandom } from '../../core/secure-random.ts';
import { SeededRandom } from '../../core/seeded-random.ts';
import { epsilonOfPlan } from '../../dp/accounting/index.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import type { TagTrainingMethod } from '../methods/choose-method.ts';
import { PlainSum } from '../rounds/plain-sum.ts';
import { roundPlan } from '../rounds/private-round.ts';
import type { TaskMetrics } from './sweep-metrics.ts';
import { runTagTraining, type TagExperiment, type TagSplit } from './sweep-run.ts';

/** What a sweep tries: every combination of what the lists hold. */
export interface SweepGrid {
  readonly methods: readonly TagTrainingMethod[];
  /** Each above 0; Infinity is non-private. */
  readonly epsilons: readonly number[];
  /** Noise of whole runs instead of an epsilon, each above 0; their epsilon follows. Default: none. */
  readonly noiseMultipliers?: readonly number[];
  /** Rounds of methods that have several; null leaves the choice to the method, as does no list. */
  readonly rounds?: readonly (number | null)[];
  /** Bounds on the norm of one update; null is the default of the method, as is no list. */
  readonly clippingNorms?: readonly (number | null)[];
  /** Numbers of users to train on; null is all of them, as is no list. */
  readonly cohorts?: readonly (number | null)[];
  readonly delta: number;
  /** Splits, each with its own noise: the spread of the results is over both. */
  readonly repeats: number;
  /** Repeat r splits by seed + r; the seed fixes splits only, never noise. */
  readonly seed: number;
  /** Share of the users who are measured on and not trained on, in (0, 1). */
  readonly testFraction: number;
  /** Below this number of training users nothing is trained. */
  readonly minimumCohort: number;
  /** True draws the noise from the seed too: for tests, never for real releases. Default: false. */
  readonly insecureNoise?: boolean;
}

/** One training of a sweep. */
export interface SweepCell {
  /** Unique in the grid; also the name under which a finished cell is found again. */
  readonly id: string;
  readonly method: TagTrainingMethod;
  /** What distinguishes it besides epsilon and repeat, in words; the method alone where nothing else does. */
  readonly setting: string;
  readonly epsilon: number;
  /** Null: what epsilon and delta need. */
  readonly noiseMultiplier: number | null;
  /** Null: what suits the method. */
  readonly rounds: number | null;
  readonly clippingNorm: number | null;
  /** Null: all users that are not measured on. */
  readonly cohort: number | null;
  /** Counted from 0. */
  readonly repeat: number;
}

/** What came of one training. */
export interface SweepCellResult {
  readonly cell: SweepCell;
  /** The method that was run: the same as asked, or what `auto` chose. */
  readonly ranMethod: string;
  readonly trainingUsers: number;
  readonly evaluationUsers: number;
  readonly metrics: TaskMetrics;
  readonly popularity: TaskMetrics;
  readonly ownHistory: TaskMetrics;
  /** Quality after each round; only of the first repeat. */
  readonly rounds: readonly SweepRound[];
  /** What a release of the model would claim; only of the first repeat. */
  readonly statement: PrivacyStatement | null;
  readonly seconds: number;
}

/** One point of a learning curve. */
export interface SweepRound {
  readonly round: number;
  readonly quality: TaskMetrics | null;
  readonly signalToNoise: number | null;
}

/** Options of {@link sweep}. */
export interface SweepOptions {
  /** Results of an earlier run of the same grid on the same data: their cells are not run again. */
  readonly finished?: readonly SweepCellResult[];
  /** Called after each cell, and waited for: write it down here and the sweep can be continued. */
  readonly onCell?: (result: SweepCellResult, done: number, total: number) => void | Promise<void>;
  /** Runs one cell; default: here, one after the other. Elsewhere: worker threads, other machines. */
  readonly runCell?: (cell: SweepCell) => Promise<SweepCellResult>;
  /** Number of cells at a time. Default: 1. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/**
 * All cells of a grid. Non-private ones come first: where a grid cannot work at all, that shows at once.
 *
 * @throws RangeError for a list that is empty or holds the same twice, and for numbers out of range
 */
export function sweepCells(grid: SweepGrid): SweepCell[] {
  checkGrid(grid);
  const { methods, rounds = [null], clippingNorms = [null], cohorts = [null] } = grid;
  const settings = methods.flatMap((method) =>
    // Rounds mean nothing to methods that have one.
    (method === 'one-shot' || method === 'popularity' ? [null] : rounds).flatMap((count) =>
      clippingNorms.flatMap((clippingNorm) =>
        cohorts.map((cohort) => ({
          method,
          setting: settingName(method, count, clippingNorm, cohort),
          rounds: count,
          clippingNorm,
          cohort,
        })),
      ),
    ),
  );
  return pricesOf(grid).flatMap((price) =>
    settings.flatMap((setting) =>
      Array.from({ length: grid.repeats }, (_, repeat) => ({
        id: `${setting.setting}/${price.noiseMultiplier === null ? '' : 'noise '}${price.noiseMultiplier ?? price.epsilon}/${repeat}`,
        ...setting,
        ...price,
        repeat,
      })),
    ),
  );
}

function settingName(
  method: string,
  rounds: number | null,
  clippingNorm: number | null,
  cohort: number | null,
): string {
  return [
    method,
    ...(rounds === null ? [] : [`${rounds} rounds`]),
    ...(clippingNorm === null ? [] : [`clip ${clippingNorm}`]),
    ...(cohort === null ? [] : [`${cohort} users`]),
  ].join(', ');
}

/** What privacy costs in each column of the grid, from least to most privacy. */
function pricesOf({
  epsilons,
  noiseMultipliers = [],
  delta,
}: SweepGrid): Pick<SweepCell, 'epsilon' | 'noiseMultiplier'>[] {
  const given = epsilons.map((epsilon) => ({ epsilon, noiseMultiplier: null }));
  const derived = noiseMultipliers.map((noiseMultiplier) => ({
    epsilon: epsilonOfPlan(roundPlan(noiseMultiplier, 'zero-out-one-user'), delta, 'gdp').upper,
    noiseMultiplier,
  }));
  return [...given, ...derived].sort((a, b) =>
    a.epsilon === b.epsilon ? 0 : b.epsilon - a.epsilon,
  );
}

/**
 * Utility against epsilon: trains every cell of a grid on data that is declared public and measures it on
 * users it was not trained on.
 *
 * ## Privacy
 * A simulation: nobody is charged. On people's data every cell would cost its epsilon; choosing the best of
 * them by its result costs too.
 *
 * @returns results in the order of {@link sweepCells}, whatever the order they were finished in
 * @throws {VelaturaError} `core/aborted`; as `runTagTraining`
 */
export async function sweep(
  experiment: TagExperiment,
  grid: SweepGrid,
  options: SweepOptions = {},
): Promise<SweepCellResult[]> {
  const cells = sweepCells(grid);
  const results = new Map<string, SweepCellResult>();
  for (const result of options.finished ?? []) results.set(result.cell.id, result);
  const open = cells.filter(({ id }) => !results.has(id));
  const runCell =
    options.runCell ?? ((cell) => runSweepCell(experiment, grid, cell, options.signal));
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      throwIfAborted(options.signal);
      const cell = open[next++];
      if (cell === undefined) return;
      const result = await runCell(cell);
      results.set(cell.id, result);
      await options.onCell?.(result, results.size, cells.length);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 1 }, lane));
  return cells.map(({ id }) => results.get(id) as SweepCellResult);
}

/** Runs one cell of a grid, in this thread. Depends on nothing but its arguments and, for its noise, on chance. */
export async function runSweepCell(
  experiment: TagExperiment,
  grid: SweepGrid,
  cell: SweepCell,
  signal?: AbortSignal,
): Promise<SweepCellResult> {
  const started = performance.now();
  const seed = grid.seed + cell.repeat;
  const split = splitUsers(experiment.table.users.length, grid.testFraction, seed);
  const trainingRows = split.trainingRows.slice(0, cell.cohort ?? undefined);
  const run = await runTagTraining(
    {
      scene: 'simulation',
      relation: 'zero-out-one-user',
      secureSum: new PlainSum(),
      random:
        grid.insecureNoise === true
          ? new SeededRandom(`${seed}/noise/${cell.id}`)
          : new SecureRandom(),
      budget: null,
      minimumCohort: grid.minimumCohort,
      ...(signal === undefined ? {} : { signal }),
    },
    experiment,
    { ...split, trainingRows },
    {
      runId: cell.id,
      method: cell.method,
      epsilon: cell.epsilon,
      delta: grid.delta,
      watchRounds: cell.repeat === 0,
      ...(cell.noiseMultiplier === null ? {} : { noiseMultiplier: cell.noiseMultiplier }),
      ...(cell.rounds === null ? {} : { rounds: cell.rounds }),
      ...(cell.clippingNorm === null ? {} : { clippingNorm: cell.clippingNorm }),
    },
  );
  if (run.kind === 'refused') throw new TypeError('a run without budget cannot be refused');
  return {
    cell,
    ranMethod: run.method,
    trainingUsers: trainingRows.length,
    evaluationUsers: split.evaluationRows.length,
    metrics: run.metrics,
    popularity: run.baselines.popularity,
    ownHistory: run.baselines.ownHistory,
    rounds:
      cell.repeat === 0
        ? run.rounds.map(({ round, quality, metrics }) => ({
            round,
            quality,
            signalToNoise: Number.isFinite(metrics.signalToNoise) ? metrics.signalToNoise : null,
          }))
        : [],
    statement: cell.repeat === 0 ? run.model.statement : null,
    seconds: (performance.now() - started) / 1000,
  };
}

/**
 * Divides users by a seed: the first of a random order are trained on, the rest measured on.
 *
 * @param testFraction - in [0, 1)
 */
export function splitUsers(users: number, testFraction: number, seed: number): TagSplit {
  const order = new SeededRandom(seed).permutation(users);
  const training = Math.round((1 - testFraction) * users);
  return { trainingRows: order.slice(0, training), evaluationRows: order.slice(training) };
}

function checkGrid(grid: SweepGrid): void {
  const { methods, epsilons, noiseMultipliers = [], repeats, seed, testFraction } = grid;
  const { rounds = [null], clippingNorms = [null], cohorts = [null] } = grid;
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;
  const isPositive = (value: number): boolean => value > 0 && value < Infinity;
  requireDistinct('methods', methods, () => true);
  requireDistinct('epsilons', [...epsilons, ...noiseMultipliers.map((n) => `noise ${n}`)], (one) =>
    typeof one === 'string' ? true : one > 0,
  );
  requireDistinct(
    'noiseMultipliers',
    [null, ...noiseMultipliers],
    (n) => n === null || isPositive(n),
  );
  requireDistinct('rounds', rounds, (n) => n === null || isCount(n));
  requireDistinct('clippingNorms', clippingNorms, (n) => n === null || isPositive(n));
  requireDistinct('cohorts', cohorts, (n) => n === null || isCount(n));
  if (!isCount(repeats)) {
    throw new RangeError(`"repeats" expected a positive integer, got ${repeats}`);
  }
  if (!Number.isSafeInteger(seed)) throw new RangeError(`"seed" expected an integer, got ${seed}`);
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new RangeError(`"testFraction" expected a number in (0, 1), got ${testFraction}`);
  }
}

function requireDistinct<T>(name: string, values: readonly T[], test: (value: T) => boolean): void {
  if (values.length === 0 || new Set(values).size !== values.length || !values.every(test)) {
    throw new RangeError(`"${name}" expected distinct values in range, at least one`);
  }
}
