import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import type { DpEvent, NeighbourRelation, Release } from '../../../src/dp/index.ts';
import { latticeSumRule, sumOnLattice } from '../../../src/dp/mechanisms/bounded-sum.ts';
import {
  type AdditiveNoise,
  chooseGranularity,
  dpCount,
  dpHistogram,
  dpSum,
  gaussianMechanism,
  laplaceMechanism,
} from '../../../src/dp/mechanisms/index.ts';
import { type Rational, rationalOf } from '../../../src/dp/noise/rational.ts';

/** What the samplers were asked for; they add nothing here, so that releases show the exact integers. */
const asked: number[] = [];

vi.mock('../../../src/dp/noise/index.ts', async (original) => {
  const record = (target: Float64Array, parameter: number): void => {
    target.fill(0);
    asked.push(parameter);
  };
  return {
    ...(await original<object>()),
    fillRoundedGaussian: record,
    fillDiscreteGaussian: record,
    fillDiscreteLaplace: record,
    fillSkellam: record,
  };
});

beforeEach(() => {
  asked.length = 0;
});

const ZERO: Rational = { numerator: 0n, denominator: 1n };
const exact = (value: number): Rational => (value === 0 ? ZERO : rationalOf(value));
const times = (a: Rational, b: Rational): Rational => ({
  numerator: a.numerator * b.numerator,
  denominator: a.denominator * b.denominator,
});
const plus = (a: Rational, b: Rational): Rational => ({
  numerator: a.numerator * b.denominator + b.numerator * a.denominator,
  denominator: a.denominator * b.denominator,
});
const atLeast = (a: Rational, b: Rational): boolean =>
  a.numerator * b.denominator >= b.numerator * a.denominator;
const whole = (value: bigint): Rational => ({ numerator: value, denominator: 1n });

/** How far apart two releases without noise are, in steps of their grid. */
function latticeDifference(
  one: ArrayLike<number>,
  other: ArrayLike<number>,
  granularity: number,
): bigint[] {
  return Array.from(one, (value, i) => {
    const steps = [value / granularity, (other[i] as number) / granularity];
    for (const step of steps) expect(Number.isSafeInteger(step)).toBe(true);
    return BigInt(steps[0] as number) - BigInt(steps[1] as number);
  });
}

/** The claim of a plan, in exact arithmetic: the noise that was drawn covers this difference. */
function expectCovered(
  noise: AdditiveNoise,
  event: DpEvent,
  parameter: number,
  difference: bigint[],
): void {
  const l1 = whole(difference.reduce((sum, d) => sum + (d < 0n ? -d : d), 0n));
  const l2Squared = whole(difference.reduce((sum, d) => sum + d * d, 0n));
  const multiplier = exact(noise.noiseMultiplier);
  const drawn = exact(parameter);
  const claimsL2 = (l2: number): void => {
    expect(atLeast(times(exact(l2), exact(l2)), l2Squared)).toBe(true);
  };
  switch (event.kind) {
    case 'gaussian':
      expect(event.noiseMultiplier).toBe(noise.noiseMultiplier);
      expect(atLeast(times(drawn, drawn), times(times(multiplier, multiplier), l2Squared))).toBe(
        true,
      );
      return;
    case 'laplace': {
      // discrete-laplace.proof.md §2: parameter · l1 + parameter²/4 ≤ 1/noiseMultiplier
      expect(event.noiseMultiplier).toBe(noise.noiseMultiplier);
      const quarter = times(times(drawn, drawn), { numerator: 1n, denominator: 4n });
      const loss = plus(times(drawn, l1), quarter);
      expect(atLeast(whole(1n), times(loss, multiplier))).toBe(true);
      return;
    }
    case 'discrete-laplace':
      expect(event.parameter).toBe(parameter);
      expect(atLeast(exact(event.sensitivity), l1)).toBe(true);
      return;
    case 'discrete-gaussian':
      expect(event.sigma).toBe(parameter);
      claimsL2(event.l2Sensitivity);
      return;
    case 'skellam':
      expect(event.mu).toBe(parameter);
      expect(atLeast(exact(event.l1Sensitivity), l1)).toBe(true);
      claimsL2(event.l2Sensitivity);
      return;
    default:
      throw new Error(`unexpected event ${event.kind}`);
  }
}

/** The second data set of each relation: without the user, with another, or with a user of nothing. */
function neighbour<User>(
  relation: NeighbourRelation,
  others: readonly User[],
  replacement: User,
  nothing: User,
): readonly User[] {
  if (relation === 'add-or-remove-one-user') return others;
  return [relation === 'replace-one-user' ? replacement : nothing, ...others];
}

