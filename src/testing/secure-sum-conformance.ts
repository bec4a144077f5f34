import { SeededRandom } from '../core/seeded-random.ts';
import type { SecureSum, SumParameters } from '../federated/index.ts';
import { type ConformanceCase, check, errorCode } from './conformance.ts';

const BOUND = 1000;

function parameters(roundId: string, members: number, minimumSurvivors: number): SumParameters {
  return {
    roundId,
    dimension: 17,
    modulusBits: 32,
    contributionBound: BOUND,
    cohort: Array.from({ length: members }, (_, i) => `account-${i}`),
    minimumSurvivors,
  };
}

/** What every `SecureSum` must do. @param create - makes a fresh one for each case */
export function secureSumConformance(create: () => SecureSum): readonly ConformanceCase[] {
  const vectorOf = (random: SeededRandom): Float64Array =>
    Float64Array.from({ length: 17 }, () => Math.floor(random.uniform() * (2 * BOUND + 1)) - BOUND);
  return [
    {
      name: 'is bit-exact for any set of survivors at or above the minimum',
      async run() {
        const random = new SeededRandom('secure-sum');
        for (let trial = 0; trial < 10; trial++) {
          const session = await create().open(parameters(`exact/${trial}`, 12, 6));
          const expected = new Float64Array(17);
          let survivors = 0;
          for (const account of session.parameters.cohort) {
            const vector = vectorOf(random);
            if (survivors >= 6 && random.uniform() < 0.4) continue;
            await session.contribute(account, vector);
            survivors++;
            vector.forEach((value, i) => {
              expected[i] = (expected[i] as number) + value;
            });
          }
          const result = await session.close();
          check(result.survivors === survivors, 'another number of survivors');
          check(
            result.sum.every((value, i) => value === expected[i]),
            'the sum is not exact',
          );
        }
      },
    },
    {
      name: 'aborts below the minimum of survivors',
      async run() {
        const session = await create().open(parameters('few', 5, 3));
        await session.contribute('account-0', new Float64Array(17));
        const code = await errorCode(() => session.close());
        check(code === 'federated/cohort-too-small', `closing answered ${code}`);
      },
    },
    {
      name: 'refuses non-members, repeats, wrong shapes and values out of range, and goes on',
      async run() {
        const session = await create().open(parameters('bad', 3, 1));
        await session.contribute('account-0', new Float64Array(17).fill(BOUND));
        const cases: [string, string, Float64Array][] = [
          ['federated/duplicate-contribution', 'account-0', new Float64Array(17)],
          ['federated/invalid-contribution', 'stranger', new Float64Array(17)],
          ['federated/invalid-contribution', 'account-1', new Float64Array(16)],
          ['federated/invalid-contribution', 'account-1', new Float64Array(17).fill(BOUND + 1)],
          ['federated/invalid-contribution', 'account-1', new Float64Array(17).fill(0.5)],
          ['federated/invalid-contribution', 'account-1', new Float64Array(17).fill(Number.NaN)],
        ];
        for (const [expected, account, vector] of cases) {
          const code = await errorCode(() => session.contribute(account, vector));
          check(code === expected, `expected ${expected}, got ${code}`);
        }
        const { sum, survivors } = await session.close();
        check(survivors === 1 && sum.every((value) => value === BOUND), 'a refused vector got in');
      },
    },
    {
      name: 'is bit-exact at the least and the greatest value that the widest modulus takes',
      async run() {
        const contributionBound = 2 ** 50 - 1;
        const session = await create().open({
          ...parameters('wide', 2, 2),
          modulusBits: 52,
          contributionBound,
        });
        const sign = (i: number): number => (i % 2 === 0 ? 1 : -1);
        const extreme = Float64Array.from({ length: 17 }, (_, i) => sign(i) * contributionBound);
        for (const account of session.parameters.cohort) await session.contribute(account, extreme);
        const { sum } = await session.close();
        check(
          sum.every((value, i) => value === 2 * sign(i) * contributionBound),
          'the sum is not exact',
        );
      },
    },
    {
      name: 'keeps no hold of the vector it was given',
      async run() {
        const session = await create().open(parameters('copy', 2, 2));
        const vector = new Float64Array(17).fill(3);
        await session.contribute('account-0', vector);
        vector.fill(5);
        await session.contribute('account-1', vector);
        vector.fill(7);
        const { sum } = await session.close();
        check(
          sum.every((value) => value === 8),
          'a vector was read after it was taken',
        );
      },
    },
    {
      name: 'takes nothing after it is closed',
      async run() {
        const session = await create().open(parameters('closed', 3, 1));
        await session.contribute('account-0', new Float64Array(17));
        await session.close();
        for (const late of [
          () => session.contribute('account-1', new Float64Array(17)),
          () => session.close(),
        ]) {
          const code = await errorCode(late);
          check(code === 'federated/round-closed', `expected federated/round-closed, got ${code}`);
        }
      },
    },
    {
      name: 'does not open where the sum could pass the modulus, or with an account twice',
      async run() {
        const base = parameters('modulus', 4, 1);
        const wrap = await errorCode(() => create().open({ ...base, modulusBits: 12 }));
        check(wrap === 'federated/wrap-around', `expected federated/wrap-around, got ${wrap}`);
        const twice = await errorCode(() =>
          create().open({ ...base, cohort: ['account-0', 'account-0'] }),
        );
        check(twice === 'federated/duplicate-contribution', `got ${twice}`);
        const few = await errorCode(() => create().open({ ...base, minimumSurvivors: 5 }));
        check(few === 'federated/cohort-too-small', `got ${few}`);
      },
    },
  ];
}
