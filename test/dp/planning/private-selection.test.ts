import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { sampleSelectionRuns, selectPrivately } from '../../../src/dp/index.ts';

const random = new SecureRandom();
/** So many runs that every candidate has its turn: ten or fewer come with a probability under 1e-10. */
const MANY = { kind: 'poisson', mean: 60 } as const;

describe('selectPrivately', () => {
  it('hands over the winner and nothing about the search', async () => {
    const found = await selectPrivately({
      candidates: ['small', 'large'],
      runs: MANY,
      run: (candidate) => ({ model: candidate, accuracy: candidate === 'large' ? 0.9 : 0.4 }),
      score: ({ accuracy }) => accuracy,
      random,
    });
    expect(found).toEqual({
      candidate: 'large',
      result: { model: 'large', accuracy: 0.9 },
      score: 0.9,
    });
  });

  it('takes the first of several best', async () => {
    let runs = 0;
    const found = await selectPrivately({
      candidates: ['only'],
      runs: MANY,
      run: () => runs++,
      score: () => 1,
      random,
    });
    expect(found?.result).toBe(0);
    expect(runs).toBeGreaterThan(1);
  });

  it('lets a run that fails, or has no score, lose', async () => {
    const errors: unknown[] = [];
    const failure = new Error('diverged');
    const found = await selectPrivately({
      candidates: [Number.NaN, 1, 2],
      runs: MANY,
      run: (candidate) => {
        if (candidate === 2) throw failure;
        return candidate;
      },
      score: (result) => result,
      random,
      onError: (error) => errors.push(error),
    });
    expect(found?.candidate).toBe(1);
    expect(new Set(errors)).toEqual(new Set([failure]));
  });

  it('has no winner when every run fails', async () => {
    const found = await selectPrivately({
      candidates: [1],
      runs: MANY,
      run: () => Promise.reject(new Error('no')),
      score: () => 1,
      random,
    });
    expect(found).toBe(null);
  });

  it('stops when it is told to, between runs and in them', async () => {
    const controller = new AbortController();
    let started = 0;
    const search = selectPrivately({
      candidates: [1],
      runs: MANY,
      run: () => {
        started++;
        controller.abort();
        throw new Error('stopped');
      },
      score: () => 1,
      random,
      signal: controller.signal,
    });
    await expect(search).rejects.toMatchObject({ code: 'core/aborted' });
    expect(started).toBe(1);
  });

  it('refuses what it cannot choose from, and laws that are none', async () => {
    const options = { run: () => 1, score: () => 1, random };
    await expect(selectPrivately({ ...options, candidates: [], runs: MANY })).rejects.toThrow(
      RangeError,
    );
    const runs = { kind: 'poisson', mean: 0 } as const;
    await expect(selectPrivately({ ...options, candidates: [1], runs })).rejects.toMatchObject({
      code: 'dp/invalid-parameter',
    });
    expect(() => sampleSelectionRuns({ ...runs, mean: Number.NaN }, random)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });
});
