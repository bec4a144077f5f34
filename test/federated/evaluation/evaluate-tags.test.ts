import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  MemoryBudgetStore,
  openBudget,
  type PrivacyBudgetAccountant,
} from '../../../src/dp/index.ts';
import {
  evaluateTags,
  type TagEvaluation,
  type TagEvaluationOptions,
  type TagPredictor,
  tagEvaluationPlan,
} from '../../../src/federated/evaluation/evaluate-tags.ts';
import {
  EvaluationLayout,
  TAG_METRICS,
} from '../../../src/federated/evaluation/evaluation-layout.ts';
import {
  areaUnderCurve,
  type Batch,
  FederatedClient,
  PlainSum,
  predictTags,
  type RoundEnvironment,
  rankingMetrics,
  scoreTags,
  type TagScorer,
} from '../../../src/federated/index.ts';

const USERS = 300;
const TAGS = ['red', 'green', 'blue', 'black'] as const;
const FEATURES = 3;

const environment: RoundEnvironment = {
  scene: 'test',
  relation: 'zero-out-one-user',
  secureSum: new PlainSum(),
  random: new SecureRandom(),
  budget: null,
  minimumCohort: 1,
};

const options: TagEvaluationOptions = {
  roundId: 'evaluation',
  metrics: TAG_METRICS,
  evaluation: 'charged',
  noiseMultiplier: 0,
  delta: 1e-6,
  population: USERS,
  confidence: 0.95,
  labelDensity: 0.3,
};

function scorer(kind: TagScorer['kind']): TagScorer {
  const random = new SeededRandom('evaluate-tags.test model');
  const reach = kind === 'logistic' ? 6 : 1;
  return {
    kind,
    tags: TAGS,
    features: ['one', 'two', 'three'],
    weights: Float32Array.from(
      { length: TAGS.length * FEATURES },
      () => reach * (random.uniform() - 0.5),
    ),
    offsets: new Float32Array(TAGS.length).fill(kind === 'logistic' ? -1 : 0.3),
  };
}

/** Labels follow the scores of the model, with much chance. */
function population(model: TagScorer): { features: Float32Array; labels: Float32Array } {
  const random = new SeededRandom('evaluate-tags.test data');
  const features = Float32Array.from({ length: USERS * FEATURES }, () => random.uniform() - 0.3);
  const labels = predictTags(model, features).map((p) => (random.uniform() < p ? 1 : 0));
  return { features, labels };
}

function clientsOf(features: Float32Array, labels: Float32Array): FederatedClient[] {
  return Array.from(
    { length: features.length / FEATURES },
    (_, user) =>
      new FederatedClient(`user-${user}`, {
        rows: 1,
        features: features.slice(user * FEATURES, (user + 1) * FEATURES),
        labels: labels.slice(user * TAGS.length, (user + 1) * TAGS.length),
      }),
  );
}

async function evaluation(
  model: TagScorer | TagPredictor,
  clients: readonly FederatedClient[],
  change: Partial<TagEvaluationOptions> = {},
  place: RoundEnvironment = environment,
): Promise<TagEvaluation> {
  const outcome = await evaluateTags(place, model, clients, { ...options, ...change });
  if (outcome.kind === 'refused') throw new Error('refused without a budget');
  return outcome.evaluation;
}

