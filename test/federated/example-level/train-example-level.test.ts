import { describe, expect, it, vi } from 'vitest';
import { selectKernels } from '../../../src/core/kernels/select.ts';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  epsilonOfPlan,
  MemoryBudgetStore,
  openBudget,
  type PrivacyBudgetAccountant,
} from '../../../src/dp/index.ts';
import {
  type ExampleLevelOptions,
  type ExampleStepReport,
  trainExampleLevel,
} from '../../../src/federated/example-level/train-example-level.ts';
import { EmbeddingBag } from '../../../src/federated/models/embedding-bag.ts';
import { LogisticModel } from '../../../src/federated/models/logistic-model.ts';
import type { Batch } from '../../../src/federated/models/trainable.ts';

const WIDTH = 4;
const model = new LogisticModel({ inputDimension: WIDTH, outputDimension: 1 });

/** A task that a line solves: the label is the sign of the first feature. */
function separable(rows: number): Batch {
  const random = new SeededRandom('separable');
  const features = Float32Array.from({ length: rows * WIDTH }, () => random.uniform() - 0.5);
  const labels = Float32Array.from({ length: rows }, (_, row) =>
    (features[row * WIDTH] as number) > 0 ? 1 : 0,
  );
  return { rows, features, labels };
}

function options(more: Partial<ExampleLevelOptions> = {}): ExampleLevelOptions {
  return {
    model,
    examples: separable(1_000),
    sampling: { kind: 'poisson', batchSize: 100 },
    steps: 60,
    clip: { kind: 'global', norm: 0.5 },
    guarantee: { relation: 'add-or-remove-one-user', delta: 1e-5, epsilon: 2 },
    learningRate: 4,
    random: new SeededRandom('train'),
    ...more,
  };
}

async function trained(more: Partial<ExampleLevelOptions> = {}): Promise<{
  parameters: Float32Array;
  epsilon: number | null;
  noiseMultiplier: number;
  clippingNorm: number;
}> {
  const outcome = await trainExampleLevel(options(more));
  if (outcome.kind !== 'trained') throw new Error('expected a trained model');
  const epsilon = outcome.statement.epsilon?.upper ?? null;
  return { ...outcome, epsilon };
}

function accuracy(parameters: Float32Array, { rows, features, labels }: Batch): number {
  const scores = new Float32Array(rows);
  model.predict(parameters, features, rows, scores);
  return scores.filter((score, row) => score > 0.5 === (labels[row] === 1)).length / rows;
}

const NO_NOISE = { relation: 'add-or-remove-one-user', delta: 1e-5, noiseMultiplier: 0 } as const;

