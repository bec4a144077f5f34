import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { NeighbourRelation } from '../../../src/dp/index.ts';
import {
  dpQuantile,
  type ExponentialOptions,
  exponentialMechanism,
  type QuantileOptions,
} from '../../../src/dp/mechanisms/index.ts';
import { quantileRule } from '../../../src/dp/mechanisms/quantile.ts';
import {
  RANK_UNITS,
  rankCosts,
  rankProfile,
  withOuterCandidates,
} from '../../../src/dp/mechanisms/rank-profile.ts';
import type { WeightedGroups } from '../../../src/dp/mechanisms/weighted-choice.ts';
import { type Rational, rationalOf } from '../../../src/dp/noise/rational.ts';

interface Choice extends WeightedGroups {
  readonly rate: Rational;
}

const choices: Choice[] = [];

vi.mock('../../../src/dp/mechanisms/weighted-choice.ts', () => ({
  chooseWeighted: (groups: WeightedGroups, rate: Rational): number => {
    choices.push({ ...groups, rate });
    return 0;
  },
}));

beforeEach(() => {
  choices.length = 0;
});

const RELATIONS = [
  'add-or-remove-one-user',
  'replace-one-user',
  'zero-out-one-user',
] as const satisfies NeighbourRelation[];

/** rate · (range of the differences of costs) ≤ epsilon, exactly: a bounded range of log-probabilities. */
function expectRange(
  one: ArrayLike<number>,
  other: ArrayLike<number>,
  rate: Rational,
  epsilon: number,
): void {
  const differences = Array.from(one, (cost, i) => BigInt(cost) - BigInt(other[i] as number));
  const most = differences.reduce((a, b) => (a > b ? a : b));
  const least = differences.reduce((a, b) => (a < b ? a : b));
  const bound = rationalOf(epsilon);
  expect((most - least) * rate.numerator * bound.denominator).toBeLessThanOrEqual(
    bound.numerator * rate.denominator,
  );
}

describe('exponentialMechanism', () => {
  const utility = fc.oneof(
    fc.double({ min: -50, max: 50, noNaN: true }),
    fc.integer({ min: -100, max: 100 }).map((k) => (k + 0.5) * 2 ** -20),
    fc.constantFrom(0, Number.MIN_VALUE, 1e300, -1e300),
  );

  it('keeps the range of its log-probabilities within epsilon, rounding included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(utility, fc.double({ min: -1, max: 1, noNaN: true })), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.record({
          relation: fc.constantFrom(...RELATIONS),
          epsilon: fc.double({ min: 1e-3, max: 20, noNaN: true }),
          utilityContribution: fc.constantFrom(1, 0.75, 2 ** -30, 3e10),
          monotone: fc.boolean(),
        }),
        fc.boolean(),
        (candidates, options: ExponentialOptions & { monotone: boolean }, whole) => {
          choices.length = 0;
          const contribution = whole
            ? Math.ceil(options.utilityContribution)
            : options.utilityContribution;
          const reach = contribution * (options.relation === 'replace-one-user' ? 2 : 1);
          const isOneSided = options.monotone && options.relation !== 'replace-one-user';
          const base = candidates.map(([u]) =>
            whole ? Math.round(Math.max(-1e9, Math.min(1e9, u))) : u,
          );
          const moved = base.map((u, i) => {
            const share = (candidates[i] as readonly [number, number])[1];
            // Monotone utilities all rise; under replacement they rise for one user and fall for another.
            const low = options.monotone ? (isOneSided ? 0 : -contribution) : -reach;
            const high = options.monotone ? contribution : reach;
            const step = low + ((share + 1) / 2) * (high - low);
            return whole ? u + Math.round(step) : within(u, u + step, low, high);
          });
          const settings = { ...options, utilityContribution: contribution, wholeUtilities: whole };
          for (const utilities of [base, moved]) exponentialMechanism(utilities, settings);
          const [one, other] = choices as [Choice, Choice];
          expect(one.rate).toEqual(other.rate);
          expectRange(one.costs, other.costs, one.rate, options.epsilon);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('is as sharp as the range allows where utilities are whole', () => {
    const options = {
      relation: 'add-or-remove-one-user',
      epsilon: 1,
      utilityContribution: 1,
    } as const;
    exponentialMechanism([3, 1], { ...options, monotone: true, wholeUtilities: true });
    expect(choices[0]).toEqual({
      costs: Float64Array.of(0, 2),
      sizes: Float64Array.of(1, 1),
      rate: { numerator: 1n, denominator: 1n },
    });
  });
});

/** `to`, unless doubles made it further from `from` than the contribution allows. */
function within(from: number, to: number, low: number, high: number): number {
  return to - from < low || to - from > high || from + low > to || from + high < to ? from : to;
}

/** All multisets of at most `most` integers of [0, last]. */
function multisets(last: number, most: number): number[][] {
  const found: number[][] = [[]];
  for (let start = 0; start < found.length; start++) {
    const base = found[start] as number[];
    if (base.length === most) continue;
    for (let next = base[base.length - 1] ?? 0; next <= last; next++) found.push([...base, next]);
  }
  return found;
}

/** The costs of every candidate on its own. */
function costsOf(
  values: readonly number[],
  last: number,
  offset: number,
  share: number,
  outer: boolean,
): number[] {
  const inner = rankProfile(Float64Array.from(values).sort(), 0, last);
  const profile = outer ? withOuterCandidates(inner, 0, last) : inner;
  const { costs, sizes } = rankCosts(profile, share * values.length + offset);
  return Array.from(costs).flatMap((cost, i) => new Array<number>(sizes[i] as number).fill(cost));
}

