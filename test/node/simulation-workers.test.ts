import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type SimulationOptions,
  type SimulationResult,
  type SimulationRound,
  simulate,
} from '../../src/federated/index.ts';
import { type SimulationThreads, startSimulationThreads } from '../../src/node/index.ts';
import { simulationOptions, simulationParts, type TestParts } from './fixtures/simulation-parts.ts';

const module = new URL('./fixtures/simulation-parts.ts', import.meta.url);
const parts: TestParts = { users: 40 };
const options = simulationOptions(simulationParts(parts));

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

/** Everything that does not depend on the clock. */
function course(rounds: readonly SimulationRound[]): unknown {
  return rounds.map(({ metrics: { clientsPerSecond: _, ...metrics }, ...round }) => ({
    ...round,
    metrics,
  }));
}

describe('startSimulationThreads', () => {
  let three: SimulationThreads;
  beforeAll(async () => {
    three = await startSimulationThreads({ module, data: parts, threads: 3 });
  });
  afterAll(async () => {
    await three.close();
  });

  it('comes to the same bits as one thread, run after run', async () => {
    const alone = await finish(options);
    for (const seed of ['run', 'other', 'run']) {
      const shared = await finish({ ...options, seed, workers: three });
      if (seed !== 'run') continue;
      expect(course(shared.rounds)).toEqual(course(alone.rounds));
      expect(shared.result).toEqual(alone.result);
    }
  });

  it('goes on with other threads where one thread stopped', async () => {
    const whole = await finish(options);
    const resumeFrom = whole.rounds[1]?.checkpoint as SimulationRound['checkpoint'];
    const rest = await finish({ ...options, workers: three, resumeFrom });
    expect(rest.result).toEqual(whole.result);
  });

  it('serves rounds to which nobody comes', async () => {
    const cohort = { kind: 'poisson', samplingRate: 1e-9 } as const;
    const { rounds } = await finish({ ...options, cohort, workers: three, rounds: 2 });
    expect(rounds.map(({ metrics }) => metrics.survivors)).toEqual([0, 0]);
    expect(rounds.every(({ metrics }) => metrics.clippedShare === 0)).toBe(true);
  });

  it('stops when asked, and can be used again', async () => {
    const stop = new AbortController();
    const run = simulate({ ...options, workers: three, signal: stop.signal });
    await run.next();
    stop.abort();
    await expect(run.next()).rejects.toMatchObject({ code: 'core/aborted' });
    expect((await finish({ ...options, workers: three })).rounds).toHaveLength(5);
  });

  it('refuses other terms in the threads as in this one', async () => {
    const training = { localEpochs: 0, localLearningRate: 1 };
    await expect(finish({ ...options, workers: three, training })).rejects.toThrow(
      '"localEpochs" expected a positive integer, got 0',
    );
  });
});

describe('threads that fail', () => {
  it('end a round with a coded error, and the last checkpoint stands', async () => {
    const fatal = await startSimulationThreads({
      module,
      data: { ...parts, fatal: 17 },
      threads: 2,
    });
    try {
      const lost = finish({ ...options, workers: fatal, cohort: { kind: 'full' }, dropOut: 0 });
      await expect(lost).rejects.toMatchObject({ code: 'federated/worker-lost' });
      await expect(finish({ ...options, workers: fatal })).rejects.toMatchObject({
        code: 'federated/worker-lost',
      });
    } finally {
      await fatal.close();
    }
  });

  it('pass on the mistakes of a program', async () => {
    const faulty = await startSimulationThreads({
      module,
      data: { ...parts, faulty: 17 },
      threads: 2,
    });
    try {
      const run = finish({ ...options, workers: faulty, cohort: { kind: 'full' }, dropOut: 0 });
      await expect(run).rejects.toThrow(new RangeError('no such user'));
    } finally {
      await faulty.close();
    }
  });

  it('never start on a module without parts', async () => {
    const wrong = new URL('./fixtures/sqlite-chain.ts', import.meta.url);
    await expect(startSimulationThreads({ module: wrong, threads: 1 })).rejects.toThrow(
      '"simulationParts" expected a function exported by the module, got undefined',
    );
    await expect(startSimulationThreads({ module, threads: 0 })).rejects.toThrow(RangeError);
  });
});
