import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../src/core/secure-random.ts';
import { DistributedEncoder } from '../../src/federated/rounds/distributed-encoder.ts';
import { distributedStddev, noiseWords } from '../../src/federated/rounds/distributed-noise.ts';
import { planDistributedNoise } from '../../src/federated/rounds/plan-distributed-noise.ts';
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

  it('carries updates that the members made noisy themselves', async () => {
    const members = 9;
    const { noise } = planDistributedNoise({
      ...{
        dimension: 50,
        clippingNorm: 1,
        cohort: members,
        honestSurvivors: members - 1,
        rounds: 1,
      },
      ...{ epsilon: 8, delta: 1e-5 },
    });
    const encoder = new DistributedEncoder(noise, {
      roundId: 'noisy',
      random: new SecureRandom(),
    });
    const sum = new SecAggSum({
      ...{ crypto: new WebSecAggCrypto(), corruptShare: 0, securityBits: 40, consistency: false },
    });
    const cohort = Array.from({ length: members }, (_, i) => `account-${i}`);
    const session = await sum.open({
      ...{ roundId: 'noisy', dimension: encoder.encodedDimension, cohort },
      ...{ modulusBits: noise.modulusBits, contributionBound: null },
      ...{ minimumSurvivors: members - 1, noise: noiseWords(noise) },
    });
    const update = new Float64Array(50).fill(0.1);
    for (const account of cohort) {
      await session.contribute(account, encoder.encode(update).vector);
    }
    const decoded = encoder.decodeSum((await session.close()).sum).sum;
    // Eight deviations for each of fifty coordinates: a chance of 1e-13.
    const most = 8 * distributedStddev(noise, members);
    expect(decoded.every((value) => Math.abs(value - 0.9) < most)).toBe(true);
    // Noise there is, and of more than two values.
    expect(new Set(decoded).size).toBeGreaterThan(10);
  });
});
