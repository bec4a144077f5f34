import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../src/core/secure-random.ts';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { calibrateGaussian, gdpCost, MemoryBudgetStore, openBudget } from '../../src/dp/index.ts';
import {
  areaUnderCurve,
  designRows,
  FederatedClient,
  PlainSum,
  predictTags,
  type RoundEnvironment,
  releasePopularity,
  runFedAvg,
  runPrivateRound,
  simulatedClients,
  type TagTable,
  type TagTask,
  type TagTrainingOptions,
  type TrainingState,
  tagTrainingPlan,
  trainTagModel,
  UpdateEncoder,
} from '../../src/federated/index.ts';
import { budgetOf } from './rounds/fixtures.ts';

const environment: RoundEnvironment = {
  scene: 'test',
  relation: 'zero-out-one-user',
  secureSum: new PlainSum(),
  random: new SecureRandom(),
  budget: null,
  minimumCohort: 1,
};

/** Users whose taste persists: label k is likelier the larger feature k. */
function persistentTable(users: number, tags: number): TagTable {
  const random = new SeededRandom('training.test');
  const phi = new Float32Array(users * tags);
  const labels = new Float32Array(users * tags);
  for (let user = 0; user < users; user++) {
    const favourite = Math.floor(random.uniform() * tags);
    for (let tag = 0; tag < tags; tag++) {
      const own = tag === favourite ? 1 : 0;
      phi[user * tags + tag] = own;
      labels[user * tags + tag] = random.uniform() < (own === 1 ? 0.8 : 0.15) ? 1 : 0;
    }
  }
  const names = Array.from({ length: tags }, (_, i) => `tag-${i}`);
  return {
    users: Array.from({ length: users }, (_, i) => `user-${i}`),
    tags: names,
    phi,
    history: phi,
    labels,
  };
}

const table = persistentTable(3000, 4);
const rows = Uint32Array.from({ length: 3000 }, (_, i) => i);
const task: TagTask = {
  tags: table.tags,
  features: ['(constant)', ...table.tags],
  prior: { beta: 0.3, labelDensity: 0.25, persistence: 0 },
  population: 3000,
};
const target = { epsilon: 2, delta: 1e-6 };

describe.each(['auto', 'fedavg', 'one-shot', 'preconditioned'] as const)(
  'trainTagModel by %s',
  (method) => {
    const options: TagTrainingOptions = {
      runId: 'test',
      method,
      noiseMultiplier: calibrateGaussian(target),
      delta: target.delta,
    };

    it('learns what persists, under noise', async () => {
      const clients = simulatedClients(table, rows, task.prior.beta);
      const outcome = await trainTagModel(environment, task, clients, options);
      if (outcome.kind !== 'trained') throw new Error('refused without a budget');
      const probabilities = predictTags(outcome.model, designRows(table, rows, task.prior.beta));
      expect(probabilities.every((p) => p >= 0 && p <= 1)).toBe(true);
      for (let tag = 0; tag < 4; tag++) {
        const column = rows.map((user) => user * 4 + tag);
        const auc = areaUnderCurve(
          Array.from(column, (at) => probabilities[at] as number),
          Array.from(column, (at) => table.labels[at] as number),
        );
        expect(auc).toBeGreaterThan(0.7);
      }
      const stated = outcome.model.statement.epsilon?.upper as number;
      expect(stated).toBeLessThanOrEqual(2);
      expect(stated).toBeGreaterThan(1.999);
      expect(outcome.model.statement.insecure).toBe(false);
      expect(outcome.model.statement.simulation).toContain('public data');
      expect(outcome.model.weightNoiseStddev).toBeGreaterThan(0);
    });

    it('plans at most the cost it was calibrated to', () => {
      const plan = tagTrainingPlan(environment, task, options);
      const whole = 1 / options.noiseMultiplier ** 2;
      expect(gdpCost(plan)).toBeLessThanOrEqual(whole * (1 + 1e-14));
      expect(gdpCost(plan)).toBeGreaterThan(whole * (1 - 1e-6));
    });

    it('marks a run with seeded noise insecure', async () => {
      const clients = simulatedClients(table, rows.subarray(0, 50), task.prior.beta);
      const seeded = { ...environment, random: new SeededRandom(1) };
      const outcome = await trainTagModel(seeded, task, clients, options);
      expect(outcome.kind === 'trained' && outcome.model.statement.insecure).toBe(true);
    });

    it('says when it was not private', async () => {
      const clients = simulatedClients(table, rows.subarray(0, 50), task.prior.beta);
      const outcome = await trainTagModel(environment, task, clients, {
        ...options,
        noiseMultiplier: 0,
      });
      expect(outcome.kind === 'trained' && outcome.model.statement.epsilon).toBe(null);
    });
  },
);