describe.each(['logistic', 'linear'] as const)('without noise, a %s model', (kind) => {
  const model = scorer(kind);
  const { features, labels } = population(model);
  const clients = clientsOf(features, labels);
  const exact = rankingMetrics(scoreTags(model, features), labels, TAGS.length);

  /** Mean over users of the mean loss of their tags, at most `bound`. */
  function boundedLoss(bound: number): number {
    const probabilities = predictTags(model, features);
    let sum = 0;
    for (let user = 0; user < USERS; user++) {
      let own = 0;
      for (let at = user * TAGS.length; at < (user + 1) * TAGS.length; at++) {
        const p = probabilities[at] as number;
        own -= Math.log(Math.max(0.01, labels[at] === 1 ? p : 1 - p)) / TAGS.length;
      }
      sum += Math.min(bound, own) / USERS;
    }
    return sum;
  }

  it('has its exact metrics, and an AUC within the bin error', async () => {
    const { metrics, users, aucByTag } = await evaluation(model, clients);
    expect(users).toEqual({ value: USERS, stddev: 0 });
    expect(metrics.precisionAt3?.value).toBeCloseTo(exact.precisionAt3, 5);
    expect(metrics.precisionAt3?.standardError).toBe(0);
    expect(metrics.ndcgAt5?.value).toBeCloseTo(exact.ndcgAt5, 5);
    expect(metrics.logLoss?.value).toBeCloseTo(boundedLoss(1.5), 5);
    const tight = await evaluation(model, clients, { metrics: ['logLoss'], lossBound: 0.5 });
    expect(tight.metrics.logLoss?.value).toBeCloseTo(boundedLoss(0.5), 5);
    expect(boundedLoss(0.5)).toBeLessThan(boundedLoss(1.5) - 0.01);
    const auc = metrics.macroAuc;
    expect(Math.abs((auc?.value as number) - exact.macroAuc)).toBeLessThan(auc?.binError as number);
    expect(auc?.binError).toBeLessThan(0.1);
    expect(aucByTag.map(({ tag }) => tag)).toEqual(TAGS);
  });

  it('has the exact AUC when no bin holds two scores', async () => {
    const scoreEdges = [...new Set(scoreTags(model, features))].sort((a, b) => a - b);
    const { metrics } = await evaluation(model, clients, { metrics: ['macroAuc'], scoreEdges });
    expect(metrics).toHaveProperty('macroAuc');
    expect(metrics).not.toHaveProperty('logLoss');
    expect(metrics.macroAuc?.value).toBeCloseTo(exact.macroAuc, 9);
  });

  it('weighs tags by their pairs', async () => {
    const scores = scoreTags(model, features);
    const scoreEdges = [...new Set(scores)].sort((a, b) => a - b);
    const { metrics } = await evaluation(model, clients, { metrics: ['weightedAuc'], scoreEdges });
    let [won, pairs] = [0, 0];
    for (let tag = 0; tag < TAGS.length; tag++) {
      const column = (matrix: Float32Array): number[] =>
        Array.from({ length: USERS }, (_, user) => matrix[user * TAGS.length + tag] as number);
      const positives = column(labels).reduce((sum, label) => sum + label, 0);
      pairs += positives * (USERS - positives);
      won += positives * (USERS - positives) * areaUnderCurve(column(scores), column(labels));
    }
    expect(metrics.weightedAuc?.value).toBeCloseTo(won / pairs, 9);
  });
});