describe('trainExampleLevel', () => {
  it('learns within the epsilon it was given', async () => {
    const outcome = await trainExampleLevel(options({ random: new SecureRandom() }));
    if (outcome.kind !== 'trained') throw new Error('expected a trained model');
    const { parameters, plan, noiseMultiplier, statement } = outcome;
    expect(accuracy(parameters, separable(1_000))).toBeGreaterThan(0.85);
    expect(plan).toEqual({
      unit: 'example',
      relation: 'add-or-remove-one-user',
      event: {
        kind: 'repeated',
        count: 60,
        event: {
          kind: 'poisson-sampled',
          samplingRate: 0.1,
          event: { kind: 'gaussian', noiseMultiplier },
        },
      },
    });
    expect(epsilonOfPlan(plan, 1e-5).upper).toBeLessThanOrEqual(2);
    expect(statement.epsilon?.upper).toBeLessThanOrEqual(2);
    expect(statement.unit).toBe('example');
    expect(statement.insecure).toBe(false);
  });

  it('without noise and sampling is gradient descent', async () => {
    const examples = separable(200);
    const { parameters, epsilon } = await trained({
      examples,
      sampling: { kind: 'full' },
      clip: { kind: 'global', norm: 100 },
      guarantee: NO_NOISE,
      steps: 25,
      momentum: 0.8,
      learningRate: (step) => 2 / step,
    });
    const expected = model.initialParameters();
    const gradient = new Float32Array(WIDTH);
    const velocity = new Float64Array(WIDTH);
    for (let step = 1; step <= 25; step++) {
      model.gradient(expected, examples, gradient);
      for (let i = 0; i < WIDTH; i++) {
        velocity[i] = 0.8 * (velocity[i] as number) + (gradient[i] as number) / 200;
        expected[i] = (expected[i] as number) - (2 / step) * (velocity[i] as number);
      }
    }
    for (let i = 0; i < WIDTH; i++) expect(parameters[i]).toBeCloseTo(expected[i] as number, 3);
    expect(epsilon).toBeNull();
  });

  it.each([
    ['tail', { kind: 'tail', share: 0.4 }],
    ['exponential', { kind: 'exponential', decay: 0.75 }],
  ] as const)('averages the iterates: %s', async (_, averaging) => {
    const seen: number[][] = [];
    const shared = {
      guarantee: NO_NOISE,
      steps: 10,
      initialParameters: Float32Array.of(1, 2, 3, 4),
    };
    const { parameters } = await trained({
      ...shared,
      averaging,
      onStep: (report) => void seen.push([...report.parameters]),
    });
    let expected = [1, 2, 3, 4];
    if (averaging.kind === 'tail') {
      expected = expected.map(
        (_, i) => seen.slice(6).reduce((sum, at) => sum + (at[i] ?? 0), 0) / 4,
      );
    } else {
      for (const at of seen) expected = expected.map((e, i) => 0.75 * e + 0.25 * (at[i] ?? 0));
    }
    for (let i = 0; i < WIDTH; i++) expect(parameters[i]).toBeCloseTo(expected[i] as number, 5);
  });

  it('says that seeded noise protects nobody', async () => {
    const guarantee = { ...NO_NOISE, noiseMultiplier: 2 };
    const outcome = await trainExampleLevel(options({ steps: 2, guarantee }));
    expect(outcome).toMatchObject({ statement: { insecure: true } });
  });

  it('repeats itself under a seed, whatever the steps are taken in', async () => {
    const run = { steps: 20, guarantee: { ...NO_NOISE, noiseMultiplier: 2 } };
    const seeded = (): Partial<ExampleLevelOptions> => ({
      ...run,
      random: new SeededRandom('train'),
    });
    const first = await trained(seeded());
    expect((await trained(seeded())).parameters).toEqual(first.parameters);
    expect((await trained({ ...seeded(), onStep: () => {} })).parameters).toEqual(first.parameters);
    const other = await trained({ ...run, random: new SeededRandom('another') });
    expect(other.parameters).not.toEqual(first.parameters);
  });

  it('follows the quantile with its norm, inside the same epsilon', async () => {
    const reports: ExampleStepReport[] = [];
    const examples = separable(4_000);
    const { clippingNorm, epsilon, parameters } = await trained({
      examples,
      sampling: { kind: 'poisson', batchSize: 1_000 },
      steps: 150,
      learningRate: 0.01,
      clip: {
        kind: 'adaptive',
        initialNorm: 20,
        targetQuantile: 0.5,
        learningRate: 0.3,
        countNoiseMultiplier: 30,
      },
      onStep: (report) => void reports.push(report),
    });
    const gradientNorms = new Float32Array(4_000);
    model.gradientNorms(parameters, examples, gradientNorms);
    const under = gradientNorms.filter((norm) => norm <= clippingNorm).length / 4_000;
    expect(under).toBeGreaterThan(0.35);
    expect(under).toBeLessThan(0.65);
    expect(epsilon).toBeLessThanOrEqual(2);
    expect(reports[0]?.noisyShare).toBeGreaterThan(0.7);
  });

  it('clips by layers', async () => {
    const whole = await trained({ guarantee: NO_NOISE });
    const layered = await trained({
      guarantee: NO_NOISE,
      clip: { kind: 'layers', norms: [0.5] },
    });
    for (let i = 0; i < WIDTH; i++) {
      expect(layered.parameters[i]).toBeCloseTo(whole.parameters[i] as number, 3);
    }
    const two = trained({ clip: { kind: 'layers', norms: [0.5, 0.5] } });
    await expect(two).rejects.toMatchObject({ code: 'dp/invalid-parameter' });
  });

  it('takes samples of fixed size under replacing, and only there', async () => {
    const fixed = { sampling: { kind: 'fixed-size', batchSize: 100 } } as const;
    const { epsilon } = await trained({
      ...fixed,
      guarantee: { relation: 'replace-one-user', delta: 1e-5, noiseMultiplier: 2 },
    });
    expect(epsilon).toBeGreaterThan(0);
    const coming = trained({
      ...fixed,
      guarantee: { relation: 'add-or-remove-one-user', delta: 1e-5, noiseMultiplier: 2 },
    });
    await expect(coming).rejects.toMatchObject({ code: 'dp/unsupported-event' });
  });

  it('tells the energy of the noisy sum over that of the noise', async () => {
    const examples = { ...separable(500), features: new Float32Array(500 * WIDTH) };
    const energies: number[] = [];
    await trained({
      examples,
      guarantee: { relation: 'add-or-remove-one-user', delta: 1e-5, noiseMultiplier: 1 },
      steps: 500,
      onStep: ({ energyOverNoise }) => void energies.push(energyOverNoise),
    });
    const mean = energies.reduce((sum, value) => sum + value, 0) / energies.length;
    // Of 2,000 squared normals; six deviations are a false alarm of 2e-9.
    expect(Math.abs(mean - 1)).toBeLessThan(6 * Math.sqrt(2 / 2_000));
  });

  it('says where a value is no number, and not what it is', async () => {
    const examples = separable(100);
    examples.features[3 * WIDTH + 2] = Number.NaN;
    const run = trainExampleLevel(options({ examples, sampling: { kind: 'full' } }));
    await expect(run).rejects.toMatchObject({
      code: 'federated/non-finite',
      details: { name: 'features', row: 3, column: 2 },
    });
  });

  it('refuses rows that the model cannot work with before anything is released', async () => {
    const bag = new EmbeddingBag({
      ...{ items: 5, capacity: WIDTH, pooling: 'mean', dimension: 2, hidden: [], seed: 1 },
      ...{ outputDimension: 1, activation: 'relu', loss: 'sigmoid' },
    });
    const features = Float32Array.from({ length: 1_000 * WIDTH }, (_, i) => i % 5);
    const examples = { ...separable(1_000), features };
    const onStep = vi.fn();
    const guarantee = { ...NO_NOISE, noiseMultiplier: 2 };
    const run = { model: bag, examples, onStep, guarantee, steps: 3 };
    const outcome = await trainExampleLevel(options(run));
    expect(outcome).toMatchObject({
      statement: {
        sideChannelsNotCovered: expect.arrayContaining([
          expect.stringMatching('refusal of unusable examples'),
        ]),
      },
    });
    expect(onStep).toHaveBeenCalledTimes(3);
    features[777 * WIDTH + 2] = 50;
    // One that samples of this size meet in one step of a hundred.
    const rare = { ...run, sampling: { kind: 'poisson', batchSize: 10 } } as const;
    await expect(trainExampleLevel(options(rare))).rejects.toMatchObject({
      code: 'federated/invalid-contribution',
      details: { row: 777, place: 2 },
      message: expect.not.stringContaining('50'),
    });
    expect(onStep).toHaveBeenCalledTimes(3);
  });

  it('lets the crew go when the leader has no memory', async () => {
    const spy = vi.spyOn(selectKernels(), 'workspace');
    const fail = vi.fn();
    const crew = {
      members: 2,
      allocate: null,
      start: async () => {
        spy.mockImplementation(() => {
          throw new Error('no memory');
        });
        return { wait: () => {}, fail };
      },
    };
    try {
      await expect(trainExampleLevel(options({ crew, guarantee: NO_NOISE }))).rejects.toThrow(
        'no memory',
      );
    } finally {
      spy.mockRestore();
    }
    expect(fail).toHaveBeenCalled();
  });

  it.each([
    [
      'a delta that protects nobody',
      { guarantee: { ...NO_NOISE, delta: 0.5 } },
      'dp/delta-too-large',
    ],
    ['no examples', { examples: separable(0) }, 'data/empty'],
    ['a norm of 0', { clip: { kind: 'global', norm: 0 } }, 'dp/invalid-parameter'],
    ['negative noise', { guarantee: { ...NO_NOISE, noiseMultiplier: -1 } }, 'dp/invalid-parameter'],
    [
      'steps beyond all numbers',
      { learningRate: 1e42, guarantee: NO_NOISE },
      'federated/non-finite',
    ],
    [
      'a count that costs more than the release',
      {
        guarantee: { ...NO_NOISE, noiseMultiplier: 2 },
        clip: {
          kind: 'adaptive',
          initialNorm: 1,
          targetQuantile: 0.5,
          learningRate: 0.2,
          countNoiseMultiplier: 2,
        },
      },
      'dp/invalid-parameter',
    ],
  ] as const)('refuses %s', async (_, more, code) => {
    await expect(trainExampleLevel(options(more))).rejects.toMatchObject({ code });
  });

  it.each([
    ['momentum', { momentum: 1 }],
    ['features', { examples: { ...separable(10), features: new Float32Array(3) } }],
    ['initialParameters', { initialParameters: new Float32Array(3) }],
    ['steps', { steps: 0 }],
    ['chunkCapacity', { chunkCapacity: 5_000 }],
    ['share', { averaging: { kind: 'tail', share: 0 } }],
    ['decay', { averaging: { kind: 'exponential', decay: 1 } }],
  ] as const)('refuses a wrong "%s"', async (name, more) => {
    await expect(trainExampleLevel(options(more))).rejects.toThrow(`"${name}"`);
  });

  it('wants either an epsilon or a noise multiplier', async () => {
    const both = { ...NO_NOISE, epsilon: 1 };
    await expect(trainExampleLevel(options({ guarantee: both }))).rejects.toThrow(TypeError);
  });

  it('stops when asked to', async () => {
    const signal = AbortSignal.abort();
    await expect(trainExampleLevel(options({ signal }))).rejects.toMatchObject({
      code: 'core/aborted',
    });
  });
});

