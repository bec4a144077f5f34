import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { calibrateGaussian, type PrivacyBudgetAccountant } from '../../../src/dp/index.ts';
import {
  bandedSquareRoot,
  decodeFedAvgState,
  encodeFedAvgState,
  type FedAvgOptions,
  type FedAvgResult,
  type FedAvgRound,
  FederatedClient,
  fedAdam,
  fedAvgPlan,
  LogisticModel,
  learningRates,
  MemoryRoundJournal,
  momentumSteps,
  type RoundEnvironment,
  runFedAvg,
} from '../../../src/federated/index.ts';
import { budgetOf, LastingJournal, SIMULATION } from '../rounds/fixtures.ts';

const model = new LogisticModel({ inputDimension: 3, outputDimension: 2 });

/** Clients whose first label follows the second feature. */
function clientsOf(count: number): FederatedClient[] {
  const random = new SeededRandom('fedavg.test');
  return Array.from({ length: count }, (_, i) => {
    const sign = random.uniform() < 0.5 ? -1 : 1;
    return new FederatedClient(`user-${i}`, {
      rows: 1,
      features: Float32Array.of(0.6, 0.8 * sign, 0),
      labels: Float32Array.of(sign > 0 ? 1 : 0, 1),
    });
  });
}

const base: FedAvgOptions = {
  runId: 'run',
  rounds: 8,
  localEpochs: 1,
  localLearningRate: 1,
  clippingNorm: 1,
  noiseMultiplier: 2,
  normaliser: 40,
  serverLearningRate: 2,
  averagedShare: 0.5,
};

interface Finished {
  readonly rounds: readonly FedAvgRound[];
  readonly result: FedAvgResult;
}

/** Runs to the end, or until after so many released rounds, as if the process had died there. */
async function run(
  options: Partial<FedAvgOptions>,
  environment: Partial<RoundEnvironment> = {},
  dieAfter = Number.POSITIVE_INFINITY,
  count = 40,
): Promise<Finished> {
  const rounds: FedAvgRound[] = [];
  const steps = runFedAvg(
    { ...SIMULATION, ...environment },
    model,
    model.initialParameters(),
    clientsOf(count),
    { ...base, ...options },
  );
  for (;;) {
    const step = await steps.next();
    if (step.done) return { rounds, result: step.value };
    rounds.push(step.value);
    if (rounds.length >= dieAfter) return { rounds, result: {} as FedAvgResult };
  }
}

/** Another process: all it has of the first are the bytes of the last state. */
const reloaded = ({ rounds }: Finished) =>
  decodeFedAvgState(encodeFedAvgState((rounds.at(-1) as FedAvgRound).state));

const CYCLIC: Partial<FedAvgOptions> = {
  participation: { kind: 'cyclic', groups: 4 },
  correlation: bandedSquareRoot(4),
  normaliser: 10,
};