describe('evaluateTags', () => {
  const model = scorer('logistic');
  const { features, labels } = population(model);
  const clients = clientsOf(features, labels);

  it('judges whatever predicts', async () => {
    const predictor: TagPredictor = {
      tags: TAGS,
      predict: (rows) => predictTags(model, rows),
    };
    const [own, other] = [await evaluation(model, clients), await evaluation(predictor, clients)];
    expect(other.metrics.precisionAt3).toEqual(own.metrics.precisionAt3);
    expect(other.metrics.logLoss).toEqual(own.metrics.logLoss);
    const [a, b] = [own, other].map(({ metrics }) => metrics.macroAuc);
    expect(Math.abs((a?.value as number) - (b?.value as number))).toBeLessThan(1e-6);
  });

  it('counts a client of many rows as one, and none without rows', async () => {
    const own = (user: number): Batch => ({
      rows: 1,
      features: features.slice(user * FEATURES, (user + 1) * FEATURES),
      labels: labels.slice(user * TAGS.length, (user + 1) * TAGS.length),
    });
    const twice: Batch = {
      rows: 2,
      features: features.slice(0, 2 * FEATURES),
      labels: labels.slice(0, 2 * TAGS.length),
    };
    const empty: Batch = { rows: 0, features: new Float32Array(0), labels: new Float32Array(0) };
    const few = (...batches: Batch[]): FederatedClient[] =>
      batches.map((data, i) => new FederatedClient(`user-${i}`, data));
    const one = await evaluation(model, few(twice, own(2), empty));
    const [a, b, c] = await Promise.all(
      [0, 1, 2].map(async (user) => {
        const { metrics } = await evaluation(model, few(own(user)));
        return metrics.precisionAt3?.value as number;
      }),
    );
    expect(one.users.value).toBe(2);
    expect(one.metrics.precisionAt3?.value).toBeCloseTo(
      (((a as number) + (b as number)) / 2 + (c as number)) / 2,
      5,
    );
  });

  it('is less noisy with fewer metrics, and withholds what noise drowns', async () => {
    const noiseMultiplier = 1;
    const all = await evaluation(model, clients, { noiseMultiplier });
    const single = await evaluation(model, clients, { noiseMultiplier, metrics: ['precisionAt3'] });
    expect(single.metrics.precisionAt3?.standardError).toBeLessThan(
      all.metrics.precisionAt3?.standardError as number,
    );
    const drowned = await evaluation(model, clients, { noiseMultiplier: 1e6 });
    for (const estimate of Object.values(drowned.metrics)) {
      expect(estimate).toEqual({ value: null, standardError: null, binError: 0, interval: null });
    }
  });

  it('takes a probability of zero for a small one', async () => {
    const sure: TagPredictor = { tags: TAGS, predict: (_, rows) => new Float32Array(4 * rows) };
    const positive = clientsOf(features, new Float32Array(labels.length).fill(1));
    const change = { metrics: ['logLoss'], lossBound: 10, minimumProbability: 0.02 } as const;
    const { metrics } = await evaluation(sure, positive, change);
    expect(metrics.logLoss?.value).toBeCloseTo(-Math.log(0.02), 4);
  });

  it('gives intervals of the confidence asked', async () => {
    const change = { metrics: ['precisionAt3'], noiseMultiplier: 0.1 } as const;
    const { metrics } = await evaluation(model, clients, change);
    const { interval, standardError } = metrics.precisionAt3 ?? {};
    const halfWidth = ((interval?.high as number) - (interval?.low as number)) / 2;
    expect(halfWidth / (standardError as number)).toBeCloseTo(1.96, 2);
  });

  it('states what it costs', async () => {
    const { plan, statement } = await evaluation(model, clients, { noiseMultiplier: 2 });
    expect(plan).toEqual({
      unit: 'user',
      relation: 'zero-out-one-user',
      event: { kind: 'gaussian', noiseMultiplier: 2 },
    });
    expect(tagEvaluationPlan(environment, { ...options, noiseMultiplier: 2 })).toEqual(plan);
    expect(statement.epsilon?.upper).toBeGreaterThan(1);
    expect(statement.delta).toBe(1e-6);
  });

  it.each([
    ['metrics', { metrics: [] }],
    ['metrics', { metrics: ['recall'] as never }],
    ['confidence', { confidence: 1 }],
    ['labelDensity', { labelDensity: 0 }],
    ['minimumProbability', { minimumProbability: Number.NaN }],
    ['lossBound', { lossBound: 0 }],
    ['lossBound', { lossBound: Number.POSITIVE_INFINITY }],
    ['scoreBins', { scoreBins: 1 }],
    ['scoreBins', { scoreBins: 2.5 }],
    ['scoreEdges', { scoreEdges: [] }],
    ['scoreEdges', { scoreEdges: [0, 0] }],
    ['scoreEdges', { scoreEdges: [0, Number.POSITIVE_INFINITY] }],
  ])('refuses bad "%s"', async (name, change) => {
    await expect(evaluation(model, clients, change)).rejects.toThrow(`"${name}" expected`);
  });
});

