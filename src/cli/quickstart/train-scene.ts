import type { DpEvent, Plan, PrivacyBudgetAccountant } from '../../dp/index.ts';
import { describeStatement } from '../../dp/index.ts';
import {
  designRows,
  type FederatedClient,
  labelNormBound,
  ownHistoryScores,
  popularityScores,
  type RankingMetrics,
  type RoundEnvironment,
  rankingMetrics,
  releasePopularity,
  SecAggSum,
  scoreTags,
  selectRows,
  simulatedClients,
  type TagModel,
  type TagScorer,
  type TagTable,
  type TagTask,
  type TagTrainingOptions,
  tagTrainingPlan,
  trainTagModel,
} from '../../federated/index.ts';
import { NodeSecAggCrypto } from '../../node/index.ts';
import type { ReleasedPopularity } from './own-device.ts';
import {
  CLIPPING_FLAG_WEIGHT,
  COLLUDING_SHARE,
  DELTA,
  HISTORY_WEIGHT,
  ROUNDS,
  TASK_PRIOR,
} from './policy.ts';
import type { RoundReport, SceneResult } from './result.ts';
import { honestSurvivors, roundNoise, type SceneNoise, sceneNoise } from './scene-noise.ts';

/** A scene's data and how it is to be trained. */
export interface SceneTraining {
  readonly scene: string;
  readonly method: 'fedavg' | 'one-shot';
  readonly table: TagTable;
  readonly enrolledRows: Uint32Array;
  readonly evaluationRows: Uint32Array;
}

/** What a person watching sees, as it happens. */
export interface TrainingWatcher {
  started(scene: string, method: SceneTraining['method'], asked: number): void;
  refused(scene: string, count: number, message: string): void;
  round(scene: string, report: RoundReport): void;
}

export interface TrainedScene {
  readonly result: SceneResult;
  readonly model: TagModel;
  readonly popularity: ReleasedPopularity;
}

/** The task of a scene in public facts: under zero-out-one-user the size of the cohort is one of them. */
export function sceneTask(table: TagTable, population: number): TagTask {
  return {
    tags: table.tags,
    features: ['(constant)', ...table.tags],
    prior: TASK_PRIOR,
    population,
  };
}

/**
 * Trains one scene the way a pipeline would: asks for the whole plan first, leaves out whom the budget
 * refuses, then pays for the popularity baseline and the model release by release.
 *
 * @returns null when the budget refuses so many that too few are left
 */
export async function trainScene(
  training: SceneTraining,
  environment: RoundEnvironment,
  watcher: TrainingWatcher,
): Promise<TrainedScene | { readonly refusedAll: string }> {
  const { scene, method, table, enrolledRows, evaluationRows } = training;
  const { budget } = environment;
  if (budget === null) throw new TypeError('"environment.budget" expected a budget, got null');
  watcher.started(scene, method, enrolledRows.length);

  const noise = sceneNoise();
  const asked = simulatedClients(table, enrolledRows, TASK_PRIOR.beta);
  const wanted = sceneTask(table, enrolledRows.length);
  const admission = await admit(budget, scene, asked, {
    unit: 'user',
    relation: environment.relation,
    event: sceneEvent(environment, wanted, method, noise),
  });
  const clients = admission.clients;
  const refused = asked.length - clients.length;
  if (refused > 0) watcher.refused(scene, refused, admission.message ?? '');
  if (clients.length < environment.minimumCohort) return { refusedAll: admission.message ?? '' };

  const population = clients.length;
  const popularity = await releasePopularity(environment, clients, {
    roundId: `quickstart/${scene}/popularity`,
    outputDimension: table.tags.length,
    labelDensity: TASK_PRIOR.labelDensity,
    labelClip: labelNormBound(table.tags.length, TASK_PRIOR.labelDensity),
    noiseMultiplier: noise.popularity,
    normaliser: population,
  });
  if (popularity.kind === 'refused') return { refusedAll: popularity.refusal.message };

  const evaluate = (model: TagScorer): RankingMetrics =>
    evaluateModel(model, table, evaluationRows);
  const rounds: RoundReport[] = [];
  const finalTask = { ...wanted, population };
  const hidden = method === 'fedavg' ? hiddenRounds(environment, finalTask) : null;
  const outcome = await trainTagModel(hidden?.environment ?? environment, finalTask, clients, {
    runId: `quickstart/${scene}`,
    delta: DELTA,
    ...(hidden?.options ?? { method, noiseMultiplier: noise.upload }),
    onRound: async ({ round, metrics, parameters }) => {
      const { precisionAt3 } = evaluate(roundModel(finalTask, parameters));
      const report: RoundReport = {
        round,
        cohort: metrics.cohort,
        clippedShare: metrics.clippedShare,
        clippedShareStddev: metrics.clippedShareStddev,
        signalToNoise: metrics.signalToNoise,
        epsilonSoFar: (await budget.odometer({ scene })).upper,
        precisionAt3,
      };
      rounds.push(report);
      watcher.round(scene, report);
    },
  });
  if (outcome.kind === 'refused') return { refusedAll: outcome.refusal.message };

  const metrics = evaluate(outcome.model);
  const epsilon = (await budget.odometer({ scene })).upper;
  return {
    model: outcome.model,
    popularity,
    result: {
      scene,
      method,
      asked: asked.length,
      refused,
      refusal: admission.message,
      cohort: population,
      rounds,
      epsilon,
      metrics,
      baselines: {
        ...baselineMetrics(popularity.popularity, table, evaluationRows),
        nonPrivate: await nonPrivateMetrics(training, environment, clients, finalTask),
      },
      statement: describeStatement(outcome.model.statement),
    },
  };
}

