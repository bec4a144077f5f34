import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { epsilonOfPlan, type PrivacyBudgetAccountant } from '../../../src/dp/index.ts';
import {
  DistributedEncoder,
  type DistributedNoise,
  distributedMultiplier,
  distributedPlan,
  FederatedClient,
  fedAvgPlan,
  LogisticModel,
  MemoryRoundJournal,
  PlainSum,
  planDistributedNoise,
  type RoundEnvironment,
  type RoundRequest,
  roundPlan,
  runFedAvg,
  runPrivateRound,
  type SecAggFault,
  SecAggSum,
  trainTagModel,
} from '../../../src/federated/index.ts';
import { releaseStatement } from '../../../src/federated/rounds/release-statement.ts';
import { NodeSecAggCrypto } from '../../../src/node/index.ts';
import { budgetOf, clientsOf, HIDDEN_SUM, SIMULATION } from './fixtures.ts';

const ROUNDS = 3;
const MEMBERS = 12;
const planned = planDistributedNoise({
  ...{ dimension: 2, clippingNorm: 1, cohort: MEMBERS, honestSurvivors: 9, rounds: ROUNDS },
  ...{ epsilon: 4, delta: 9e-7 },
});
const { noise } = planned;

function secAgg(
  faults = new Map<string, SecAggFault>(),
  corruptShare = 0.1,
  securityBits = 40,
): SecAggSum {
  const crypto = new NodeSecAggCrypto();
  return new SecAggSum({ crypto, corruptShare, securityBits, consistency: false, faults });
}

const hidden: RoundEnvironment = { ...SIMULATION, secureSum: secAgg() };
const request: RoundRequest = {
  roundId: 'r',
  clients: clientsOf(MEMBERS),
  compute: () => [0.6, 0],
  encoder: noise,
  noiseMultiplier: 0,
};

/** Room for the planned run, and for what its sums may fail with. */
const rdpBudget = (additiveDelta = 1e-8): Promise<PrivacyBudgetAccountant> =>
  budgetOf({
    currency: 'rdp',
    plannedRun: planned.plan.event,
    user: { epsilon: 4 },
    additiveDelta,
  });

