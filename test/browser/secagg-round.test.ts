import { describe, expect, it } from 'vitest';
import { SecAggSum } from '../../src/federated/secagg/secagg-sum.ts';
import { WebSecAggCrypto } from '../../src/federated/secagg/web-crypto.ts';

describe('SecAgg+ in a browser', () => {
  it('gives the exact sum with drop-outs at every step', async () => {
    const cohort = Array.from({ length: 9 }, (_, i) => `account-${i}`);
    const sum = new SecAggSum({
      crypto: new WebSecAggCrypto(),
      corruptShare: 0,
      securityBits: 40,
      consistency: true,
      noise: 'none',
      faults: new Map([
        ['account-0', 'share'],
        ['account-1', 'input'],
        ['account-2', 'unmask'],
      ]),
    });
    const session = await sum.open({
      roundId: 'browser',
      dimension: 100,
      modulusBits: 16,
      contributionBound: 1000,
      cohort,
      minimumSurvivors: 5,
    });
    for (const [i, account] of cohort.entries()) {
      await session.contribute(account, new Float64Array(100).fill(i - 500));
    }
    const result = await session.close();
    expect(result.survivors).toBe(7);
    expect(result.sum).toEqual(new Float64Array(100).fill(2 + 3 + 4 + 5 + 6 + 7 + 8 - 3500));
  });
});
