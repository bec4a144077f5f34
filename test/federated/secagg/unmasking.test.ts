import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SumParameters, Unmasker } from '../../../src/federated/index.ts';
import { SecAggSum } from '../../../src/federated/secagg/secagg-sum.ts';
import { unmaskerOf } from '../../../src/federated/secagg/unmasking.ts';
import { NodeSecAggCrypto, UnmaskingThreads } from '../../../src/node/index.ts';

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

  it('that ended lose the sum with a code', async () => {
    const ended = new UnmaskingThreads(1);
    await ended.close();
    await expect(sumWith(ended.unmask, 16)).rejects.toMatchObject({
      code: 'federated/worker-lost',
    });
    expect(() => new UnmaskingThreads(0)).toThrow(RangeError);
  });
});