describe('a budget of examples', () => {
  const terms = { unit: 'example', relation: 'add-or-remove-one-user' } as const;
  const steps = 20;

  /** Room for two runs of the plan, for everybody in the population `train`. */
  async function openFor(noiseMultiplier: number): Promise<PrivacyBudgetAccountant> {
    const run = await trainExampleLevel(
      options({ steps, guarantee: { ...NO_NOISE, noiseMultiplier } }),
    );
    if (run.kind !== 'trained') throw new Error('expected a trained model');
    const twice = { kind: 'repeated', count: 2, event: run.plan.event } as const;
    const epsilon = epsilonOfPlan({ ...run.plan, event: twice }, 1e-5, 'rdp').upper * 1.001;
    const budget = await openBudget({
      policy: {
        version: 1,
        currency: 'rdp',
        delta: 1e-5,
        user: { epsilon },
        scenes: { default: {} },
        plannedRun: twice,
        reservationLease: 'PT10M',
      },
      ...terms,
      store: new MemoryBudgetStore(),
      secrets: [new Uint8Array(32).fill(7)],
    });
    await budget.join(
      'train',
      Array.from({ length: 1_000 }, (_, i) => `example-${i}`),
    );
    return budget;
  }

  const run = (budget: PrivacyBudgetAccountant, runId: string): Partial<ExampleLevelOptions> => ({
    steps,
    guarantee: { ...NO_NOISE, noiseMultiplier: 1.5 },
    random: new SecureRandom(),
    charge: { budget, scene: 'default', runId, population: 'train' },
  });

  it('is asked for the whole run first, and refuses one too many', async () => {
    const budget = await openFor(1.5);
    for (const runId of ['first', 'second']) {
      const outcome = await trainExampleLevel(options(run(budget, runId)));
      expect(outcome.kind).toBe('trained');
      if (outcome.kind === 'trained') expect(outcome.statement.simulation).toBeNull();
    }
    let steps = 0;
    const third = await trainExampleLevel(
      options({ ...run(budget, 'third'), onStep: () => void steps++ }),
    );
    expect(third).toMatchObject({ kind: 'refused', refusal: { limit: 'user-total' } });
    expect(steps).toBe(0);
    await budget.close();
  });

  it('does not run twice under one id', async () => {
    const budget = await openFor(1.5);
    await trainExampleLevel(options(run(budget, 'same')));
    const again = trainExampleLevel(options(run(budget, 'same')));
    await expect(again).rejects.toMatchObject({ code: 'federated/round-closed' });
    await budget.close();
  });

  it('is not asked for examples that cannot be used', async () => {
    const budget = await openFor(1.5);
    const reserve = vi.spyOn(budget, 'reserve');
    const examples = separable(1_000);
    examples.labels[5] = Number.NaN;
    const unusable = trainExampleLevel(options({ ...run(budget, 'unusable'), examples }));
    await expect(unusable).rejects.toMatchObject({ code: 'federated/non-finite' });
    expect(reserve).not.toHaveBeenCalled();
    await budget.close();
  });

  it('stays charged when the run breaks off', async () => {
    const budget = await openFor(1.5);
    const broken = options({
      ...run(budget, 'broken'),
      onStep: () => {
        throw new Error('of the caller');
      },
    });
    await expect(trainExampleLevel(broken)).rejects.toThrow('of the caller');
    expect((await trainExampleLevel(options(run(budget, 'second')))).kind).toBe('trained');
    expect((await trainExampleLevel(options(run(budget, 'third')))).kind).toBe('refused');
    await budget.close();
  });
});