describe('the options of a run', () => {
  it('learn under every optimiser and average', async () => {
    const variants: Partial<FedAvgOptions>[] = [
      {},
      { optimiser: momentumSteps(0.5) },
      { optimiser: fedAdam({ adaptivity: 0.05 }), serverLearningRate: 0.3 },
      { averaging: { kind: 'exponential', decay: 0.5 } },
      { averaging: { kind: 'last' } },
      { serverLearningRate: learningRates(16, 8, 'linear') },
      { proximal: 0.5, localEpochs: 3 },
      {
        layers: [
          { start: 0, end: 3, clippingNorm: 0.7 },
          { start: 3, end: 6, clippingNorm: 0.7 },
        ],
      },
      { robust: { kind: 'trimmed-mean', buckets: 5, trim: 1 } },
      { participation: { kind: 'fixed-size', cohortSize: 20 }, normaliser: 20 },
    ];
    for (const options of variants) {
      const { result } = await run({ ...options, noiseMultiplier: 0 });
      // The weight of the telling feature, and the constant of the label that is always there.
      expect(result.parameters[1]).toBeGreaterThan(0.5);
      expect(result.parameters[3]).toBeGreaterThan(0.5);
      expect(result.completedRounds).toBe(8);
    }
  });

  it('state the noise of the parameters where it has a closed form', async () => {
    const plain = (await run({})).result.parameterNoiseStddev as number;
    const momentum = (await run({ optimiser: momentumSteps(0.5) })).result.parameterNoiseStddev;
    expect(momentum).toBeGreaterThan(plain);
    expect((await run({ optimiser: fedAdam({ adaptivity: 1 }) })).result.parameterNoiseStddev).toBe(
      null,
    );
    const median = await run({ robust: { kind: 'median', buckets: 5 } });
    expect(median.result.parameterNoiseStddev).toBeCloseTo(plain * Math.sqrt((5 * Math.PI) / 2), 6);
    const independent = await run({ ...CYCLIC, correlation: bandedSquareRoot(1) });
    const correlated = await run(CYCLIC);
    expect(correlated.result.parameterNoiseStddev).toBeLessThan(
      independent.result.parameterNoiseStddev as number,
    );
  });

  it.each<Partial<FedAvgOptions>>([
    { serverLearningRate: [1, 2] },
    { averaging: { kind: 'exponential', decay: 1 } },
    { layers: [{ start: 0, end: 3, clippingNorm: 1 }] },
    { correlation: bandedSquareRoot(2) },
    { rounds: 0 },
  ])('are refused where they do not fit: %j', async (options) => {
    await expect(run(options)).rejects.toThrow(RangeError);
  });

  it('are refused together where nothing is proven', async () => {
    const robust = { kind: 'median', buckets: 3 } as const;
    await expect(run({ ...CYCLIC, robust })).rejects.toMatchObject({
      code: 'dp/unsupported-event',
    });
  });
});

describe('a client whose arrays do not hold its rows', () => {
  const telling = (feature: number) =>
    new FederatedClient('first', {
      rows: 1,
      features: Float32Array.of(feature, 0, 0),
      labels: Float32Array.of(1, 0),
    });
  const liar = (i: number, rows: number) =>
    new FederatedClient(`liar-${i}`, {
      rows,
      features: new Float32Array(0),
      labels: new Float32Array(0),
    });

  it.each([1, 3e12])('adds nothing of the account before it: %d rows', async (rows) => {
    const sums: Float32Array[] = [];
    for (const liars of [0, 10]) {
      const clients = [telling(1), ...Array.from({ length: liars }, (_, i) => liar(i, rows))];
      const steps = runFedAvg(SIMULATION, model, model.initialParameters(), clients, {
        ...base,
        rounds: 1,
        noiseMultiplier: 0,
        normaliser: 1,
        localLearningRate: 100,
      });
      const step = await steps.next();
      if (step.done) throw new Error('refused');
      sums.push(step.value.parameters);
    }
    expect(sums[1]).toEqual(sums[0]);
  });
});

describe('what a run reports', () => {
  it('says what it costs, round by round and in all, and whether the noise is insecure', async () => {
    for (const [random, insecure] of [
      [new SecureRandom(), false],
      [new SeededRandom(3), true],
    ] as const) {
      const { rounds, result } = await run({}, { random });
      expect(result).toMatchObject({ insecure, plan: fedAvgPlan(SIMULATION, 40, base) });
      for (const round of rounds) {
        expect(round).toMatchObject({
          insecure,
          plan: { event: { kind: 'gaussian', noiseMultiplier: 2 } },
        });
      }
    }
    const { rounds, result } = await run(CYCLIC);
    expect(rounds[0]?.plan).toEqual(result.plan);
    expect(result.plan.event.kind).toBe('correlated-gaussian');
  });
});