describe('a run of trainTagModel that lost a round', () => {
  const members = table.users.slice(0, 20).map(
    (user, i) =>
      new FederatedClient(user, {
        rows: 1,
        features: Float32Array.of(1, 0, 0, 0, 0),
        labels: table.labels.slice(4 * i, 4 * i + 4),
      }),
  );
  const options: TagTrainingOptions = {
    ...{ runId: 'lost', method: 'fedavg', noiseMultiplier: 5, delta: 1e-6, rounds: 3 },
  };

  it('goes on only where it is told to skip', async () => {
    const charged = { ...environment, budget: await budgetOf({ currency: 'gdp' }) };
    const crash = new Error('crash');
    let resume: TrainingState | undefined;
    const run = trainTagModel(charged, task, members, {
      ...options,
      onRound: ({ round, state }) => {
        // Charged and maybe released, but its state was never kept.
        if (round === 2) throw crash;
        resume = state;
      },
    });
    await expect(run).rejects.toBe(crash);
    const again = { ...options, resume: resume as TrainingState };
    await expect(trainTagModel(charged, task, members, again)).rejects.toMatchObject({
      code: 'federated/round-closed',
    });
    const outcome = await trainTagModel(charged, task, members, { ...again, onLostRound: 'skip' });
    expect(outcome.kind === 'trained' && outcome.rounds).toHaveLength(1);
    expect((await charged.budget.summary())[0]?.releases).toBe(3);
  });
});

describe('runFedAvg', () => {
  it('is plain gradient descent on the mean loss when nothing is clipped or noised', async () => {
    const { LogisticModel } = await import('../../src/federated/index.ts');
    const model = new LogisticModel({ inputDimension: 5, outputDimension: 4 });
    const few = rows.subarray(0, 20);
    const clients = simulatedClients(table, few, 0.3);
    const run = runFedAvg(environment, model, model.initialParameters(), clients, {
      runId: 'exact',
      rounds: 3,
      localEpochs: 1,
      localLearningRate: 1,
      clippingNorm: 10,
      noiseMultiplier: 0,
      normaliser: 20,
      serverLearningRate: 1.5,
      averagedShare: 0.3,
    });
    let step = await run.next();
    while (!step.done) step = await run.next();

    const batch = {
      rows: 20,
      features: designRows(table, few, 0.3),
      labels: table.labels.slice(0, 80),
    };
    const expected = model.initialParameters();
    const gradient = new Float32Array(20);
    for (let round = 0; round < 3; round++) {
      model.gradient(expected, batch, gradient);
      for (let i = 0; i < 20; i++)
        expected[i] = (expected[i] as number) - (1.5 * (gradient[i] as number)) / 20;
    }
    step.value.parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 3);
    });
    expect(step.value.completedRounds).toBe(3);
    expect(step.value.parameterNoiseStddev).toBe(0);
  });

  it('states the noise of the averaged parameters', async () => {
    const { LogisticModel } = await import('../../src/federated/index.ts');
    // Features of zero: gradients vanish and only the noise moves the parameters.
    const model = new LogisticModel({ inputDimension: 20, outputDimension: 50 });
    const client = new FederatedClient('a', {
      rows: 1,
      features: new Float32Array(20),
      labels: new Float32Array(50),
    });
    const run = runFedAvg(environment, model, model.initialParameters(), [client], {
      runId: 'noise',
      rounds: 8,
      localEpochs: 1,
      localLearningRate: 1,
      clippingNorm: 1,
      noiseMultiplier: 2,
      normaliser: 10,
      serverLearningRate: 1,
      averagedShare: 0.5,
    });
    let step = await run.next();
    while (!step.done) step = await run.next();
    const { parameters, parameterNoiseStddev } = step.value;
    const seen = Math.sqrt(parameters.reduce((sum, v) => sum + v * v, 0) / parameters.length);
    // 1,000 normal values: the sample deviation is within 15 % but for a chance below 1e-10.
    expect(Math.abs(seen / parameterNoiseStddev - 1)).toBeLessThan(0.15);
  });
});

