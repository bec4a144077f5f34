import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlainKernels } from '../../src/core/kernels/plain.ts';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import {
  type ExampleLevelOptions,
  trainExampleLevel,
} from '../../src/federated/example-level/train-example-level.ts';
import { LogisticModel } from '../../src/federated/models/logistic-model.ts';
import { DpSgdCrew } from '../../src/node/dp-sgd-workers.ts';

const shape = { inputDimension: 40, outputDimension: 70 } as const;
const random = new SeededRandom('dp-sgd-workers');
const rows = 900;
const examples = {
  rows,
  features: Float32Array.from({ length: rows * 40 }, () => random.uniform() - 0.5),
  labels: Float32Array.from({ length: rows * 70 }, () => (random.uniform() < 0.3 ? 1 : 0)),
};

function options(more: Partial<ExampleLevelOptions> = {}): ExampleLevelOptions {
  return {
    model: new LogisticModel(shape),
    examples,
    sampling: { kind: 'poisson', batchSize: 200 },
    steps: 12,
    clip: {
      kind: 'adaptive',
      initialNorm: 1,
      targetQuantile: 0.5,
      learningRate: 0.2,
      countNoiseMultiplier: 20,
    },
    guarantee: { relation: 'add-or-remove-one-user', delta: 1e-5, noiseMultiplier: 1 },
    learningRate: 0.5,
    momentum: 0.5,
    averaging: { kind: 'tail', share: 0.5 },
    chunkCapacity: 48,
    random: new SeededRandom('run'),
    ...more,
  };
}

async function trained(given: ExampleLevelOptions): Promise<Float32Array> {
  const outcome = await trainExampleLevel(given);
  if (outcome.kind !== 'trained') throw new Error('expected a trained model');
  return outcome.parameters;
}

describe('DpSgdCrew', () => {
  let two: DpSgdCrew;
  beforeAll(() => {
    two = new DpSgdCrew(2, { kind: 'logistic', ...shape });
  });
  afterAll(() => two.close());

  it('gives the same model to the bit as one thread does', async () => {
    const alone = await trained(options());
    expect(await trained(options({ crew: two }))).toEqual(alone);
    const three = new DpSgdCrew(3, { kind: 'logistic', ...shape });
    try {
      expect(await trained(options({ crew: three }))).toEqual(alone);
    } finally {
      await three.close();
    }
  });

  it('serves one run after the other, also after one that was stopped', async () => {
    const stop = new AbortController();
    const stopped = trainExampleLevel(
      options({
        crew: two,
        signal: stop.signal,
        onStep: ({ step }) => {
          if (step === 5) stop.abort();
        },
      }),
    );
    await expect(stopped).rejects.toMatchObject({ code: 'core/aborted' });
    expect(await trained(options({ crew: two }))).toEqual(await trained(options()));
  });

  it('ends the run of all when the leader fails', async () => {
    const failing = options({
      crew: two,
      onStep: () => {
        throw new Error('of the caller');
      },
    });
    await expect(trainExampleLevel(failing)).rejects.toThrow('of the caller');
    expect(await trained(options({ crew: two }))).toEqual(await trained(options()));
  });

  it('says why a thread has no model', async () => {
    const crew = new DpSgdCrew(2, {
      kind: 'module',
      url: new URL('./fixtures/failing-model.ts', import.meta.url).href,
      name: 'NoSuchModel',
      options: {},
    });
    try {
      await expect(trainExampleLevel(options({ crew }))).rejects.toThrow('NoSuchModel');
    } finally {
      await crew.close();
    }
  });

  it('refuses a model of another size than that of the run', async () => {
    const crew = new DpSgdCrew(2, { kind: 'logistic', inputDimension: 3, outputDimension: 2 });
    try {
      await expect(trainExampleLevel(options({ crew }))).rejects.toThrow('6 parameters');
    } finally {
      await crew.close();
    }
  });

  it('refuses a thread whose class computes something else', async () => {
    const url = new URL('./fixtures/failing-model.ts', import.meta.url).href;
    const crew = new DpSgdCrew(2, { kind: 'module', url, name: 'OtherModel', options: shape });
    try {
      await expect(trainExampleLevel(options({ crew }))).rejects.toThrow('"source"');
    } finally {
      await crew.close();
    }
  });

  it('refuses a thread that computes on other kernels, and works on', async () => {
    const model = new LogisticModel({ ...shape, kernels: new PlainKernels() });
    await expect(trainExampleLevel(options({ crew: two, model }))).rejects.toThrow('"source"');
    expect(await trained(options({ crew: two }))).toEqual(await trained(options()));
  });

  it('fails for all when a thread fails in the middle', async () => {
    const url = new URL('./fixtures/failing-model.ts', import.meta.url).href;
    const crew = new DpSgdCrew(2, { kind: 'module', url, name: 'FailingModel', options: shape });
    try {
      const run = trainExampleLevel(options({ crew, steps: 2_000 }));
      await expect(run).rejects.toThrow('another thread of the run has failed');
    } finally {
      await crew.close();
    }
  });

  it('refuses no threads', () => {
    expect(() => new DpSgdCrew(0, { kind: 'logistic', ...shape })).toThrow(RangeError);
  });
});