describe('dpQuantile', () => {
  const options = { maxContributions: 2, lowerBound: 0, upperBound: 4, epsilon: 1, granularity: 1 };

  it.each(RELATIONS)('bounds the range for every small data set under %s', (relation) => {
    const own = multisets(4, 2);
    const others = multisets(4, 2);
    for (const quantile of [0.5, 0.25, 0.9]) {
      const rule = quantileRule({ ...options, relation, quantile }, relation);
      let widest = 0;
      for (const rest of others) {
        for (const user of own) {
          const replacements = relation === 'replace-one-user' ? own : [[]];
          for (const replacement of replacements) {
            for (const [offset, outer] of [
              [0, false],
              [3 * RANK_UNITS, true],
              [-3 * RANK_UNITS, true],
            ] as const) {
              const one = costsOf([...rest, ...user], 4, offset, rule.share, outer);
              const other = costsOf([...rest, ...replacement], 4, offset, rule.share, outer);
              const differences = one.map((cost, i) => cost - (other[i] as number));
              widest = Math.max(widest, Math.max(...differences) - Math.min(...differences));
            }
          }
        }
      }
      expect(widest).toBeLessThanOrEqual(rule.range);
      // The median of two values each: the bound is reached.
      if (quantile === 0.5) expect(widest).toBe(rule.range);
    }
  });

  it('hands that range to the sampler', () => {
    dpQuantile([[1, 2, 3]], { ...options, relation: 'add-or-remove-one-user', quantile: 0.5 });
    const { rate } = choices[0] as Choice;
    expect(rate.denominator / rate.numerator).toBe(BigInt(2 * 2 * (RANK_UNITS / 2)));
  });

  const dataSet = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 25 });
  const settings = fc.record({
    quantile: fc.constantFrom(0.5, 0.1, 0.93),
    epsilon: fc.constantFrom(0.1, 1, 10),
    intervalEpsilon: fc.constantFrom(0.2, 1, 10),
    confidence: fc.constantFrom(0.5, 0.95, 0.999),
  });
  const bounds = { lowerBound: 0, upperBound: 30, granularity: 1, maxContributions: 1 };

  /** Probability of each candidate by the weights themselves. */
  const law = (costs: readonly number[], { numerator, denominator }: Rational): number[] => {
    const rate = Number(numerator) / Number(denominator);
    const weights = costs.map((cost) => Math.exp(-cost * rate));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  };

  it('states a rank error that holds for every data set', () => {
    fc.assert(
      fc.property(dataSet, settings, (values, { intervalEpsilon: _, ...setting }) => {
        choices.length = 0;
        const all: QuantileOptions = { ...bounds, ...setting, relation: 'add-or-remove-one-user' };
        const { rankError } = dpQuantile(
          values.map((x) => [x]),
          all,
        );
        const { share } = quantileRule(all, all.relation);
        const costs = costsOf(values, 30, 0, share, false);
        const probabilities = law(costs, (choices[0] as Choice).rate);
        const ranks = costs.map((cost) => cost / RANK_UNITS);
        const missed = probabilities.reduce(
          (sum, p, i) => sum + ((ranks[i] as number) > rankError.halfWidth ? p : 0),
          0,
        );
        expect(missed).toBeLessThanOrEqual(1 - setting.confidence);
        const square = probabilities.reduce((sum, p, i) => sum + p * (ranks[i] as number) ** 2, 0);
        expect(Math.sqrt(square)).toBeLessThanOrEqual(rankError.noiseStddev);
      }),
      { numRuns: 300 },
    );
  });

  it('encloses the quantile with the stated confidence, for every data set', () => {
    fc.assert(
      fc.property(dataSet, settings, (values, setting) => {
        if (values.length === 0) return;
        choices.length = 0;
        const all: QuantileOptions = { ...bounds, ...setting, relation: 'add-or-remove-one-user' };
        dpQuantile(
          values.map((x) => [x]),
          all,
        );
        const { share } = quantileRule(all, all.relation);
        const { below, upTo } = rankProfile(Float64Array.from(values).sort(), 0, 30);
        const wanted = (share * values.length) / RANK_UNITS;
        const profile = rankProfile(Float64Array.from(values).sort(), 0, 30);
        const isQuantile = profile.starts.map((_, i) =>
          Number((below[i] as number) <= wanted && wanted <= (upTo[i] as number)),
        );
        const quantiles = Array.from(profile.starts).flatMap((start, i) =>
          isQuantile[i] === 1 ? [start, start + (profile.sizes[i] as number) - 1] : [],
        );
        const outer = withOuterCandidates(profile, 0, 30);
        const [, lower, upper] = choices as [Choice, Choice, Choice];
        const mass = (
          choice: Choice,
          misses: (first: number, last: number, i: number) => boolean,
        ): number => {
          const weights = choice.costs.map(
            (cost, i) =>
              (choice.sizes[i] as number) *
              Math.exp((-cost * Number(choice.rate.numerator)) / Number(choice.rate.denominator)),
          );
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const missed = weights.reduce((sum, weight, i) => {
            const first = outer.starts[i] as number;
            return sum + (misses(first, first + (outer.sizes[i] as number) - 1, i) ? weight : 0);
          }, 0);
          return missed / total;
        };
        const least = Math.min(...quantiles);
        const most = Math.max(...quantiles);
        const tolerated = (1 - setting.confidence) / 2;
        const last = outer.starts.length - 1;
        expect(mass(lower, (_f, end, i) => i !== 0 && end > least)).toBeLessThanOrEqual(tolerated);
        expect(mass(upper, (first, _e, i) => i !== last && first < most)).toBeLessThanOrEqual(
          tolerated,
        );
      }),
      { numRuns: 300 },
    );
  });
});