describe('a round of noisy updates behind SecAgg+', () => {
  it('releases the noisy sum at its Skellam price, and says how far off it is', async () => {
    const budget = await rdpBudget();
    const outcome = await runPrivateRound({ ...hidden, budget }, request);
    if (outcome.kind !== 'released') throw new Error('refused');
    const { value, plan, error, insecure } = outcome.release;
    expect(plan).toEqual(distributedPlan(noise, 'zero-out-one-user'));
    expect(plan.event.kind).toBe('skellam');
    // All twelve added noise, which was priced for nine.
    expect(error.noiseStddev).toBeCloseTo(
      distributedMultiplier(noise) * Math.sqrt(MEMBERS / 9) * noise.clippingNorm,
      10,
    );
    // Seven deviations: a chance of 5e-12.
    expect(Math.abs((value[0] as number) - 7.2)).toBeLessThan(7 * error.noiseStddev);
    expect(insecure).toBe(false);
    expect(outcome.metrics).toMatchObject({ survivors: MEMBERS, refusedContributions: 0 });
    expect(outcome.metrics.wrapProbability).toBeLessThanOrEqual(2 ** -40);
    const [epsilon] = await budget.remaining('user-3');
    expect(epsilon?.spent).toBeGreaterThan(1);
    expect(epsilon?.spent).toBeLessThan(4);
  });

  it('books in delta that the sum may show more than itself, or wrap', async () => {
    // Enough for one round: 2^-40 for the secure sum, less than that for the modulus.
    const budget = await rdpBudget(2 ** -39);
    expect((await runPrivateRound({ ...hidden, budget }, request)).kind).toBe('released');
    const second = await runPrivateRound({ ...hidden, budget }, { ...request, roundId: 'second' });
    if (second.kind !== 'refused') throw new Error('released');
    expect(second.refusal).toMatchObject({ limit: 'delta' });
    expect(second.refusal.spent).toBeGreaterThan(2 ** -40);
    expect(second.refusal.spent).toBeLessThanOrEqual(2 ** -39);
  });

  it('is refused by a budget without room for what may fail', async () => {
    const budget = await rdpBudget(0);
    const outcome = await runPrivateRound({ ...hidden, budget }, request);
    expect(outcome).toMatchObject({ kind: 'refused', refusal: { limit: 'delta' } });
  });

  it('says nothing by a client that cannot compute: it sends noise', async () => {
    const sent = new Map<string, Float64Array>();
    const watching: RoundEnvironment = {
      ...SIMULATION,
      secureSum: {
        ...HIDDEN_SUM,
        open: async (parameters) => {
          const session = await new PlainSum().open(parameters);
          return {
            parameters,
            contribute: (account, vector) => {
              sent.set(account, vector);
              return session.contribute(account, vector);
            },
            close: () => session.close(),
          };
        },
      },
    };
    const compute = (): number[] => {
      throw new Error('a broken device');
    };
    await runPrivateRound(watching, { ...request, compute });
    expect(sent.size).toBe(MEMBERS);
    const squares = [...sent.values()].flatMap((vector) => [...vector].map((x) => x * x));
    const mean = squares.reduce((sum, x) => sum + x, 0) / squares.length;
    // 24 samples: between a fifth and four times the variance but for a chance of 1e-9.
    expect(mean / noise.shareVariance).toBeGreaterThan(0.05);
    expect(mean / noise.shareVariance).toBeLessThan(5);
  });

  it('aborts, charged, when colluders would be needed to make up the survivors', async () => {
    const budget = await rdpBudget();
    const silent = (count: number): Map<string, SecAggFault> =>
      new Map(Array.from({ length: count }, (_, i) => [`user-${i}`, 'input'] as const));
    // Twelve asked, of whom one may collude: two may drop, nine honest ones remain.
    const two = { ...hidden, secureSum: secAgg(silent(2)), budget };
    const outcome = await runPrivateRound(two, { ...request, roundId: 'two' });
    expect(outcome.kind === 'released' && outcome.metrics.survivors).toBe(10);
    const spent = (await budget.remaining('user-0'))[0]?.spent as number;
    const three = { ...hidden, secureSum: secAgg(silent(3)), budget };
    await expect(runPrivateRound(three, { ...request, roundId: 'three' })).rejects.toMatchObject({
      code: 'federated/cohort-too-small',
    });
    expect((await budget.remaining('user-0'))[0]?.spent).toBeGreaterThan(spent);
  });

  it('does not open, and charges nobody, where too few are asked', async () => {
    const budget = await rdpBudget();
    const few = { ...request, clients: clientsOf(9) };
    for (const secureSum of [secAgg(new Map(), 0.3), secAgg(new Map(), 0.112)]) {
      await expect(runPrivateRound({ ...hidden, secureSum, budget }, few)).rejects.toMatchObject({
        code: 'federated/cohort-too-small',
      });
    }
    const many = { ...request, clients: clientsOf(13) };
    await expect(runPrivateRound({ ...hidden, budget }, many)).rejects.toMatchObject({
      code: 'federated/wrap-around',
    });
    expect((await budget.summary())[0]?.releases).toBe(0);
  });
});

describe('the statement of noisy rounds', () => {
  it('leaves for epsilon what delta the rounds may not use up', () => {
    const terms = { plan: planned.plan, population: MEMBERS, bounds: [], delta: 1e-6 };
    const distributed = { noise, rounds: ROUNDS };
    const { epsilon, delta } = releaseStatement(
      { ...SIMULATION, secureSum: secAgg(undefined, 0, 22) },
      { ...terms, distributed },
    );
    expect(delta).toBe(1e-6);
    const left = 1e-6 - ROUNDS * (2 ** -22 + planned.wrapProbability);
    expect(epsilon?.upper).toBe(epsilonOfPlan(planned.plan, left, 'rdp').upper);
    expect(() =>
      releaseStatement(
        { ...SIMULATION, secureSum: secAgg(undefined, 0, 21) },
        { ...terms, distributed },
      ),
    ).toThrow(expect.objectContaining({ code: 'dp/invalid-parameter' }));
  });
});