describe('a client whose data cannot be used', () => {
  const spoiled = (features: number, labels: number): FederatedClient =>
    new FederatedClient('spoiled', {
      rows: 2,
      features: new Float32Array(10).fill(features),
      labels: new Float32Array(8).fill(labels),
    });

  it.each([
    [3e38, 1, 0],
    [Number.NaN, 0, 1],
    [1, Number.POSITIVE_INFINITY, 1],
  ])(
    'with features %d and labels %d sends zero or what the bound allows, and never stops a round',
    async (f, l, least) => {
      const clients = [...simulatedClients(table, rows.subarray(0, 30), 0.3), spoiled(f, l)];
      const errors: unknown[] = [];
      const listening = { ...environment, onClientError: (error: unknown) => errors.push(error) };
      for (const method of ['fedavg', 'one-shot'] as const) {
        const outcome = await trainTagModel(listening, task, clients, {
          runId: 'spoiled',
          method,
          noiseMultiplier: 1,
          delta: 1e-6,
        });
        expect(outcome.kind).toBe('trained');
      }
      expect(errors.length).toBeGreaterThanOrEqual(least);
    },
  );
});

describe('runPrivateRound', () => {
  const clients = Array.from(
    { length: 40 },
    (_, i) =>
      new FederatedClient(`user-${i}`, {
        rows: 1,
        features: Float32Array.of(1),
        labels: Float32Array.of(1),
      }),
  );
  const encoder = new UpdateEncoder({ dimension: 2, clippingNorm: 1, clippingFlagWeight: 0.5 });

  it('sums exactly without noise, counting the clipped', async () => {
    const outcome = await runPrivateRound(environment, {
      roundId: 'r',
      clients,
      compute: () => [3, 4],
      encoder,
      noiseMultiplier: 0,
    });
    if (outcome.kind !== 'released') throw new Error('refused');
    expect(outcome.release.value[0]).toBeCloseTo(40 * 0.6, 3);
    expect(outcome.release.value[1]).toBeCloseTo(40 * 0.8, 3);
    expect(outcome.metrics.clippedShare).toBe(1);
    expect(outcome.metrics.signalToNoise).toBe(Infinity);
    expect(outcome.release.plan.event).toEqual({ kind: 'non-private' });
  });

  it('refuses a cohort below the minimum before it asks the budget', async () => {
    await expect(
      runPrivateRound(
        { ...environment, minimumCohort: 41 },
        { roundId: 'r', clients, compute: () => [0, 0], encoder, noiseMultiplier: 1 },
      ),
    ).rejects.toMatchObject({ code: 'federated/cohort-too-small' });
  });

  it.each([-1, Number.NaN, 1e300, 1e-320])('refuses the noise multiplier %d', async (noise) => {
    await expect(
      runPrivateRound(environment, {
        roundId: 'r',
        clients,
        compute: () => [0, 0],
        encoder,
        noiseMultiplier: noise,
      }),
    ).rejects.toMatchObject({ code: 'dp/invalid-parameter' });
  });

  it('books nothing under add-or-remove, because it shows its cohort', async () => {
    const budget = await openBudget({
      policy: {
        version: 1,
        currency: 'gdp',
        delta: 1e-6,
        user: { epsilon: 5 },
        scenes: { test: {} },
        reservationLease: 'PT1M',
      },
      unit: 'user',
      relation: 'add-or-remove-one-user',
      store: new MemoryBudgetStore(),
      secrets: [new SecureRandom().bytes(32)],
    });
    await expect(
      runPrivateRound(
        { ...environment, relation: 'add-or-remove-one-user', budget },
        { roundId: 'r', clients, compute: () => [0, 0], encoder, noiseMultiplier: 10 },
      ),
    ).rejects.toMatchObject({ code: 'dp/relation-mismatch' });
    const [total] = await budget.summary();
    expect(total?.releases).toBe(0);
  });

  it('stops when the signal fires', async () => {
    await expect(
      runPrivateRound(
        { ...environment, signal: AbortSignal.abort() },
        { roundId: 'r', clients, compute: () => [0, 0], encoder, noiseMultiplier: 1 },
      ),
    ).rejects.toMatchObject({ code: 'core/aborted' });
  });
});

describe('releasePopularity', () => {
  it('is the share of each tag when there is no noise and the population is right', async () => {
    const outcome = await releasePopularity(environment, simulatedClients(table, rows, 0.3), {
      roundId: 'p',
      outputDimension: 4,
      labelDensity: 0.25,
      labelClip: 2,
      noiseMultiplier: 0,
      normaliser: 3000,
    });
    if (outcome.kind !== 'released') throw new Error('refused');
    for (let tag = 0; tag < 4; tag++) {
      const share = rows.filter((user) => table.labels[user * 4 + tag] === 1).length / 3000;
      expect(outcome.popularity[tag]).toBeCloseTo(share, 3);
    }
  });
});