const relation = fc.constantFrom<NeighbourRelation>(
  'add-or-remove-one-user',
  'replace-one-user',
  'zero-out-one-user',
);
const noiseMultiplier = fc.oneof(
  fc.constantFrom(0.5, 1, 2),
  fc.double({ min: 0.01, max: 30, noNaN: true }),
);
const anyNoise = fc
  .tuple(
    fc.constantFrom<AdditiveNoise['kind']>(
      'gaussian',
      'laplace',
      'discrete-gaussian',
      'discrete-laplace',
      'skellam',
    ),
    noiseMultiplier,
  )
  .map(([kind, multiplier]): AdditiveNoise => ({ kind, noiseMultiplier: multiplier }));

/** Huge, tiny, denormal, and halves of steps of a fine grid, where rounding can go either way. */
const nasty = fc.oneof(
  fc.double({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE, noNaN: true }),
  fc.double({ min: -3, max: 3, noNaN: true }),
  fc.constantFrom(
    0,
    -0,
    Number.MIN_VALUE,
    -Number.MIN_VALUE,
    2 ** -1030,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    0.5,
    0.49999999999999994,
    1 / 3,
  ),
  fc.integer({ min: -(2 ** 20), max: 2 ** 20 }).map((k) => (k + 0.5) * 2 ** -20),
  fc.integer({ min: -(2 ** 12), max: 2 ** 12 }).map((k) => (k + 0.5) * 2 ** -12),
);

const RUNS = { numRuns: 400 };

describe.each([
  ['gaussianMechanism', 'gaussian', gaussianMechanism],
  ['laplaceMechanism', 'laplace', laplaceMechanism],
] as const)('%s', (_name, kind, mechanism) => {
  const vector = (dimension: number): fc.Arbitrary<number[]> =>
    fc.oneof(
      fc.array(nasty, { minLength: dimension, maxLength: dimension }),
      // All coordinates on the same boundary, at the edge of the ball.
      nasty.map((x) => new Array<number>(dimension).fill(x)),
      fc
        .constantFrom(1 / dimension, 1 / Math.sqrt(dimension), 0.7 / Math.sqrt(dimension))
        .map((x) => new Array<number>(dimension).fill(x)),
    );
  const setting = fc.constantFrom(1, 2, 3, 17, 64).chain((dimension) =>
    fc.record({
      dimension: fc.constant(dimension),
      user: vector(dimension),
      replacement: vector(dimension),
      others: fc.array(vector(dimension), { maxLength: 4 }),
      granularity: fc.constantFrom(undefined, 2 ** -2, 2 ** -7, 2 ** -20),
    }),
  );

  it('moves by no more than its noise covers, whatever one user holds', () => {
    fc.assert(
      fc.property(
        setting,
        relation,
        noiseMultiplier,
        fc.constantFrom(1, 2 ** -20, 2 ** 40),
        ({ dimension, user, replacement, others, granularity }, rel, multiplier, scale) => {
          asked.length = 0;
          const noise = { kind, noiseMultiplier: multiplier };
          const grid = (granularity ?? chooseGranularity(1, noise)) * scale;
          const run = (data: readonly (readonly number[])[]): Release<Float64Array> =>
            mechanism(
              data.map((x) => x.map((v) => (Math.abs(v) > 1e200 ? v : v * scale))),
              {
                relation: rel,
                dimension,
                clippingNorm: scale,
                noiseMultiplier: multiplier,
                granularity: grid,
              },
            );
          const one = run([user, ...others]);
          const two = run(neighbour(rel, others, replacement, new Array(dimension).fill(0)));
          expect(asked[0]).toBe(asked[1]);
          expectCovered(
            noise,
            one.plan.event,
            asked[0] as number,
            latticeDifference(one.value, two.value, grid),
          );
        },
      ),
      RUNS,
    );
  });
});

const records = fc.array(nasty, { maxLength: 5 });