/** What a scene is going to cost each of its members. */
function sceneEvent(
  environment: RoundEnvironment,
  task: TagTask,
  method: SceneTraining['method'],
  { popularity, upload }: SceneNoise,
): DpEvent {
  if (method === 'fedavg') return roundNoise(task, task.population).scene;
  const options = { method, noiseMultiplier: upload };
  return {
    kind: 'composed',
    events: [
      { kind: 'gaussian', noiseMultiplier: popularity },
      tagTrainingPlan(environment, task, options).event,
    ],
  };
}

/** Rounds behind SecAgg+: the members add the noise, and the server learns the noisy sum alone. */
function hiddenRounds(
  environment: RoundEnvironment,
  task: TagTask,
): {
  readonly environment: RoundEnvironment;
  readonly options: Pick<
    TagTrainingOptions,
    'method' | 'noiseMultiplier' | 'distributedNoise' | 'rounds' | 'clippingFlagWeight'
  >;
} {
  return {
    environment: {
      ...environment,
      secureSum: new SecAggSum({
        crypto: new NodeSecAggCrypto(),
        corruptShare: COLLUDING_SHARE,
        securityBits: 40,
        consistency: false,
      }),
      minimumCohort: honestSurvivors(task.population),
    },
    options: {
      method: 'fedavg',
      noiseMultiplier: 0,
      distributedNoise: roundNoise(task, task.population).noise,
      rounds: ROUNDS,
      clippingFlagWeight: CLIPPING_FLAG_WEIGHT,
    },
  };
}

/** Metrics of a model on the public evaluation set. */
export function evaluateModel(
  model: TagScorer,
  table: TagTable,
  evaluationRows: Uint32Array,
): RankingMetrics {
  const scores = scoreTags(model, designRows(table, evaluationRows, TASK_PRIOR.beta));
  return rankingMetrics(scores, truth(table, evaluationRows), table.tags.length);
}

/** Metrics of the two baselines, from one paid release. */
export function baselineMetrics(
  popularity: Float32Array,
  table: TagTable,
  evaluationRows: Uint32Array,
): { readonly popularity: RankingMetrics; readonly ownHistory: RankingMetrics } {
  const tags = table.tags.length;
  const labels = truth(table, evaluationRows);
  const history = selectRows(table.history, tags, evaluationRows);
  return {
    popularity: rankingMetrics(popularityScores(popularity, evaluationRows.length), labels, tags),
    ownHistory: rankingMetrics(ownHistoryScores(history, popularity, HISTORY_WEIGHT), labels, tags),
  };
}

function truth(table: TagTable, rows: Uint32Array): Float32Array {
  return selectRows(table.labels, table.tags.length, rows);
}

/** A bare logistic model around the parameters of a round, for scoring only. */
function roundModel(task: TagTask, weights: Float32Array): TagScorer {
  return {
    kind: 'logistic',
    tags: task.tags,
    features: task.features,
    weights,
    offsets: new Float32Array(task.tags.length),
  };
}

/** The same training without noise or budget: labelled non-private wherever it is shown. */
async function nonPrivateMetrics(
  training: SceneTraining,
  environment: RoundEnvironment,
  clients: readonly FederatedClient[],
  task: TagTask,
): Promise<RankingMetrics> {
  const outcome = await trainTagModel({ ...environment, budget: null }, task, clients, {
    runId: `non-private/${training.scene}`,
    method: training.method,
    noiseMultiplier: 0,
    delta: DELTA,
  });
  if (outcome.kind === 'refused') throw new TypeError('a run without budget cannot be refused');
  return evaluateModel(outcome.model, training.table, training.evaluationRows);
}

interface Admission {
  readonly clients: readonly FederatedClient[];
  /** The budget's words about those it refused; null when it refused nobody. */
  readonly message: string | null;
}

/** Asks for the whole plan at once, so that no run dies half-way, and leaves out whom it would overdraw. */
async function admit(
  budget: PrivacyBudgetAccountant,
  scene: string,
  clients: readonly FederatedClient[],
  plan: Plan,
): Promise<Admission> {
  const accounts = clients.map((client) => client.account);
  const affordable = await budget.forecast(scene, accounts, plan);
  if (affordable.every((times) => times > 0)) return { clients, message: null };
  const decision = await budget.reserve({
    scene,
    accounts,
    plan,
    idempotencyKey: `quickstart/${scene}/admission/${crypto.randomUUID()}`,
  });
  if (decision.kind === 'admitted') {
    await budget.release(decision.reservation.id);
    return { clients, message: null };
  }
  const blocked = new Set(decision.refusal.blocked);
  return {
    clients: clients.filter((_, position) => !blocked.has(position)),
    message: decision.refusal.message,
  };
}
