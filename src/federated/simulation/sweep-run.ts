import { calibrateGaussian, epsilonOfPlan } from '../../dp/accounting/index.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import { divideGaussian } from '../../dp/divide-gaussian.ts';
import type { DpEvent } from '../../dp/event.ts';
import type { Plan } from '../../dp/plan.ts';
import { ownHistoryScores, popularityScores, releasePopularity } from '../evaluation/popularity.ts';
import {
  chooseMethod,
  constantWeight,
  learningStrength,
  type TagTrainingMethod,
} from '../methods/choose-method.ts';
import type { TagTaskPrior } from '../methods/feature-design.ts';
import {
  labelNormBound,
  type TagTask,
  type TrainingState,
  tagTrainingPlan,
  trainTagModel,
} from '../methods/train-tag-model.ts';
import { scoreTags, type TagModel, type TagScorer } from '../models/tag-model.ts';
import { type RoundEnvironment, type RoundMetrics, roundPlan } from '../rounds/private-round.ts';
import { type TaskMetrics, taskMetrics } from './sweep-metrics.ts';
import { designRows, selectRows, simulatedClients, type TagTable } from './tag-table.ts';

/** Data to try a training on, and what is public about it. */
export interface TagExperiment {
  readonly table: TagTable;
  /** Names of the columns of `table.phi`, without the constant. */
  readonly features: readonly string[];
  /** Public facts; the weight of the constant feature follows from the noise. */
  readonly prior: Omit<TagTaskPrior, 'beta'>;
  /** True when `table.history` holds the own past of every tag. */
  readonly hasHistory: boolean;
}

/** Who is trained on and who is measured on: rows of the table. */
export interface TagSplit {
  readonly trainingRows: Uint32Array;
  /** Users declared public for evaluation: reading them is not charged. May be empty. */
  readonly evaluationRows: Uint32Array;
}

/** What a run is to do. Every number is a public constant. */
export interface TagRunSettings {
  /** Names the rounds in a budget. */
  readonly runId: string;
  readonly method: TagTrainingMethod;
  /** Of everything that is released, popularity included; Infinity is non-private. */
  readonly epsilon: number;
  readonly delta: number;
  /** Of all, as if it were one Gaussian release; default: what epsilon and delta need. */
  readonly noiseMultiplier?: number;
  /** Default: what suits the method. */
  readonly rounds?: number;
  /** Bound on the norm of one user's update. Default: what suits the labels. */
  readonly clippingNorm?: number;
  /** Public size of the population; default: number of training rows. */
  readonly population?: number;
  /**
   * False leaves the popularity and the baselines made of it out: one release less, where a quota has no room
   * for it. Default: true.
   */
  readonly baselines?: boolean;
  /** True also measures the model after each round. Default: false. */
  readonly watchRounds?: boolean;
  /** Goes on from there, with the same experiment, split and settings. */
  readonly resume?: TagRunState;
  /** Called after each release, and waited for. */
  readonly onRelease?: (state: TagRunState) => void | Promise<void>;
}

/** Where a run stands: what it has released, which is as public as its model. */
export interface TagRunState {
  /** Null before its release, and where there is none. `[tags]` */
  readonly popularity: Float32Array | null;
  /** Null before the first round. */
  readonly training: TrainingState | null;
}

/** One round as a watcher sees it. */
export interface WatchedRound {
  /** Counted from 1. */
  readonly round: number;
  readonly metrics: RoundMetrics;
  /** Quality on the evaluation rows; null when rounds are not watched. */
  readonly quality: TaskMetrics | null;
}

/** Baselines that every model must be held against; metrics are null where there is no such baseline. */
export interface TagBaselines {
  readonly popularity: TaskMetrics;
  /** Own history plus popularity. */
  readonly ownHistory: TaskMetrics;
}

/** What came of a run. */
export interface TrainedRun {
  readonly kind: 'trained';
  /** What was done; never `auto`. */
  readonly method: Exclude<TagTrainingMethod, 'auto'>;
  readonly model: TagModel;
  /** Of all releases together. */
  readonly plan: Plan;
  /** At the delta of the settings; Infinity is non-private. */
  readonly epsilonSpent: number;
  readonly metrics: TaskMetrics;
  readonly baselines: TagBaselines;
  readonly rounds: readonly WatchedRound[];
}

