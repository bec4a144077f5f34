import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SumParameters, Unmasker } from '../../../src/federated/index.ts';
import { SecAggSum } from '../../../src/federated/secagg/secagg-sum.ts';
import { unmaskerOf } from '../../../src/federated/secagg/unmasking.ts';
import { NodeSecAggCrypto, UnmaskingThreads } from '../../../src/node/index.ts';

/** All threads that were started, in order, so that a test can end one. */
const started: Worker[] = [];
vi.mock('../../../src/node/worker-thread.ts', async (original) => {
  const module = await original<typeof import('../../../src/node/worker-thread.ts')>();
  return {
    ...module,
    startWorker: (beside: string, name: string) => {
      const worker = module.startWorker(beside, name);
      started.push(worker);
      return worker;
    },
  };
});

const crypto = new NodeSecAggCrypto();
const here = unmaskerOf(crypto);
let threads: UnmaskingThreads;

beforeAll(() => {
  threads = new UnmaskingThreads(2);
});
afterAll(() => threads.close());

/** A round of ten in which two drop, one before and one after the vectors. */
async function sumWith(unmask: Unmasker, modulusBits: number): Promise<number[]> {
  const cohort = Array.from({ length: 10 }, (_, i) => `account-${i}`);
  const sum = new SecAggSum({
    ...{ crypto, corruptShare: 0, securityBits: 40, consistency: false, unmask },
    faults: new Map([
      ['account-1', 'input'],
      ['account-8', 'unmask'],
    ]),
  });
  const parameters: SumParameters = {
    roundId: `threads/${modulusBits}`,
    ...{ dimension: 37, modulusBits, contributionBound: null, cohort, minimumSurvivors: 6 },
  };
  const session = await sum.open(parameters);
  for (const [i, account] of cohort.entries()) {
    await session.contribute(account, new Float64Array(37).fill(i - 4));
  }
  return [...(await session.close()).sum];
}

describe('threads that take off masks', () => {
  // 0 … 9 less four each, without the one that dropped: 45 − 1 − 4·9.
  it.each([8, 16, 24, 32, 33, 52])('come to the exact sum modulo 2^%i', async (bits) => {
    expect(await sumWith(threads.unmask, bits)).toEqual(new Array(37).fill(8));
  });

  it('refuse shares that do not fit, with the code of this thread, and go on', async () => {
    const spoil =
      (unmask: Unmasker): Unmasker =>
      (terms, tasks) =>
        unmask(
          terms,
          tasks.map((task) => ({
            ...task,
            shares: task.shares.map(({ index, value }) => ({
              index,
              value: value.map((byte) => byte ^ 1),
            })),
          })),
        );
    for (const unmask of [here, threads.unmask]) {
      await expect(sumWith(spoil(unmask), 16)).rejects.toMatchObject({
        code: 'federated/secagg-bad-share',
      });
    }
    expect(await sumWith(threads.unmask, 16)).toEqual(new Array(37).fill(8));
  });

  it('lose one sum when one has died, and have a new one for the next', async () => {
    const mortal = new UnmaskingThreads(2);
    const [victim] = started.slice(-1) as [Worker];
    try {
      // It dies just before it is asked, when nobody has noticed.
      const killing: Unmasker = (terms, tasks) => {
        void victim.terminate();
        return mortal.unmask(terms, tasks);
      };
      await expect(sumWith(killing, 16)).rejects.toMatchObject({ code: 'federated/worker-lost' });
      expect(await sumWith(mortal.unmask, 16)).toEqual(new Array(37).fill(8));
    } finally {
      await mortal.close();
    }
  });

  it('that ended lose the sum with a code', async () => {
    const ended = new UnmaskingThreads(1);
    await ended.close();
    await expect(sumWith(ended.unmask, 16)).rejects.toMatchObject({
      code: 'federated/worker-lost',
    });
    expect(() => new UnmaskingThreads(0)).toThrow(RangeError);
  });
});
