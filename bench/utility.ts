import { SecureRandom } from '../src/core/secure-random.ts';
import { SeededRandom } from '../src/core/seeded-random.ts';
import { muOfEpsilon } from '../src/dp/accounting/index.ts';
import {
  designRows,
  labelNormBound,
  ownHistoryScores,
  PlainSum,
  popularityScores,
  type RoundEnvironment,
  rankingMetrics,
  releasePopularity,
  scoreTags,
  selectRows,
  simulatedClients,
  type TagTable,
  type TagTask,
  trainTagModel,
} from '../src/federated/index.ts';
import { readRetailProfiles } from '../src/node/online-retail.ts';
import { smoothedShare, sqrtShare, unitNorm } from '../src/profile/index.ts';
import { type BenchRow, type BenchSuite, row } from './suite.ts';

const EPSILONS = [0.25, 0.5, 1, 2, 4, 8, Infinity] as const;
const SPLITS = [0, 1, 2, 3, 4, 5] as const;
const DRAWS = 3;
const METHODS = [
  'federated rounds from the prior',
  'one-shot from the prior',
  'one-shot without prior',
  'popularity',
  'own history + popularity',
] as const;
type Method = (typeof METHODS)[number];

/** On the square root of the smoothed share. */
const HISTORY_WEIGHT = 2;
const PRIOR = { beta: 0.3, labelDensity: 0.25, persistence: 6 } as const;

/** Precision@3 of earlier prototypes on the same protocol, for orientation. */
const REFERENCE: Partial<Record<Method, Partial<Record<number, number>>>> = {
  'federated rounds from the prior': { 1: 0.603 },
  'one-shot without prior': { 1: 0.557 },
};

/** Shares of the own past, by the fixed smoothed map; nothing here looks at other users. */
function onlineRetail(): TagTable {
  const { users, tags, counts, labels } = readRetailProfiles();
  const width = tags.length;
  const phi = new Float32Array(counts.length);
  const history = new Float32Array(counts.length);
  for (let user = 0; user < users.length; user++) {
    const own = counts.subarray(user * width, (user + 1) * width);
    phi.set(unitNorm(smoothedShare(own)), user * width);
    history.set(sqrtShare(own), user * width);
  }
  return { users, tags, phi, history, labels };
}

/**
 * Utility against epsilon on Online Retail: 6 splits (75/25) × 3 noise draws, every release paid for under
 * add-or-remove-one-user, precision@3 of 15 tags over all test users. Mean over splits and draws, and the
 * deviation of the split means.
 */
export const utility: BenchSuite = async (log) => {
  const table = onlineRetail();
  const rows: BenchRow[] = [];
  for (const method of METHODS) {
    for (const epsilon of EPSILONS) {
      const means: number[] = [];
      for (const split of SPLITS) means.push(await splitMean(table, method, epsilon, split));
      const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
      const sd = Math.sqrt(means.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (means.length - 1));
      const name = `online-retail P@3, ${method}, epsilon ${epsilon === Infinity ? 'inf (non-private)' : epsilon}`;
      log(`${name}: ${mean.toFixed(4)} (sd of splits ${sd.toFixed(4)})`);
      const reference = REFERENCE[method]?.[epsilon] ?? null;
      rows.push(
        row(name, mean, 'precision@3', reference, {
          note: `sd of split means ${sd.toFixed(4)}`,
          ...(reference === null ? {} : { recorded: 'prototype on the same protocol' }),
        }),
      );
    }
  }
  return rows;
};

async function splitMean(
  table: TagTable,
  method: Method,
  epsilon: number,
  split: number,
): Promise<number> {
  const n = table.users.length;
  const order = new SeededRandom(1000 + split).permutation(n);
  const trainRows = order.subarray(0, Math.round(0.75 * n));
  const testRows = order.subarray(Math.round(0.75 * n));
  // Without noise there is nothing to draw again.
  const draws = epsilon === Infinity ? 1 : DRAWS;
  let sum = 0;
  for (let draw = 0; draw < draws; draw++) {
    const scores = await methodScores(table, method, epsilon, trainRows, testRows);
    const truth = selectRows(table.labels, table.tags.length, testRows);
    sum += rankingMetrics(scores, truth, table.tags.length).precisionAt3;
  }
  return sum / draws;
}

async function methodScores(
  table: TagTable,
  method: Method,
  epsilon: number,
  trainRows: Uint32Array,
  testRows: Uint32Array,
): Promise<Float32Array> {
  const delta = Math.min(1e-5, trainRows.length ** -1.1);
  const noiseMultiplier = epsilon === Infinity ? 0 : 1 / muOfEpsilon(epsilon, delta);
  const prior = method === 'one-shot without prior' ? { ...PRIOR, persistence: 0 } : PRIOR;
  const environment: RoundEnvironment = {
    scene: 'bench',
    relation: 'add-or-remove-one-user',
    secureSum: new PlainSum(),
    random: new SecureRandom(),
    budget: null,
    minimumCohort: 1,
  };
  const clients = simulatedClients(table, trainRows, prior.beta);
  // A round public number, not the size of the training set.
  const population = 1500;
  if (method === 'popularity' || method === 'own history + popularity') {
    const outcome = await releasePopularity(environment, clients, {
      roundId: 'popularity',
      outputDimension: table.tags.length,
      labelDensity: prior.labelDensity,
      labelClip: labelNormBound(table.tags.length, prior.labelDensity),
      noiseMultiplier,
      normaliser: population,
    });
    if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
    if (method === 'popularity') return popularityScores(outcome.popularity, testRows.length);
    return ownHistoryScores(
      selectRows(table.history, table.tags.length, testRows),
      outcome.popularity,
      HISTORY_WEIGHT,
    );
  }
  const task: TagTask = {
    tags: table.tags,
    features: ['(constant)', ...table.tags],
    prior,
    population,
  };
  const outcome = await trainTagModel(environment, task, clients, {
    runId: 'bench',
    method: method === 'federated rounds from the prior' ? 'fedavg' : 'one-shot',
    noiseMultiplier,
    delta,
  });
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
  return scoreTags(outcome.model, designRows(table, testRows, prior.beta));
}