/** A run, or why the budget refused it. */
export type TagRun = TrainedRun | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Of the whole µ², what the popularity costs where there are several tags to rank. */
const POPULARITY_SHARE = 0.1;
/** How much a unit of the root of the own share counts against popularity; see docs/training.md. */
const HISTORY_WEIGHT = 2;

/**
 * Trains once and measures: popularity and model share the epsilon, so that all that comes out together costs
 * what was asked.
 *
 * ## Privacy
 * Unit: user. The training rows are charged to the budget of the environment, or nobody where it is null,
 * which is for data declared public. Evaluation rows are declared public and never charged.
 *
 * @throws {VelaturaError} as `trainTagModel` and `calibrateGaussian`
 */
export async function runTagTraining(
  environment: RoundEnvironment,
  experiment: TagExperiment,
  split: TagSplit,
  settings: TagRunSettings,
): Promise<TagRun> {
  const { tags } = experiment.table;
  const population = settings.population ?? split.trainingRows.length;
  const course = courseOf(environment, experiment, settings, population);
  const { task, method, noise } = course;
  const { beta } = task.prior;
  const clients = simulatedClients(experiment.table, split.trainingRows, beta);
  const judge = new Judge(experiment, split.evaluationRows, beta);

  let popularity = settings.resume?.popularity ?? null;
  const resumed = settings.resume?.training ?? null;
  if (noise.popularity !== null && popularity === null) {
    const released = await releasePopularity(environment, clients, {
      roundId: `${settings.runId}/baseline`,
      outputDimension: tags.length,
      labelDensity: task.prior.labelDensity,
      labelClip: labelNormBound(tags.length, task.prior.labelDensity),
      noiseMultiplier: noise.popularity,
      normaliser: population,
    });
    if (released.kind === 'refused') return released;
    popularity = released.popularity;
    await settings.onRelease?.({ popularity, training: null });
  }

  const watched: WatchedRound[] = [];
  const outcome = await trainTagModel(environment, task, clients, {
    runId: settings.runId,
    method,
    noiseMultiplier: noise.model,
    delta: settings.delta,
    ...tuningOf(settings),
    ...(resumed === null ? {} : { resume: resumed }),
    onRound: async ({ round, metrics, parameters, state }) => {
      const quality =
        settings.watchRounds === true ? judge.measure(roundScorer(task, parameters)) : null;
      watched.push({ round, metrics, quality });
      await settings.onRelease?.({ popularity, training: state });
    },
  });
  if (outcome.kind === 'refused') return outcome;

  const metrics = judge.measure(outcome.model);
  if (watched.length === 0) {
    const last = outcome.rounds.length - 1;
    outcome.rounds.forEach((round, i) => {
      watched.push({ round: i + 1, metrics: round, quality: i === last ? metrics : null });
    });
  }
  const plan = planOf(environment, course, settings);
  return {
    kind: 'trained',
    method: outcome.method,
    model: outcome.model,
    plan,
    epsilonSpent: noise.model === 0 ? Infinity : epsilonOfPlan(plan, settings.delta, 'gdp').upper,
    metrics,
    baselines: judge.baselines(method === 'popularity' ? outcome.model.offsets : popularity),
    rounds: watched,
  };
}

/** What a run will cost each of its users, before anything is charged. */
export function tagRunPlan(
  environment: Pick<RoundEnvironment, 'relation'>,
  experiment: TagExperiment,
  settings: TagRunCosts,
  population: number,
): Plan {
  return planOf(environment, courseOf(environment, experiment, settings, population), settings);
}

/** What decides the cost of a run. */
export type TagRunCosts = Pick<
  TagRunSettings,
  'method' | 'epsilon' | 'delta' | 'noiseMultiplier' | 'rounds' | 'baselines'
>;

