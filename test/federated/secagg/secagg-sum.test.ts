import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import type { SumParameters } from '../../../src/federated/index.ts';
import {
  type SecAggFault,
  SecAggSum,
  type SecAggSumOptions,
} from '../../../src/federated/secagg/secagg-sum.ts';
import { WebSecAggCrypto } from '../../../src/federated/secagg/web-crypto.ts';
import { NodeSecAggCrypto } from '../../../src/node/secagg-crypto.ts';
import { secureSumConformance } from '../../../src/testing/index.ts';

const BASE: SecAggSumOptions = {
  crypto: new NodeSecAggCrypto(),
  corruptShare: 0,
  securityBits: 40,
  consistency: false,
};
const STEPS: readonly SecAggFault[] = ['advertise', 'share', 'input', 'confirm', 'unmask'];

function parameters(overrides: Partial<SumParameters> = {}): SumParameters {
  return {
    roundId: 'round',
    dimension: 5,
    modulusBits: 32,
    contributionBound: 1000,
    cohort: Array.from({ length: 10 }, (_, i) => `account-${i}`),
    minimumSurvivors: 6,
    ...overrides,
  };
}

/** Runs a round with faults. @returns the sum and what it must be */
async function run(
  options: SecAggSumOptions,
  terms: SumParameters,
): Promise<{ sum: number[]; expected: number[]; survivors: number }> {
  const random = new SeededRandom('contributions');
  const session = await new SecAggSum(options).open(terms);
  const expected = new Array<number>(terms.dimension).fill(0);
  const bound = terms.contributionBound as number;
  for (const account of terms.cohort) {
    const vector = Float64Array.from(
      { length: terms.dimension },
      () => Math.floor(random.uniform() * (2 * bound + 1)) - bound,
    );
    await session.contribute(account, vector);
    const fault = options.faults?.get(account);
    if (fault !== undefined && STEPS.indexOf(fault) <= STEPS.indexOf('input')) continue;
    vector.forEach((value, i) => {
      expected[i] = (expected[i] as number) + value;
    });
  }
  const { sum, survivors } = await session.close();
  return { sum: [...sum], expected, survivors };
}

describe.each([
  ['node', { ...BASE }],
  ['web', { ...BASE, crypto: new WebSecAggCrypto() }],
])('SecAggSum over %s crypto', (_, options) => {
  for (const { name, run: body } of secureSumConformance(() => new SecAggSum(options))) {
    it(name, body);
  }
});

describe('SecAggSum', () => {
  it.each([false, true])(
    'is bit-exact whoever drops at whatever step, above the threshold (consistency: %s)',
    async (consistency) => {
      const random = new SeededRandom('drops');
      for (let trial = 0; trial < 10; trial++) {
        const order = [...random.permutation(10)];
        const faults = new Map(
          order
            .slice(0, trial % 5)
            .map((place) => [
              `account-${place}`,
              STEPS[Math.floor(random.uniform() * 5)] as SecAggFault,
            ]),
        );
        const { sum, expected } = await run({ ...BASE, consistency, faults }, parameters());
        expect(sum).toEqual(expected);
      }
    },
  );

  it('is bit-exact on a sparse graph, at every step of dropping', async () => {
    const cohort = Array.from({ length: 24 }, (_, i) => `account-${i}`);
    for (const step of STEPS) {
      const faults = new Map(cohort.slice(0, 3).map((account) => [account, step]));
      const graph = { neighbours: 8, threshold: 5 };
      const terms = parameters({ cohort, minimumSurvivors: 21 });
      const { sum, expected, survivors } = await run({ ...BASE, faults, graph }, terms);
      expect(sum).toEqual(expected);
      expect(survivors).toBe(['confirm', 'unmask'].includes(step) ? 24 : 21);
    }
  });

  it.each([2, 7, 16, 20, 31, 32, 33, 47, 52])('adds modulo 2^%i', async (modulusBits) => {
    const bound = Math.floor((2 ** (modulusBits - 1) - 1) / 10);
    if (bound < 1) {
      const terms = parameters({
        modulusBits,
        contributionBound: 1,
        cohort: ['account-0'],
        minimumSurvivors: 1,
      });
      const { sum, expected } = await run(BASE, terms);
      expect(sum).toEqual(expected);
      return;
    }
    const terms = parameters({ modulusBits, contributionBound: bound });
    const faults = new Map<string, SecAggFault>([['account-4', 'input']]);
    const { sum, expected } = await run({ ...BASE, faults }, terms);
    expect(sum).toEqual(expected);
  });

  it.each([...STEPS])('aborts when too few are left before "%s"', async (step) => {
    const faults = new Map(Array.from({ length: 5 }, (_, i) => [`account-${i}`, step] as const));
    await expect(run({ ...BASE, consistency: true, faults }, parameters())).rejects.toMatchObject({
      code: 'federated/cohort-too-small',
    });
  });

  it('counts possible colluders out of the survivors', async () => {
    const faults = new Map<string, SecAggFault>([
      ['account-0', 'input'],
      ['account-1', 'input'],
      ['account-2', 'input'],
    ]);
    const terms = parameters({ minimumSurvivors: 6 });
    const options = { ...BASE, corruptShare: 0.1 };
    const { sum, expected } = await run({ ...options, faults }, terms);
    expect(sum).toEqual(expected);
    faults.set('account-3', 'input');
    await expect(run({ ...options, faults }, terms)).rejects.toMatchObject({
      code: 'federated/cohort-too-small',
    });
    await expect(new SecAggSum({ ...BASE, corruptShare: 0.5 }).open(terms)).rejects.toMatchObject({
      code: 'federated/cohort-too-small',
    });
  });

  it('does not open on a graph that its members find too weak', async () => {
    const cohort = Array.from({ length: 40 }, (_, i) => `account-${i}`);
    const options = { ...BASE, graph: { neighbours: 4, threshold: 2 } };
    await expect(
      new SecAggSum(options).open(parameters({ cohort, minimumSurvivors: 30 })),
    ).rejects.toMatchObject({ code: 'federated/secagg-too-weak' });
  });

  it('says who learns what, and refuses shares that are none', () => {
    expect(new SecAggSum(BASE).trust.server).toContain('keeps to the protocol');
    expect(new SecAggSum({ ...BASE, consistency: true }).trust.server).toContain('any server');
    expect(() => new SecAggSum({ ...BASE, corruptShare: 1 })).toThrow('"corruptShare"');
    expect(() => new SecAggSum({ ...BASE, corruptShare: Number.NaN })).toThrow('"corruptShare"');
  });
});
