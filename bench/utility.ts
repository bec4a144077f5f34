import { SecureRandom } from '../src/core/secure-random.ts';
import { muOfEpsilon } from '../src/dp/accounting/index.ts';
import {
  areaUnderCurve,
  constantWeight,
  designRows,
  labelNormBound,
  learningStrength,
  ownHistoryScores,
  PlainSum,
  type RoundEnvironment,
  rankingMetrics,
  releasePopularity,
  scoreTags,
  selectRows,
  simulatedClients,
  type TagTable,
  type TagTrainingMethod,
  trainTagModel,
} from '../src/federated/index.ts';
import { type BenchRow, type BenchSuite, row } from './suite.ts';
import {
  EVALUATION_SPLITS,
  loadAdult,
  loadMovieTweetings,
  loadMsweb,
  loadOnlineRetail,
  loadOnlineShoppers,
  splitUsers,
  tagTable,
  type UtilityTask,
} from './tasks/index.ts';

const EPSILONS = [0.25, 0.5, 1, 2, 4, 8, Infinity] as const;
/** Logit units a unit of own past: half of what the strongest habits would need. */
const PERSISTENCE = 4;

/** What one run trains, or counts. */
type Contender = TagTrainingMethod | 'own history + popularity' | 'auto without prior';

/** One task with what recorded prototypes reached on the same protocol, by epsilon as above. */
interface Entry {
  readonly task: UtilityTask;
  readonly contenders: readonly Contender[];
  /** One policy at every epsilon, and tuned for each. */
  readonly recorded: readonly number[];
  readonly tuned: readonly number[];
}

function entries(log: (line: string) => void): readonly Entry[] {
  const shared = ['auto', 'auto without prior', 'one-shot', 'fedavg', 'popularity'] as const;
  const all: readonly (Omit<Entry, 'task'> & { readonly task: UtilityTask | null })[] = [
    {
      task: loadOnlineRetail('share+smooth'),
      contenders: [...shared, 'own history + popularity'],
      recorded: [0.594, 0.601, 0.603, 0.603, 0.605, 0.605, 0.605],
      tuned: [0.596, 0.598, 0.599, 0.603, 0.605, 0.606, 0.611],
    },
    {
      task: loadMsweb('unit', log),
      contenders: ['auto', 'popularity'],
      recorded: [0.338, 0.348, 0.354, 0.361, 0.362, 0.364, 0.365],
      tuned: [0.338, 0.348, 0.356, 0.36, 0.362, 0.364, 0.365],
    },
    {
      task: loadMovieTweetings('share', log),
      contenders: ['auto', 'auto without prior', 'popularity', 'own history + popularity'],
      recorded: [0.575, 0.575, 0.574, 0.575, 0.576, 0.576, 0.576],
      tuned: [0.576, 0.575, 0.578, 0.582, 0.583, 0.585, 0.586],
    },
    {
      task: loadOnlineShoppers('num', log),
      contenders: ['auto'],
      recorded: [0.904, 0.909, 0.912, 0.915, 0.916, 0.917, 0.917],
      tuned: [0.909, 0.914, 0.921, 0.924, 0.927, 0.928, 0.931],
    },
    {
      task: loadAdult('one-hots', log),
      contenders: ['auto'],
      recorded: [0.901, 0.905, 0.908, 0.909, 0.909, 0.909, 0.91],
      tuned: [0.902, 0.907, 0.909, 0.91, 0.911, 0.911, 0.911],
    },
  ];
  return all.flatMap(({ task, ...rest }) => (task === null ? [] : [{ task, ...rest }]));
}

/**
 * Utility against epsilon on five tasks: 6 splits (75/25), every release paid for under add-or-remove-one-user,
 * one policy for all. Mean over splits and draws of noise, and the deviation of the split means. Popularity of
 * a task with one label is no ranking: its area under the curve is a half.
 */
export const utility: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  for (const entry of entries(log)) {
    for (const contender of entry.contenders) {
      for (const [at, epsilon] of EPSILONS.entries()) {
        rows.push(await measure(entry, contender, epsilon, at, log));
      }
    }
  }
  return rows;
};