/** A run with everything decided that public facts decide. */
interface Course {
  readonly method: Exclude<TagTrainingMethod, 'auto'>;
  readonly task: TagTask;
  /** Of the two releases; popularity is null where it is not wanted, says nothing or is the model itself. */
  readonly noise: { readonly popularity: number | null; readonly model: number };
}

function courseOf(
  { relation }: Pick<RoundEnvironment, 'relation'>,
  { table, features, prior }: TagExperiment,
  settings: TagRunCosts,
  population: number,
): Course {
  const { epsilon, delta } = settings;
  const whole =
    settings.noiseMultiplier ?? (epsilon === Infinity ? 0 : calibrateGaussian({ epsilon, delta }));
  const strength = learningStrength(population, whole, relation);
  const task: TagTask = {
    tags: table.tags,
    features: ['(constant)', ...features],
    prior: { ...prior, beta: constantWeight(strength, prior.persistence) },
    population,
  };
  const method = chooseMethod(settings.method, task, whole, relation);
  if (table.tags.length === 1 || settings.baselines === false || method === 'popularity') {
    return { method, task, noise: { popularity: null, model: whole } };
  }
  const [popularity, model] = divideGaussian(whole, [POPULARITY_SHARE, 1 - POPULARITY_SHARE]);
  return {
    method,
    task,
    noise: { popularity: popularity as number, model: model as number },
  };
}

function planOf(
  environment: Pick<RoundEnvironment, 'relation'>,
  { method, task, noise }: Course,
  settings: Pick<TagRunSettings, 'rounds'>,
): Plan {
  const model = tagTrainingPlan(environment, task, {
    method,
    noiseMultiplier: noise.model,
    ...(settings.rounds === undefined ? {} : { rounds: settings.rounds }),
  });
  if (noise.popularity === null || noise.popularity === 0) return model;
  const events: DpEvent[] = [roundPlan(noise.popularity, environment.relation).event, model.event];
  return { ...model, event: { kind: 'composed', events } };
}

function tuningOf({
  rounds,
  clippingNorm,
}: TagRunSettings): Pick<TagRunSettings, 'rounds' | 'clippingNorm'> {
  return {
    ...(rounds === undefined ? {} : { rounds }),
    ...(clippingNorm === undefined ? {} : { clippingNorm }),
  };
}

/** A bare logistic model around the parameters of a round, for scoring only. */
function roundScorer({ tags, features }: TagTask, weights: Float32Array): TagScorer {
  return { kind: 'logistic', tags, features, weights, offsets: new Float32Array(tags.length) };
}

/** Measures on the evaluation rows. */
class Judge {
  readonly #experiment: TagExperiment;
  readonly #rows: Uint32Array;
  readonly #design: Float32Array;
  readonly #labels: Float32Array;

  constructor(experiment: TagExperiment, rows: Uint32Array, beta: number) {
    const { table } = experiment;
    this.#experiment = experiment;
    this.#rows = rows;
    this.#design = designRows(table, rows, beta);
    this.#labels = selectRows(table.labels, table.tags.length, rows);
  }

  measure(model: TagScorer): TaskMetrics {
    return this.#judge(scoreTags(model, this.#design));
  }

  /** @param popularity - null where none was released; with one tag all users are equally likely then */
  baselines(popularity: Float32Array | null): TagBaselines {
    const { table, hasHistory } = this.#experiment;
    const tags = table.tags.length;
    const unknown = taskMetrics(new Float32Array(), new Float32Array(), tags);
    const known = popularity ?? (tags === 1 ? new Float32Array(1) : null);
    if (known === null) return { popularity: unknown, ownHistory: unknown };
    const history = selectRows(table.history, tags, this.#rows);
    return {
      popularity: this.#judge(popularityScores(known, this.#rows.length)),
      ownHistory: hasHistory
        ? this.#judge(ownHistoryScores(history, known, HISTORY_WEIGHT))
        : unknown,
    };
  }

  #judge(scores: Float32Array): TaskMetrics {
    return taskMetrics(scores, this.#labels, this.#experiment.table.tags.length);
  }
}
