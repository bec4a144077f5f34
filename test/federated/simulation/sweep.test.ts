import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  type SweepCellResult,
  type SweepGrid,
  splitUsers,
  sweep,
  sweepCells,
} from '../../../src/federated/simulation/sweep.ts';
import type { TagExperiment } from '../../../src/federated/simulation/sweep-run.ts';

const USERS = 80;
const TAGS = ['a', 'b', 'c'];

function experiment(): TagExperiment {
  const random = new SeededRandom('experiment');
  const phi = new Float32Array(USERS * TAGS.length);
  const labels = new Float32Array(USERS * TAGS.length);
  for (let user = 0; user < USERS; user++) {
    phi[user * TAGS.length + (user % TAGS.length)] = 1;
    for (let tag = 0; tag < TAGS.length; tag++) {
      const chance = tag === user % TAGS.length ? 0.8 : 0.2;
      labels[user * TAGS.length + tag] = random.uniform() < chance ? 1 : 0;
    }
  }
  return {
    table: {
      users: Array.from({ length: USERS }, (_, user) => `u${user}`),
      tags: TAGS,
      phi,
      history: phi,
      labels,
    },
    features: TAGS,
    prior: { labelDensity: 0.3, persistence: 0 },
    hasHistory: true,
  };
}

const GRID: SweepGrid = {
  methods: ['one-shot', 'fedavg'],
  epsilons: [2, Infinity],
  rounds: [2],
  delta: 1e-5,
  repeats: 2,
  seed: 5,
  testFraction: 0.25,
  minimumCohort: 10,
  insecureNoise: true,
};

/** What a result says but for the time it took. */
function timeless(results: readonly SweepCellResult[]): unknown[] {
  return results.map(({ seconds, ...rest }) => rest);
}

describe('sweepCells', () => {
  it('is every combination once, non-private first, with names of their own', () => {
    const cells = sweepCells({
      ...GRID,
      methods: ['one-shot', 'preconditioned'],
      rounds: [null, 4],
      clippingNorms: [0.5, 1],
      cohorts: [30],
      noiseMultipliers: [3],
    });
    // One-shot has no rounds: 2 settings, preconditioned 4; 3 prices, 2 repeats.
    expect(cells).toHaveLength((2 + 4) * 3 * 2);
    expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
    expect(cells[0]).toMatchObject({
      epsilon: Infinity,
      setting: 'one-shot, clip 0.5, 30 users',
      rounds: null,
    });
    const noisy = cells.filter(({ noiseMultiplier }) => noiseMultiplier === 3);
    expect(noisy).toHaveLength(12);
    // Φ(1/6 − 3ε) − e^ε Φ(−1/6 − 3ε) = 1e-5 at µ = 1/3.
    expect(noisy[0]?.epsilon).toBeCloseTo(1.27, 2);
  });

  it.each([
    { methods: [] },
    { epsilons: [] },
    { epsilons: [0] },
    { epsilons: [1, 1] },
    { epsilons: [Number.NaN] },
    { noiseMultipliers: [0] },
    { noiseMultipliers: [2, 2] },
    { rounds: [0] },
    { rounds: [1.5] },
    { clippingNorms: [-1] },
    { cohorts: [] },
    { repeats: 0 },
    { seed: 0.5 },
    { testFraction: 0 },
    { testFraction: 1 },
  ])('refuses %j', (wrong) => {
    expect(() => sweepCells({ ...GRID, ...wrong })).toThrow(RangeError);
  });
});

describe('splitUsers', () => {
  it('parts the users by the seed alone', () => {
    const { trainingRows, evaluationRows } = splitUsers(10, 0.25, 3);
    expect([trainingRows.length, evaluationRows.length]).toEqual([8, 2]);
    expect(new Set([...trainingRows, ...evaluationRows]).size).toBe(10);
    expect(splitUsers(10, 0.25, 3)).toEqual({ trainingRows, evaluationRows });
    expect(splitUsers(10, 0.25, 4)).not.toEqual({ trainingRows, evaluationRows });
    expect(splitUsers(10, 0, 3).evaluationRows).toHaveLength(0);
  });
});

describe('sweep', () => {
  it('gives the same results one by one, side by side and continued', async () => {
    const alone = await sweep(experiment(), GRID);
    const sideBySide = await sweep(experiment(), GRID, { concurrency: 3 });
    expect(timeless(sideBySide)).toEqual(timeless(alone));
    const ran: string[] = [];
    const continued = await sweep(experiment(), GRID, {
      finished: alone.slice(2, 5),
      onCell: ({ cell }) => void ran.push(cell.id),
    });
    expect(timeless(continued)).toEqual(timeless(alone));
    expect(ran).toHaveLength(alone.length - 3);
    expect(alone.every(({ trainingUsers }) => trainingUsers === 60)).toBe(true);
    expect(alone[0]?.statement?.epsilon).toBeNull();
  });

  it('trains on as many users as asked, and watches the first repeat only', async () => {
    const results = await sweep(experiment(), { ...GRID, cohorts: [20] });
    expect(results.map(({ trainingUsers }) => trainingUsers)).toEqual(results.map(() => 20));
    const watched = results.filter(({ cell }) => cell.method === 'fedavg');
    expect(watched.map(({ rounds }) => rounds.length)).toEqual([2, 0, 2, 0]);
  });

  it('stops between cells when it is told to, and keeps what was done', async () => {
    const stop = new AbortController();
    const kept: string[] = [];
    const run = sweep(experiment(), GRID, {
      signal: stop.signal,
      onCell: ({ cell }) => {
        kept.push(cell.id);
        if (kept.length === 2) stop.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'core/aborted' });
    expect(kept).toHaveLength(2);
  });

  it('refuses a cohort below the minimum', async () => {
    await expect(sweep(experiment(), { ...GRID, minimumCohort: 61 })).rejects.toMatchObject({
      code: 'federated/cohort-too-small',
    });
  });
});