async function measure(
  { task, recorded, tuned }: Entry,
  contender: Contender,
  epsilon: number,
  at: number,
  log: (line: string) => void,
): Promise<BenchRow> {
  const table = tagTable(task);
  const means: number[] = [];
  for (const split of EVALUATION_SPLITS) {
    means.push(await splitMean(task, table, contender, epsilon, split));
  }
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  const sd = Math.sqrt(means.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (means.length - 1));
  const metric = task.metric === 'auc' ? 'AUC' : 'P@3';
  const shown = epsilon === Infinity ? 'inf (non-private)' : epsilon;
  const name = `${task.name} ${metric}, ${contender}, epsilon ${shown}`;
  const note = `sd of split means ${sd.toFixed(4)}`;
  const unit = task.metric === 'auc' ? 'AUC' : 'precision@3';
  if (contender !== 'auto') {
    log(`${name}: ${mean.toFixed(4)} (${note})`);
    return row(name, mean, unit, null, { note });
  }
  const best = `tuned for each epsilon ${tuned[at]}`;
  log(`${name}: ${mean.toFixed(4)} (${note}; recorded ${recorded[at]}, ${best})`);
  return row(name, mean, unit, recorded[at] as number, {
    note: `${note}; recorded: ${best}`,
    recorded: 'prototype with one policy on the same protocol',
  });
}

async function splitMean(
  task: UtilityTask,
  table: TagTable,
  contender: Contender,
  epsilon: number,
  split: number,
): Promise<number> {
  const { train, test } = splitUsers(table.users.length, split);
  const truth = selectRows(table.labels, table.tags.length, test);
  // Without noise there is nothing to draw again; with many users draws hardly differ.
  const draws = epsilon === Infinity || train.length > 4000 ? 1 : 2;
  let sum = 0;
  for (let draw = 0; draw < draws; draw++) {
    const scores = await scoresOf(task, table, contender, epsilon, train, test);
    sum +=
      task.metric === 'auc'
        ? areaUnderCurve(scores, truth)
        : rankingMetrics(scores, truth, table.tags.length).precisionAt3;
  }
  return sum / draws;
}

async function scoresOf(
  task: UtilityTask,
  table: TagTable,
  contender: Contender,
  epsilon: number,
  train: Uint32Array,
  test: Uint32Array,
): Promise<Float32Array> {
  const delta = Math.min(1e-5, train.length ** -1.1);
  const noiseMultiplier = epsilon === Infinity ? 0 : 1 / muOfEpsilon(epsilon, delta);
  const relation = 'add-or-remove-one-user';
  const environment: RoundEnvironment = {
    scene: 'bench',
    relation,
    secureSum: new PlainSum(),
    random: new SecureRandom(),
    budget: null,
    minimumCohort: 1,
  };
  // A round public number, not the size of the training set.
  const population = Number(train.length.toPrecision(2));
  const { labelDensity } = task;
  const persistence = task.sharedTags && contender !== 'auto without prior' ? PERSISTENCE : 0;
  const strength = learningStrength(population, noiseMultiplier, relation);
  const beta = constantWeight(strength, persistence);
  const clients = simulatedClients(table, train, beta);
  if (contender === 'own history + popularity') {
    const outcome = await releasePopularity(environment, clients, {
      roundId: 'popularity',
      outputDimension: table.tags.length,
      labelDensity,
      labelClip: labelNormBound(table.tags.length, labelDensity),
      noiseMultiplier,
      normaliser: population,
    });
    if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
    const history = selectRows(table.history, table.tags.length, test);
    return ownHistoryScores(history, outcome.popularity, task.historyWeight);
  }
  const outcome = await trainTagModel(
    environment,
    {
      tags: table.tags,
      features: ['(constant)', ...task.features],
      prior: { beta, labelDensity, persistence },
      population,
    },
    clients,
    {
      runId: 'bench',
      method: contender === 'auto without prior' ? 'auto' : contender,
      noiseMultiplier,
      delta,
    },
  );
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
  return scoreTags(outcome.model, designRows(table, test, beta));
}