describe('the noise of a correlated run', () => {
  it('is in the parameters as stated', async () => {
    // Features of zero: gradients vanish and only the noise moves the parameters.
    const wide = new LogisticModel({ inputDimension: 20, outputDimension: 50 });
    const silent = Array.from(
      { length: 4 },
      (_, i) =>
        new FederatedClient(`user-${i}`, {
          rows: 1,
          features: new Float32Array(20),
          labels: new Float32Array(50),
        }),
    );
    const steps = runFedAvg(SIMULATION, wide, wide.initialParameters(), silent, {
      ...base,
      ...CYCLIC,
      rounds: 12,
    });
    let step = await steps.next();
    while (!step.done) step = await steps.next();
    const { parameters, parameterNoiseStddev } = step.value;
    const seen = Math.sqrt(parameters.reduce((sum, v) => sum + v * v, 0) / parameters.length);
    // 1,000 normal values: the sample deviation is within 15 % but for a chance below 1e-10.
    expect(Math.abs(seen / (parameterNoiseStddev as number) - 1)).toBeLessThan(0.15);
  });
});

describe('a run that goes on', () => {
  it.each<Partial<FedAvgOptions>>([
    {},
    { optimiser: momentumSteps(0.9) },
    { optimiser: fedAdam({ adaptivity: 0.1 }), averaging: { kind: 'exponential', decay: 0.7 } },
    CYCLIC,
  ])('ends as if it had never stopped: %j', async (options) => {
    // The same noise in both: a seeded generator that a second process can wind forward to its place.
    const whole = await run(options, { random: new SeededRandom(5) });
    const random = new SeededRandom(5);
    const first = await run(options, { random }, 5);
    const second = await run({ ...options, resume: reloaded(first) }, { random });
    expect(second.result).toEqual(whole.result);
    expect(second.rounds.map(({ round }) => round)).toEqual([6, 7, 8]);
    expect(second.rounds.at(-1)?.state).toEqual(whole.rounds.at(-1)?.state);
  });

  it('does nothing more when it was over', async () => {
    const whole = await run({});
    const again = await run({ resume: reloaded(whole) });
    expect(again.rounds).toEqual([]);
    expect(again.result).toEqual(whole.result);
  });

  it('goes on with the same clients only, in the same order', async () => {
    const first = await run(CYCLIC, {}, 2);
    const others = clientsOf(40);
    others[7] = clientsOf(41)[40] as FederatedClient;
    for (const clients of [clientsOf(40).reverse(), others]) {
      const steps = runFedAvg(SIMULATION, model, model.initialParameters(), clients, {
        ...base,
        ...CYCLIC,
        resume: reloaded(first),
      });
      await expect(steps.next()).rejects.toMatchObject({ code: 'federated/state-mismatch' });
    }
  });

  it('names nobody in a state that is no secret', async () => {
    const { fingerprint } = reloaded(await run({}, {}, 1));
    expect(fingerprint).not.toContain('user-');
  });

  it('is no charged run when it began as an uncharged one, nor secure when its noise was not', async () => {
    const uncharged = reloaded(await run({}, {}, 2));
    const budget = await budgetOf({ currency: 'gdp', user: { epsilon: 50 } });
    await expect(run({ resume: uncharged }, { budget })).rejects.toMatchObject({
      code: 'federated/state-mismatch',
    });
    const seeded = reloaded(await run({}, { random: new SeededRandom(1) }, 2));
    await expect(run({ resume: seeded })).rejects.toMatchObject({
      code: 'federated/state-mismatch',
    });
  });

  it.each<Partial<FedAvgOptions>>([
    { runId: 'another' },
    { rounds: 9 },
    { clippingNorm: 2 },
    { noiseMultiplier: 1 },
    { serverLearningRate: 3 },
    { optimiser: momentumSteps(0) },
    { participation: { kind: 'fixed-size', cohortSize: 10 } },
  ])('refuses to go on as %j', async (options) => {
    const first = await run({}, {}, 2);
    await expect(run({ ...options, resume: reloaded(first) })).rejects.toMatchObject({
      code: 'federated/state-mismatch',
    });
  });

  it('refuses states that are damaged', async () => {
    const first = await run(CYCLIC, {}, 2);
    const state = reloaded(first);
    for (const broken of [
      { ...state, round: 1 },
      { ...state, released: [1, 3] },
      { ...state, parameters: new Float64Array(5) },
      { ...state, secrets: null },
      { ...state, optimiser: { rounds: 2, slots: [new Float64Array(6)] } },
    ]) {
      await expect(run({ ...CYCLIC, resume: broken })).rejects.toMatchObject({
        code: 'federated/state-mismatch',
      });
    }
    const bytes = encodeFedAvgState(state);
    for (const wrong of [bytes.subarray(0, 40), new Uint8Array(0), Uint8Array.of(1, 2, 3)]) {
      expect(() => decodeFedAvgState(wrong)).toThrow(
        expect.objectContaining({ code: 'federated/state-mismatch' }),
      );
    }
  });
});

