import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../../src/core/errors.ts';
import {
  ArrayPopulation,
  gatherPopulation,
  LogisticModel,
  localUpdate,
  type SimulationOptions,
  type SimulationResult,
  type SimulationRound,
  SyntheticPopulation,
  simulate,
  UpdateEncoder,
} from '../../../src/federated/index.ts';
import { momentumSteps } from '../../../src/federated/methods/server-optimiser-descent.ts';

const people = gatherPopulation(
  new SyntheticPopulation({
    users: 40,
    inputDimension: 6,
    outputDimension: 3,
    rows: 7,
    seed: 'people',
    skew: { labels: 1, amount: 0.5 },
  }),
);
const model = new LogisticModel({ inputDimension: 6, outputDimension: 3 });

const options: SimulationOptions = {
  model,
  population: people,
  initialParameters: model.initialParameters(),
  rounds: 4,
  cohort: { kind: 'poisson', samplingRate: 0.5 },
  training: { localEpochs: 2, localBatchSize: 3, localLearningRate: 0.5 },
  clippingNorm: 0.3,
  noiseMultiplier: 1,
  relation: 'add-or-remove-one-user',
  delta: 1e-3,
  serverLearningRate: 1,
  seed: 'run',
  insecureNoise: true,
};

async function finish(
  given: SimulationOptions,
): Promise<{ rounds: SimulationRound[]; result: SimulationResult }> {
  const rounds: SimulationRound[] = [];
  const run = simulate(given);
  for (;;) {
    const step = await run.next();
    if (step.done) return { rounds, result: step.value };
    rounds.push(step.value);
  }
}