describe('noise of the clients is refused', () => {
  const refuses = async (
    environment: Partial<RoundEnvironment>,
    change: Partial<RoundRequest>,
    code: string,
  ): Promise<void> => {
    const run = runPrivateRound({ ...hidden, ...environment }, { ...request, ...change });
    await expect(run).rejects.toMatchObject({ code });
  };

  it('under relations in which who is absent adds none', async () => {
    for (const relation of ['add-or-remove-one-user', 'replace-one-user'] as const) {
      await refuses({ relation }, {}, 'dp/relation-mismatch');
      expect(() => distributedPlan(noise, relation)).toThrow('zero-out-one-user');
    }
  });

  it('beside noise on the sum, samples, buckets and shared charges', async () => {
    await refuses({}, { noiseMultiplier: 1 }, 'dp/invalid-parameter');
    const sampling = { kind: 'poisson', population: 'all', samplingRate: 0.5 } as const;
    await refuses({}, { sampling }, 'dp/unsupported-event');
    await refuses({}, { robust: { kind: 'median', buckets: 3 } }, 'dp/unsupported-event');
    const shared = {
      plan: roundPlan(3, 'zero-out-one-user'),
      idempotencyKey: 'run',
      noise: { noiseStddev: 1, fill: () => {} },
      journal: new MemoryRoundJournal(),
    };
    await refuses({}, { shared }, 'dp/unsupported-event');
  });

  it('over a plain sum that charges people: each contribution would be seen with its share only', async () => {
    const budget = await rdpBudget();
    await refuses({ secureSum: new PlainSum(), budget }, {}, 'dp/unsupported-event');
    const outcome = await runPrivateRound(SIMULATION, request);
    expect(outcome.kind).toBe('released');
  });

  it('ready made, with randomness and a rotation of its own', async () => {
    const encoder = new DistributedEncoder(noise, {
      roundId: 'another',
      random: new SeededRandom('known'),
    });
    const run = runPrivateRound(hidden, { ...request, encoder });
    await expect(run).rejects.toThrow(
      new TypeError(
        '"encoder" expected an UpdateEncoder without noise or a DistributedNoise, got DistributedEncoder',
      ),
    );
  });

  it('with constants that do not hold', async () => {
    const spoilt: DistributedNoise = { ...noise, shareVariance: 0 };
    await refuses({}, { encoder: spoilt }, 'dp/invalid-parameter');
  });
});