describe('a round that was charged and lost', () => {
  const noiseMultiplier = 40;

  /** What a user has spent. */
  async function spent(budget: PrivacyBudgetAccountant, account = 'user-0'): Promise<number> {
    return (await budget.remaining(account))[0]?.spent as number;
  }

  /** Two rounds are saved, the third is released and its state never reaches the disk. */
  async function crash(options: Partial<FedAvgOptions>, environment: Partial<RoundEnvironment>) {
    const first = await run(options, environment, 3);
    return decodeFedAvgState(encodeFedAvgState((first.rounds[1] as FedAvgRound).state));
  }

  it('stops the run unless its owner chose to skip it', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const resume = await crash({ noiseMultiplier }, { budget });
    await expect(run({ noiseMultiplier, resume }, { budget })).rejects.toMatchObject({
      code: 'federated/round-closed',
      details: { roundId: 'run/3' },
    });
  });

  it('is skipped, stays charged, and leaves no trace in the model', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const resume = await crash({ noiseMultiplier }, { budget });
    const { rounds, result } = await run(
      { noiseMultiplier, resume, onLostRound: 'skip' },
      { budget },
    );
    expect(rounds.map(({ round }) => round)).toEqual([4, 5, 6, 7, 8]);
    expect(result).toMatchObject({ completedRounds: 7, lostRounds: [3], refusal: null });
    // Eight rounds were paid for, not seven and not nine.
    const untouched = await budgetOf({ currency: 'gdp' });
    await run({ noiseMultiplier }, { budget: untouched });
    expect(await spent(budget)).toBe(await spent(untouched));
    expect((await budget.summary())[0]?.releases).toBe(8);
  });

  it('of a public sample is lost though another sample is drawn', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const options: Partial<FedAvgOptions> = {
      noiseMultiplier,
      participation: { kind: 'fixed-size', cohortSize: 20 },
      normaliser: 20,
    };
    const resume = await crash(options, { budget });
    await expect(run({ ...options, resume }, { budget })).rejects.toMatchObject({
      code: 'federated/round-closed',
    });
    const { result } = await run({ ...options, resume, onLostRound: 'skip' }, { budget });
    expect(result).toMatchObject({ completedRounds: 7, lostRounds: [3] });
    expect((await budget.summary())[0]?.releases).toBe(8);
  });

  it('is not lost but refused when its id came with another price', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    await run({ noiseMultiplier }, { budget }, 1);
    await expect(
      run({ noiseMultiplier: 2 * noiseMultiplier, onLostRound: 'skip' }, { budget }),
    ).rejects.toMatchObject({ code: 'dp/idempotency-conflict' });
  });

  it('is skipped from the very start when no state was saved', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    await run({ noiseMultiplier }, { budget }, 2);
    const { result } = await run({ noiseMultiplier, onLostRound: 'skip' }, { budget });
    expect(result).toMatchObject({ completedRounds: 6, lostRounds: [1, 2] });
  });
});