describe('records', () => {
  const setting = fc.record({
    user: records,
    replacement: records,
    others: fc.array(records, { maxLength: 3 }),
    maxContributions: fc.constantFrom(1, 2, 3),
    noise: anyNoise,
    relation,
  });
  const bounds = fc
    .tuple(nasty, nasty)
    .map(([a, b]) => [a / 2, b / 2] as const)
    .filter(([a, b]) => Math.abs(a - b) > 1e-200 && Math.abs(a) < 1e200 && Math.abs(b) < 1e200)
    .map(([a, b]) => ({ lowerBound: Math.min(a, b), upperBound: Math.max(a, b) }));
  const expectPairCovered = (
    noise: AdditiveNoise,
    [one, two]: readonly [Release<unknown>, Release<unknown>],
    values: readonly [ArrayLike<number>, ArrayLike<number>],
    grid: number,
  ): void => {
    expect(asked[0]).toBe(asked[1]);
    expect(one.plan).toEqual(two.plan);
    const difference = latticeDifference(...values, grid);
    expectCovered(noise, one.plan.event, asked[0] as number, difference);
  };

  it('count', () => {
    fc.assert(
      fc.property(setting, ({ user, replacement, others, noise, ...options }) => {
        asked.length = 0;
        const data = neighbour(options.relation, others, replacement, []);
        const pair = [[user, ...others], data].map((users) =>
          dpCount(users, { ...options, noise }),
        );
        const [one, two] = pair as [Release<number>, Release<number>];
        expectPairCovered(noise, [one, two], [[one.value], [two.value]], 1);
      }),
      RUNS,
    );
  });

  it('sum', () => {
    fc.assert(
      fc.property(setting, bounds, ({ user, replacement, others, noise, ...options }, limits) => {
        asked.length = 0;
        const magnitude = Math.max(Math.abs(limits.lowerBound), Math.abs(limits.upperBound));
        const data = neighbour(options.relation, others, replacement, []);
        const pair = [[user, ...others], data].map((users) =>
          dpSum(users, { ...options, ...limits, noise }),
        );
        const [one, two] = pair as [Release<number>, Release<number>];
        const grid = chooseGranularity(magnitude * options.maxContributions, noise);
        expectPairCovered(noise, [one, two], [[one.value], [two.value]], grid);
      }),
      RUNS,
    );
  });

  it('mean, by its sum around the middle', () => {
    fc.assert(
      fc.property(setting, bounds, ({ user, replacement, others, noise, ...options }, limits) => {
        asked.length = 0;
        const rule = latticeSumRule(
          { ...options, ...limits, noise },
          limits.lowerBound + (limits.upperBound - limits.lowerBound) / 2,
          options.relation,
        );
        rule.noise.fill(new Float64Array(1), new SeededRandom(1));
        const data = neighbour(options.relation, others, replacement, []);
        const totals = [[user, ...others], data].map(
          (users) => sumOnLattice(users, rule, { ...options, ...limits, noise }).total,
        ) as [number, number];
        const difference = latticeDifference([totals[0]], [totals[1]], 1);
        expectCovered(noise, rule.noise.event, asked[0] as number, difference);
      }),
      RUNS,
    );
  });

  it('histogram', () => {
    const categories = [0, 1, 2, 3];
    const own = fc.array(fc.constantFrom(...categories, 99, Number.NaN), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.record({ user: own, replacement: own, others: fc.array(own, { maxLength: 3 }) }),
        fc.record({
          relation,
          maxCategories: fc.constantFrom(1, 2, 3, 4, 9),
          maxPerCategory: fc.constantFrom(1, 3),
        }),
        anyNoise,
        ({ user, replacement, others }, options, noise) => {
          asked.length = 0;
          const data = neighbour(options.relation, others, replacement, []);
          const pair = [[user, ...others], data].map((users) =>
            dpHistogram(users, { ...options, categories, noise }),
          );
          const [one, two] = pair as [Release<Float64Array>, Release<Float64Array>];
          expectPairCovered(noise, [one, two], [one.value, two.value], 1);
        },
      ),
      RUNS,
    );
  });
});

describe('many users on a rounding boundary', () => {
  // In floating point, or rounded after summing, one of them could move the whole sum by steps.
  it.each([1, 3])('moves by one user only, with %i values each', (maxContributions) => {
    const noise: AdditiveNoise = { kind: 'gaussian', noiseMultiplier: 1 };
    const options = {
      relation: 'add-or-remove-one-user',
      lowerBound: 0,
      upperBound: 1,
      maxContributions,
      noise,
    } as const;
    const grid = chooseGranularity(maxContributions, noise);
    const users = Array.from({ length: 20_000 }, () => new Array(maxContributions).fill(grid / 2));
    const one = dpSum(users, options);
    const two = dpSum([...users, new Array(maxContributions).fill(Number.MAX_VALUE)], options);
    const difference = latticeDifference([one.value], [two.value], grid);
    expect(difference[0]).toBe(BigInt(-maxContributions / grid));
    expectCovered(noise, one.plan.event, asked[0] as number, difference);
  });
});