describe('simulate', () => {
  it('is the same to the bit under one seed, and another under another', async () => {
    const [once, again, other] = await Promise.all(
      ['run', 'run', 'other'].map((seed) => finish({ ...options, seed })),
    );
    expect(again?.result).toEqual(once?.result);
    expect(other?.result.parameters).not.toEqual(once?.result.parameters);
  });

  it('without noise and clipping sums what each client computes by itself', async () => {
    const { rounds } = await finish({
      ...options,
      rounds: 1,
      cohort: { kind: 'full' },
      training: { localEpochs: 2, localLearningRate: 0.5 },
      noiseMultiplier: 0,
      clippingNorm: 100,
    });
    const encoder = new UpdateEncoder({ dimension: model.parameterCount, clippingNorm: 100 });
    const sum = new Float64Array(model.parameterCount);
    for (let user = 0; user < people.size; user++) {
      const rows = people.rowsOf(user);
      const data = {
        rows,
        features: new Float32Array(rows * 6),
        labels: new Float32Array(rows * 3),
      };
      people.write(user, rows, data.features, data.labels);
      encoder.addTo(
        sum,
        localUpdate(model, model.initialParameters(), data, {
          localEpochs: 2,
          localLearningRate: 0.5,
        }),
      );
    }
    const mean = encoder.decodeSum(sum).sum.map((value) => value / people.size);
    expect(rounds[0]?.parameters).toEqual(Float32Array.from(mean));
    expect(rounds[0]?.metrics).toMatchObject({
      cohort: 40,
      survivors: 40,
      clippedShare: 0,
      signalToNoise: Number.POSITIVE_INFINITY,
    });
  });

  it('learns: the loss of everybody falls', async () => {
    const { rounds } = await finish({
      ...options,
      rounds: 30,
      cohort: { kind: 'full' },
      clippingNorm: 5,
      noiseMultiplier: 0.01,
    });
    const { features, labels, offsets } = people.arrays;
    const all = { rows: offsets.at(-1) as number, features, labels };
    const loss = (parameters: Float32Array): number => model.loss(parameters, all);
    const last = rounds.at(-1)?.parameters as Float32Array;
    expect(loss(last)).toBeLessThan(0.9 * loss(model.initialParameters()));
  });

  it('goes on from a checkpoint to the same bits, also with momentum and more rounds', async () => {
    const optimiser = momentumSteps(0.9);
    const whole = await finish({ ...options, optimiser, rounds: 6 });
    const part = await finish({ ...options, optimiser, rounds: 3 });
    const resumeFrom = part.rounds.at(-1)?.checkpoint as SimulationRound['checkpoint'];
    const rest = await finish({ ...options, optimiser, rounds: 6, resumeFrom });
    expect(rest.rounds.map(({ round }) => round)).toEqual([4, 5, 6]);
    expect(rest.result).toEqual(whole.result);
    expect(rest.rounds.at(-1)?.checkpoint).toEqual(whole.rounds.at(-1)?.checkpoint);
  });

  it.each([
    { seed: 'other' },
    { clippingNorm: 0.31 },
    { noiseMultiplier: 1.1 },
    { dropOut: 0.1 },
    { optimiser: momentumSteps(0.5) },
    { training: { ...options.training, localEpochs: 3 } },
    { cohort: { kind: 'full' } as const },
    { noiseCohortSize: 20 },
  ])('refuses a checkpoint under other options: %j', async (change) => {
    const { rounds } = await finish({ ...options, rounds: 1 });
    const resumeFrom = rounds[0]?.checkpoint as SimulationRound['checkpoint'];
    await expect(finish({ ...options, ...change, resumeFrom })).rejects.toMatchObject({
      code: 'federated/state-mismatch',
    });
  });

  it('scales the noise to a deployment only when asked, and says so', async () => {
    const cohort = { kind: 'full' } as const;
    const plain = await finish({ ...options, cohort });
    const scaled = await finish({ ...options, cohort, noiseCohortSize: 4000 });
    expect(plain.result.noiseRescaled).toBe(false);
    expect(scaled.result.noiseRescaled).toBe(true);
    expect(scaled.result.plan).toEqual(plain.result.plan);
    expect(scaled.result.statement.warnings.join()).toContain('cohort of 4000 out of 4000');
    expect(plain.result.statement.warnings.join()).not.toContain('scaled');
    const ratio = (run: typeof plain): number => run.rounds[0]?.metrics.signalToNoise as number;
    // A hundredth of the noise under the same updates.
    expect(ratio(scaled)).toBeGreaterThan(20 * Math.max(ratio(plain), 0.1));
  });

  it('adds noise of the deviation it states', async () => {
    // A full cohort that has nothing to say: every update is zero, so the parameters are the noise.
    const silent = new ArrayPopulation({
      inputDimension: 50,
      outputDimension: 40,
      offsets: new Uint32Array(11),
      features: new Float32Array(0),
      labels: new Float32Array(0),
    });
    const wide = new LogisticModel({ inputDimension: 50, outputDimension: 40 });
    const { rounds } = await finish({
      ...options,
      model: wide,
      population: silent,
      initialParameters: wide.initialParameters(),
      rounds: 1,
      cohort: { kind: 'full' },
      noiseMultiplier: 2,
      delta: 0.1,
      insecureNoise: false,
    });
    const stddev = (2 * options.clippingNorm) / 10;
    const noise = rounds[0]?.parameters as Float32Array;
    const energy = noise.reduce((sum, value) => sum + (value / stddev) ** 2, 0);
    // χ² of 2000 degrees, deviation √4000 = 63: six deviations are a false alarm of 2·10⁻⁹.
    expect(Math.abs(energy - 2000)).toBeLessThan(6 * Math.sqrt(4000));
  });

  it('draws other seeded noise in every round', async () => {
    // At a rate of 10⁻⁹ nobody comes: the parameters are the noise.
    const cohort = { kind: 'poisson', samplingRate: 1e-9 } as const;
    const { rounds } = await finish({ ...options, cohort, rounds: 2 });
    const [first, both] = rounds.map(({ parameters }) => parameters) as [
      Float32Array,
      Float32Array,
    ];
    expect(rounds.map(({ metrics }) => metrics.survivors)).toEqual([0, 0]);
    const ratios = Array.from(first, (value, i) => (both[i] as number) / value);
    expect(ratios.filter((ratio) => Math.abs(ratio - 2) < 0.01).length).toBeLessThan(5);
  });

  it('states the cost of the deployment, marks a seeded run and a simulation', async () => {
    const seeded = await finish({ ...options, rounds: 2 });
    expect(seeded.result.insecure).toBe(true);
    expect(seeded.result.statement).toMatchObject({ insecure: true, accountant: 'pld' });
    expect(seeded.result.statement.simulation).toContain('public data');
    expect(seeded.result.plan.event).toEqual({
      kind: 'repeated',
      count: 2,
      event: {
        kind: 'poisson-sampled',
        samplingRate: 0.5,
        event: { kind: 'gaussian', noiseMultiplier: 1 },
      },
    });
    const secure = await finish({ ...options, rounds: 1, insecureNoise: false });
    expect(secure.result.insecure).toBe(false);
    const none = await finish({ ...options, rounds: 1, noiseMultiplier: 0 });
    expect(none.result.statement.epsilon).toBeNull();
    expect(none.result.insecure).toBe(false);
  });

  it('amplifies a sample of fixed size under replacement only', async () => {
    const cohort = { kind: 'fixed-size', sampleSize: 10 } as const;
    const member = await finish({ ...options, rounds: 1, cohort });
    expect(member.result.plan.event.kind).toBe('gaussian');
    const replaced = await finish({ ...options, rounds: 1, cohort, relation: 'replace-one-user' });
    expect(replaced.result.plan.event).toMatchObject({
      kind: 'fixed-size-sampled',
      sampleSize: 10,
      populationSize: 40,
    });
  });

  it('counts absences and unusable data, and never stops for them', async () => {
    const { features, labels, ...rest } = people.arrays;
    const broken = features.slice();
    broken[0] = Number.NaN;
    const { rounds } = await finish({
      ...options,
      population: new ArrayPopulation({ ...rest, labels, features: broken }),
      cohort: { kind: 'full' },
      dropOut: 0.2,
      stragglers: { userSpread: 1, roundSpread: 0.5, deadline: 1.5 },
      rounds: 3,
    });
    for (const { metrics, parameters } of rounds) {
      expect(metrics.survivors + metrics.vanished + metrics.late).toBe(metrics.cohort);
      expect(metrics.vanished).toBeGreaterThan(0);
      expect(metrics.late).toBeGreaterThan(0);
      expect(parameters.every(Number.isFinite)).toBe(true);
    }
    const alone = new ArrayPopulation({
      ...{ inputDimension: 6, outputDimension: 3, offsets: Uint32Array.of(0, 1, 1) },
      ...{ features: broken.subarray(0, 6), labels: labels.subarray(0, 3) },
    });
    const { rounds: found } = await finish({
      ...options,
      population: alone,
      rounds: 1,
      cohort: { kind: 'full' },
      delta: 0.1,
    });
    expect(found[0]?.metrics).toMatchObject({ survivors: 2, unusable: 1, clippedShare: 0 });
  });

  it('stops when asked', async () => {
    const stop = new AbortController();
    const run = simulate({ ...options, rounds: 100, signal: stop.signal });
    await run.next();
    stop.abort();
    await expect(run.next()).rejects.toMatchObject({ code: 'core/aborted' });
  });

  it('passes on the mistakes of a program', async () => {
    const population = {
      ...{ size: 3, inputDimension: 6, outputDimension: 3, account: String, rowsOf: () => 1 },
      write: (): void => {
        throw new TypeError('no such column');
      },
    };
    await expect(finish({ ...options, population, delta: 0.1 })).rejects.toThrow('no such column');
  });

  it.each([
    [{ rounds: 0 }, RangeError],
    [{ initialParameters: [1] }, RangeError],
    [{ cohort: { kind: 'poisson', samplingRate: 0 } as const }, RangeError],
    [{ cohort: { kind: 'fixed-size', sampleSize: 41 } as const }, RangeError],
    [{ dropOut: 1 }, RangeError],
    [{ stragglers: { userSpread: -1, roundSpread: 0, deadline: 1 } }, RangeError],
    [{ noiseCohortSize: 0 }, RangeError],
    [{ serverLearningRate: Number.NaN }, RangeError],
    [{ training: { localEpochs: 0, localLearningRate: 1 } }, RangeError],
    [{ training: { localEpochs: 1, localLearningRate: 1, proximal: 2 } }, RangeError],
    [{ model: new LogisticModel({ inputDimension: 6, outputDimension: 2 }) }, RangeError],
    [{ noiseMultiplier: -1 }, VelaturaError],
    [{ noiseMultiplier: Number.NaN }, VelaturaError],
    [{ clippingNorm: 0 }, VelaturaError],
    [{ delta: 0.5 }, VelaturaError],
  ])('refuses %j', async (change, type) => {
    await expect(finish({ ...options, ...change })).rejects.toThrow(type);
  });
});