describe('a correlated run under a budget', () => {
  const options = { ...CYCLIC, noiseMultiplier: 20 };

  it('charges each account once, for all its rounds, before the first', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const seen: number[] = [];
    const steps = runFedAvg(
      { ...SIMULATION, budget },
      model,
      model.initialParameters(),
      clientsOf(40),
      { ...base, ...options, rounds: 8, journal: new LastingJournal() },
    );
    for (let step = await steps.next(); !step.done; step = await steps.next()) {
      seen.push((await budget.remaining('user-0'))[0]?.spent as number);
    }
    expect(seen.length).toBe(8);
    expect(seen.every((value) => value === seen[0] && value > 0)).toBe(true);
    expect((await budget.summary())[0]?.releases).toBe(4);
    // Two participations of noise 20 each.
    const other = await budgetOf({ currency: 'gdp' });
    await run({ noiseMultiplier: 20, rounds: 2 }, { budget: other });
    expect(seen[0]).toBeCloseTo((await other.remaining('user-0'))[0]?.spent as number, 6);
  });

  it('needs a record of its rounds that survives it', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    for (const journal of [{}, { journal: new MemoryRoundJournal() }]) {
      await expect(run({ ...options, ...journal }, { budget })).rejects.toMatchObject({
        code: 'federated/volatile-journal',
      });
    }
    expect((await budget.summary())[0]?.releases).toBe(0);
  });

  it('never runs a round again that may have been released', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const journal = new LastingJournal();
    const first = await run({ ...options, journal }, { budget }, 6);
    // The state after round 5 was saved; round 6 was released and its noise is lost.
    const resume = (first.rounds[4] as FedAvgRound).state;
    await expect(run({ ...options, journal, resume }, { budget })).rejects.toMatchObject({
      code: 'federated/round-closed',
    });
    const second = await run({ ...options, journal, resume, onLostRound: 'skip' }, { budget });
    expect(second.result).toMatchObject({ completedRounds: 7, lostRounds: [6] });
    // The noise knows of the lost round too, or its echoes would come a round late.
    expect(second.rounds.at(-1)?.state.secrets?.rounds).toBe(8);
    expect((await budget.summary())[0]?.releases).toBe(4);
  });

  it('takes nobody in who has not paid for the run', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const journal = new LastingJournal();
    const first = await run({ ...options, journal }, { budget }, 4);
    const resume = (first.rounds[3] as FedAvgRound).state;
    await expect(
      run({ ...options, journal, resume }, { budget }, undefined, 41),
    ).rejects.toMatchObject({ code: 'federated/state-mismatch' });
    // As many clients, but in the first group somebody took the place of another; and no state to show it.
    const clients = clientsOf(40);
    clients[0] = clientsOf(41)[40] as FederatedClient;
    const steps = runFedAvg({ ...SIMULATION, budget }, model, model.initialParameters(), clients, {
      ...base,
      ...options,
      journal,
    });
    await expect(steps.next()).rejects.toMatchObject({ code: 'dp/idempotency-conflict' });
  });

  it('takes nobody twice: an account in every group would pay for its echoes in none', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const groups = clientsOf(40).map((client, i) =>
      i < 4 ? (clientsOf(1)[0] as typeof client) : client,
    );
    for (const change of [options, { noiseMultiplier: 20 }]) {
      const steps = runFedAvg({ ...SIMULATION, budget }, model, model.initialParameters(), groups, {
        ...base,
        ...change,
        journal: new LastingJournal(),
      });
      await expect(steps.next()).rejects.toMatchObject({
        code: 'federated/duplicate-contribution',
      });
    }
    expect((await budget.summary())[0]?.releases).toBe(0);
  });
});

describe('a budget that ends', () => {
  it('ends the run with what it has, by the limit that was planned', async () => {
    const noiseMultiplier = calibrateGaussian({ epsilon: 1, delta: 1e-6 }) * Math.sqrt(4);
    const budget = await budgetOf({ currency: 'gdp', user: { epsilon: 1.0001 } });
    const { rounds, result } = await run(
      { noiseMultiplier },
      { budget, random: new SecureRandom() },
    );
    expect(rounds.length).toBe(4);
    expect(result.completedRounds).toBe(4);
    expect(result.refusal?.limit).toBe('user-total');
    expect(fedAvgPlan(SIMULATION, 40, { rounds: 4, noiseMultiplier }).event).toEqual({
      kind: 'repeated',
      count: 4,
      event: { kind: 'gaussian', noiseMultiplier },
    });
  });
});