describe('federated averaging through SecAgg+', () => {
  const members = 16;
  const model = new LogisticModel({ inputDimension: 1, outputDimension: 2 });
  const data = { rows: 1, features: Float32Array.of(1), labels: Float32Array.of(1, 0) };
  const clients = Array.from({ length: members }, (_, i) => new FederatedClient(`user-${i}`, data));

  const run = planDistributedNoise({
    ...{ dimension: model.parameterCount, clippingNorm: 1, cohort: members, honestSurvivors: 15 },
    ...{ rounds: ROUNDS, epsilon: 20, delta: 9e-7 },
  });
  const options = {
    ...{ runId: 'run', rounds: ROUNDS, localEpochs: 1, localLearningRate: 4, clippingNorm: 1 },
    ...{ noiseMultiplier: 0, distributedNoise: run.noise, normaliser: members },
    serverLearningRate: 4,
  };
  const environment = (budget: PrivacyBudgetAccountant): RoundEnvironment => ({
    ...SIMULATION,
    random: new SecureRandom(),
    secureSum: secAgg(new Map(), 0),
    budget,
  });
  const budgetOfRun = (): Promise<PrivacyBudgetAccountant> =>
    budgetOf({
      ...{ currency: 'rdp', plannedRun: run.plan.event, user: { epsilon: 20 } },
      additiveDelta: 1e-8,
    });

  it('learns, costs the planned run, and then the budget is spent', async () => {
    const budget = await budgetOfRun();
    const start = new Float32Array(model.parameterCount);
    expect(fedAvgPlan(SIMULATION, members, options)).toEqual(run.plan);
    const rounds = runFedAvg(environment(budget), model, start, clients, options);
    for (let round = 1; round <= ROUNDS; round++) {
      const step = await rounds.next();
      if (step.done === true) throw new Error('ended early');
      expect(step.value.plan.event.kind).toBe('skellam');
    }
    const end = await rounds.next();
    if (end.done !== true) throw new Error('went on');
    expect(end.value.refusal).toBeNull();
    expect(end.value.plan).toEqual(run.plan);
    const [yes, no] = end.value.parameters as unknown as [number, number];
    const spread = 8 * end.value.parameterNoiseStddev;
    expect(yes).toBeGreaterThan(4 - spread);
    expect(no).toBeLessThan(-4 + spread);
    const [line] = await budget.remaining('user-0');
    expect(line?.spent).toBeGreaterThan(19);
    expect(line?.spent).toBeLessThanOrEqual(20);
    const more = runFedAvg(environment(budget), model, start, clients, { ...options, runId: 'x' });
    const refused = await more.next();
    expect(refused.done === true && refused.value.refusal?.limit).toBe('user-total');
  });

  it('refuses noise that was made for something else', async () => {
    const start = new Float32Array(model.parameterCount);
    for (const change of [
      { clippingNorm: 2 },
      { clippingFlagWeight: 0.1 },
      { layers: [{ start: 0, end: model.parameterCount, clippingNorm: 1 }] },
      { noiseMultiplier: 1 },
      { distributedNoise: { ...run.noise, dimension: 7 } },
      {
        participation: {
          kind: 'amplified',
          sampling: { kind: 'poisson', population: 'all', samplingRate: 0.5 },
        },
      } as const,
    ]) {
      const rounds = runFedAvg(SIMULATION, model, start, clients, { ...options, ...change });
      await expect(rounds.next()).rejects.toThrow(RangeError);
    }
  });

  it('is one call away, with a statement of what each adversary learns', async () => {
    const budget = await budgetOfRun();
    const task = {
      tags: ['yes', 'no'],
      features: ['constant'],
      prior: { beta: 1, persistence: 0, labelDensity: 0.5 },
      population: members,
    };
    const training = {
      ...({ runId: 'tags', method: 'fedavg', noiseMultiplier: 0, delta: 1e-6 } as const),
      ...{ distributedNoise: run.noise, rounds: ROUNDS, clippingNorm: 1 },
    };
    const outcome = await trainTagModel(environment(budget), task, clients, training);
    if (outcome.kind !== 'trained') throw new Error('refused');
    expect(outcome.plan).toEqual(run.plan);
    const { statement } = outcome.model;
    expect(statement.accountant).toBe('rdp');
    // Delta holds what may fail too, so epsilon is taken at a little less; still at more than the target was.
    expect(statement.epsilon?.upper).toBeLessThanOrEqual(20);
    expect(statement.epsilon?.upper).toBeGreaterThan(19);
    expect(statement.trustModel.server).toContain('keeps to the protocol');
    expect(statement.trustModel.server).toContain('noise of at least 15 members');
    expect(statement.trustModel.otherClients).toContain('and at least one, may pool');
    expect(statement.insecure).toBe(false);
    expect(statement.trustModel.otherClients).toContain('of 15 others');
    const other = { ...training, method: 'one-shot' } as const;
    await expect(trainTagModel(SIMULATION, task, clients, other)).rejects.toThrow(RangeError);
  });
});