describe('the budget', () => {
  const model = scorer('linear');
  const { features, labels } = population(model);
  const clients = clientsOf(features, labels);

  function budget(epsilon: number): Promise<PrivacyBudgetAccountant> {
    return openBudget({
      policy: {
        version: 1,
        currency: 'gdp',
        delta: 1e-6,
        user: { epsilon },
        scenes: { test: {} },
        reservationLease: 'PT1M',
      },
      unit: 'user',
      relation: 'zero-out-one-user',
      store: new MemoryBudgetStore(),
      secrets: [new SecureRandom().bytes(32)],
    });
  }

  it('is charged once for all metrics, and refuses the next one when it is empty', async () => {
    const paid = { ...environment, budget: await budget(3) };
    const charged = { noiseMultiplier: 2, delta: 1e-6 };
    await evaluation(model, clients, charged, paid);
    const [total] = await paid.budget.summary();
    expect(total?.releases).toBe(1);
    const again = await evaluateTags(paid, model, clients, {
      ...options,
      ...charged,
      roundId: 'second',
    });
    expect(again.kind).toBe('refused');
    const [after] = await paid.budget.summary();
    expect(after?.releases).toBe(1);
  });

  it('is left alone by public clients, and the statement says so', async () => {
    const unpaid = { ...environment, budget: await budget(3) };
    const change = { evaluation: 'public', noiseMultiplier: 2 } as const;
    const { plan, statement, metrics } = await evaluation(model, clients, change, unpaid);
    const [total] = await unpaid.budget.summary();
    expect(total?.releases ?? 0).toBe(0);
    expect(plan.event).toEqual({ kind: 'non-private' });
    expect(statement.epsilon).toBeNull();
    expect(statement.simulation).toMatch(
      /^Simulation on public data, not charged; real cost would be epsilon 2\.\d+ at delta 0\.000001 under zero-out-one-user$/,
    );
    expect(metrics.precisionAt3?.standardError).toBe(0);
    const free = await evaluation(model, clients, { ...change, noiseMultiplier: 0 });
    expect(free.statement.simulation).toContain('real cost would be without bound');
  });
});

describe('a hostile client', () => {
  const model = scorer('linear');
  const { features, labels } = population(model);
  const honest = clientsOf(features, labels);
  const one = (label: number, feature: number): FederatedClient =>
    new FederatedClient('hostile', {
      rows: 1,
      features: new Float32Array(FEATURES).fill(feature),
      labels: new Float32Array(TAGS.length).fill(label),
    });

  it('counts for no more than anybody, whatever its labels are', async () => {
    const huge = await evaluation(model, [...honest, one(1e30, 0.2)]);
    const usual = await evaluation(model, [...honest, one(1, 0.2)]);
    expect(huge.metrics).toEqual(usual.metrics);
    expect(huge.users.value).toBe(USERS + 1);
  });

  it.each([
    ['NaN as label', one(Number.NaN, 0.2)],
    ['an infinite label', one(Number.POSITIVE_INFINITY, 0.2)],
    ['an infinite feature', one(1, Number.POSITIVE_INFINITY)],
    ['NaN as feature', one(1, Number.NaN)],
  ])('counts as zero with %s', async (_, client) => {
    const heard: unknown[] = [];
    const place = { ...environment, onClientError: (error: unknown) => heard.push(error) };
    const found = await evaluation(model, [...honest, client], {}, place);
    expect(found.metrics).toEqual((await evaluation(model, honest)).metrics);
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({ code: 'federated/non-finite' });
  });

  it('that runs other code is refused beyond the joint bound, and moves a sum by no more', async () => {
    const layout = new EvaluationLayout({
      metrics: options.metrics,
      tags: TAGS.length,
      edges: Array.from({ length: 127 }, (_, i) => i),
      lossBound: 1,
      minimumProbability: 0.01,
    });
    const { dimension, integerSensitivity } = layout.encoder;
    class Forger extends FederatedClient {
      readonly #vector: Float64Array;
      constructor(coordinates: Readonly<Record<number, number>>) {
        super('hostile', { rows: 0, features: new Float32Array(0), labels: new Float32Array(0) });
        this.#vector = Object.assign(new Float64Array(dimension), coordinates);
      }
      override contribute(): { vector: Float64Array; clipped: boolean } {
        return { vector: this.#vector, clipped: false };
      }
    }
    const before = await evaluation(model, honest);
    for (const forged of [
      { 0: integerSensitivity + 1 },
      { 0: integerSensitivity, 1: integerSensitivity },
      { 0: 0.5 },
    ]) {
      const refused = await evaluation(model, [...honest, new Forger(forged)]);
      expect(refused.round.refusedContributions).toBe(1);
      expect(refused.metrics).toEqual(before.metrics);
    }
    const taken = await evaluation(model, [...honest, new Forger({ 0: integerSensitivity })]);
    expect(taken.round.refusedContributions).toBe(0);
    // The number of users takes half a share, of four whole and two half ones.
    const moved = taken.users.value - before.users.value;
    expect(moved).toBeCloseTo(Math.sqrt(4 + 2 / 4) / 0.5, 3);
  });
});
