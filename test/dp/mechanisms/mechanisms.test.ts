import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import type { NeighbourRelation } from '../../../src/dp/index.ts';
import {
  type AdditiveNoise,
  chooseGranularity,
  discreteGaussianMechanism,
  discreteLaplaceMechanism,
  dpCount,
  dpHistogram,
  dpMean,
  dpQuantile,
  dpSum,
  exponentialMechanism,
  gaussianMechanism,
  type LocalClipping,
  laplaceMechanism,
  skellamMechanism,
} from '../../../src/dp/mechanisms/index.ts';
import { expectCounts } from './chi-square.ts';

const relation = 'add-or-remove-one-user' as const;
const gaussian: AdditiveNoise = { kind: 'gaussian', noiseMultiplier: 1 };
/** So little noise that it rounds to nothing: releases then show the exact statistic. */
const silent: AdditiveNoise = { kind: 'gaussian', noiseMultiplier: 1e-9 };
const bounds = { lowerBound: 0, upperBound: 10, maxContributions: 2 };

const refusal = (code: string): unknown => expect.objectContaining({ code });

describe('every mechanism', () => {
  const all: Record<string, (terms: object) => unknown> = {
    gaussianMechanism: (t) =>
      gaussianMechanism([[1]], {
        relation,
        dimension: 1,
        clippingNorm: 1,
        noiseMultiplier: 1,
        ...t,
      }),
    discreteGaussianMechanism: (t) =>
      discreteGaussianMechanism([1], { relation, sigma: 1, l2Contribution: 1, ...t }),
    discreteLaplaceMechanism: (t) =>
      discreteLaplaceMechanism([1], { relation, parameter: 1, l1Contribution: 1, ...t }),
    skellamMechanism: (t) =>
      skellamMechanism([1], { relation, mu: 1, l1Contribution: 1, l2Contribution: 1, ...t }),
    exponentialMechanism: (t) =>
      exponentialMechanism([1, 2], { relation, epsilon: 1, utilityContribution: 1, ...t }),
    dpCount: (t) => dpCount([[1]], { relation, maxContributions: 1, noise: gaussian, ...t }),
    dpSum: (t) => dpSum([[1]], { relation, ...bounds, noise: gaussian, ...t }),
    dpMean: (t) =>
      dpMean([[1]], { relation, ...bounds, noise: gaussian, countNoise: gaussian, ...t }),
    dpHistogram: (t) =>
      dpHistogram([['a']], {
        relation,
        categories: ['a'],
        maxCategories: 1,
        noise: gaussian,
        ...t,
      }),
    dpQuantile: (t) => dpQuantile([[1]], { relation, ...bounds, quantile: 0.5, epsilon: 1, ...t }),
  };

  it.each(Object.entries(all))('%s is secure by default and by choice, else marked', (_, run) => {
    expect(run({})).toMatchObject({ insecure: false, error: { confidence: 0.95 } });
    expect(run({ random: new SecureRandom() })).toMatchObject({ insecure: false });
    expect(run({ random: new SeededRandom(1) })).toMatchObject({ insecure: true });
  });

  it.each(Object.entries(all))('%s refuses unknown relations and confidences', (_, run) => {
    expect(() => run({ relation: 'some-neighbours' })).toThrow(refusal('dp/unsupported-event'));
    for (const confidence of [0, 1, -1, Number.NaN]) {
      expect(() => run({ confidence })).toThrow(refusal('dp/invalid-parameter'));
    }
    expect(run({ confidence: 0.6 })).toMatchObject({ error: { confidence: 0.6 } });
  });
});

describe('public parameters', () => {
  const sum = (options: object): unknown =>
    dpSum([[1]], { relation, ...bounds, noise: gaussian, ...options });
  it.each<[string, () => unknown]>([
    ['no noise', () => sum({ noise: { kind: 'gaussian', noiseMultiplier: 0 } })],
    ['negative noise', () => sum({ noise: { kind: 'laplace', noiseMultiplier: -1 } })],
    ['NaN noise', () => sum({ noise: { kind: 'skellam', noiseMultiplier: Number.NaN } })],
    ['infinite noise', () => sum({ noise: { kind: 'gaussian', noiseMultiplier: Infinity } })],
    ['too much noise to be exact', () => sum({ noise: { kind: 'skellam', noiseMultiplier: 1e9 } })],
    ['bounds in the wrong order', () => sum({ lowerBound: 11 })],
    ['bounds that are no numbers', () => sum({ upperBound: Number.NaN })],
    ['bounds past the doubles', () => sum({ lowerBound: -1e308, upperBound: 1e308 })],
    ['subnormal bounds', () => sum({ upperBound: 2 ** -1060 })],
    ['no contributions', () => sum({ maxContributions: 0 })],
    ['half a contribution', () => sum({ maxContributions: 1.5 })],
    ['a grid that is no power of two', () => sum({ granularity: 0.1 })],
    ['a grid coarser than the bounds', () => sum({ granularity: 64 })],
    ['a grid too fine', () => sum({ granularity: 2 ** -40 })],
    [
      'a negative clipping norm',
      () => gaussianMechanism([], { relation, dimension: 1, clippingNorm: -1, noiseMultiplier: 1 }),
    ],
    [
      'no dimension',
      () => laplaceMechanism([], { relation, dimension: 0, clippingNorm: 1, noiseMultiplier: 1 }),
    ],
    ['sigma 0', () => discreteGaussianMechanism([1], { relation, sigma: 0, l2Contribution: 1 })],
    ['no l2', () => discreteGaussianMechanism([1], { relation, sigma: 1, l2Contribution: 0 })],
    [
      'half an l1',
      () => discreteLaplaceMechanism([1], { relation, parameter: 1, l1Contribution: 0.5 }),
    ],
    [
      'mu out of range',
      () => skellamMechanism([1], { relation, mu: 2 ** 42, l1Contribution: 1, l2Contribution: 1 }),
    ],
    [
      'epsilon 0',
      () => exponentialMechanism([1], { relation, epsilon: 0, utilityContribution: 1 }),
    ],
    [
      'a contribution of nothing',
      () => exponentialMechanism([1], { relation, epsilon: 1, utilityContribution: 0 }),
    ],
    [
      'half a whole contribution',
      () =>
        exponentialMechanism([1], {
          relation,
          epsilon: 1,
          utilityContribution: 0.5,
          wholeUtilities: true,
        }),
    ],
    ['quantile 0', () => dpQuantile([], { relation, ...bounds, quantile: 0, epsilon: 1 })],
    ['quantile 1', () => dpQuantile([], { relation, ...bounds, quantile: 1, epsilon: 1 })],
    [
      'a quantile grid without candidates',
      () =>
        dpQuantile([], {
          relation,
          ...bounds,
          lowerBound: 0.1,
          upperBound: 0.2,
          granularity: 1,
          quantile: 0.5,
          epsilon: 1,
        }),
    ],
    [
      'an interval of no epsilon to speak of',
      () =>
        dpQuantile([], { relation, ...bounds, quantile: 0.5, epsilon: 1, intervalEpsilon: 1e-20 }),
    ],
    [
      'a category twice',
      () => dpHistogram([], { relation, categories: [1, 1], maxCategories: 1, noise: gaussian }),
    ],
    [
      'no categories',
      () => dpHistogram([], { relation, categories: [], maxCategories: 1, noise: gaussian }),
    ],
    [
      'a public count of 0',
      () => dpMean([], { relation, ...bounds, noise: gaussian, publicCount: 0 }),
    ],
  ])('%s is refused', (_, run) => {
    expect(run).toThrow(refusal('dp/invalid-parameter'));
  });

  it('an unknown law is refused', () => {
    expect(() => sum({ noise: { kind: 'uniform', noiseMultiplier: 1 } })).toThrow(
      refusal('dp/unsupported-event'),
    );
  });

  it('a refusal shows no value of a person', () => {
    try {
      dpSum([[Number.NaN, 4242]], { relation, ...bounds, noise: gaussian });
      expect.unreachable();
    } catch (error) {
      const { code, message, details } = error as Error & { code: string; details: object };
      expect(code).toBe('dp/invalid-contribution');
      expect(`${message} ${JSON.stringify(details)}`).not.toMatch(/NaN|4242/);
    }
  });

  it('values that are dropped are checked all the same', () => {
    const users = [[1, 2, Number.NaN]];
    expect(() => dpSum(users, { relation, ...bounds, noise: gaussian })).toThrow(
      refusal('dp/invalid-contribution'),
    );
  });
});

describe('chooseGranularity', () => {
  it.each<[number, number, AdditiveNoise['kind'], number]>([
    [1, 1, 'gaussian', -20],
    [1.99, 1, 'gaussian', -20],
    [8, 1, 'gaussian', -17],
    [1, 4, 'gaussian', -18],
    [1, 1000, 'gaussian', -16],
    [1, 1e-6, 'gaussian', -24],
    [1, 1, 'laplace', -20],
    [1, 1, 'discrete-gaussian', -14],
    [1, 1, 'discrete-laplace', -10],
    [1, 1, 'skellam', -12],
    [2 ** -700, 1, 'gaussian', -720],
  ])('bound %d, multiplier %d, %s: 2^%i', (bound, noiseMultiplier, kind, exponent) => {
    expect(chooseGranularity(bound, { kind, noiseMultiplier })).toBe(2 ** exponent);
  });
});

describe('statistics without noise to speak of', () => {
  const local: LocalClipping[] = [];
  const onClipped = (clipping: LocalClipping): void => {
    local.push(clipping);
  };
  const users = [[1, 2, 50], [-7], [], [4, 4]];

  it('count', () => {
    const { value } = dpCount(users, { relation, maxContributions: 2, noise: silent, onClipped });
    expect(value).toBe(5);
    expect(local.pop()).toEqual({ clipped: 0, dropped: 1 });
  });

  it('sum', () => {
    const { value } = dpSum(users, { relation, ...bounds, noise: silent, onClipped });
    expect(value).toBeCloseTo(11, 5);
    expect(local.pop()).toEqual({ clipped: 1, dropped: 1 });
  });

  it('mean, by either divisor', () => {
    const options = { relation, ...bounds, noise: silent, onClipped };
    expect(dpMean(users, { ...options, countNoise: silent }).value).toBeCloseTo(11 / 5, 5);
    expect(dpMean(users, { ...options, publicCount: 5 }).value).toBeCloseTo(11 / 5, 5);
    // A public count is never replaced by the true one.
    expect(dpMean(users, { ...options, publicCount: 50 }).value).toBeCloseTo(5 - 14 / 50, 5);
    expect(local.splice(0)).toEqual(new Array(3).fill({ clipped: 1, dropped: 1 }));
  });

  it('mean of nothing is the middle of the bounds, of whole uncertainty', () => {
    const { value, error } = dpMean([], {
      relation,
      ...bounds,
      noise: silent,
      countNoise: silent,
    });
    expect([value, error.halfWidth]).toEqual([5, 10]);
  });

  it('mean is exact far from 0, where a plain sum would lose its digits', () => {
    const far = { lowerBound: 1e9, upperBound: 1e9 + 1, maxContributions: 1 };
    const { value, error } = dpMean([[1e9 + 0.25], [1e9 + 0.75]], {
      relation,
      ...far,
      noise: silent,
      publicCount: 2,
    });
    expect(value).toBeCloseTo(1e9 + 0.5, 6);
    expect(error.halfWidth).toBeLessThan(1e-6);
  });

  it('histogram', () => {
    const { value } = dpHistogram([['a', 'a', 'b', 'c'], ['c'], ['z'], []], {
      relation,
      categories: ['a', 'b', 'c', 'd'],
      maxCategories: 2,
      noise: silent,
      onClipped,
    });
    expect([...value]).toEqual([1, 1, 1, 0]);
    expect(local.pop()).toEqual({ clipped: 0, dropped: 3 });
    const twice = dpHistogram([['a', 'a', 'a', 'b']], {
      relation,
      categories: ['a', 'b'],
      maxCategories: 1,
      maxPerCategory: 2,
      noise: silent,
    });
    expect([...twice.value]).toEqual([2, 0]);
  });

  it('vectors', () => {
    const options = { relation, dimension: 2, clippingNorm: 1, noiseMultiplier: 1e-9, onClipped };
    const l2 = gaussianMechanism([[3, 4], [0.1, -0.2], new Float32Array([0, 0])], options);
    expect(l2.value[0]).toBeCloseTo(0.7, 6);
    expect(l2.value[1]).toBeCloseTo(0.6, 6);
    const l1 = laplaceMechanism([[3, 1]], options);
    expect(l1.value[0]).toBeCloseTo(0.75, 5);
    expect(local.splice(0)).toEqual([
      { clipped: 1, dropped: 0 },
      { clipped: 1, dropped: 0 },
    ]);
  });

  it('quantile and its interval', () => {
    const ages = Array.from({ length: 1001 }, (_, i) => [i / 100]);
    const options = { relation, ...bounds, epsilon: 1000, intervalEpsilon: 1000 };
    for (const quantile of [0.01, 0.5, 0.9]) {
      const { value, error, rankError } = dpQuantile(ages, { ...options, quantile });
      expect(Math.abs(value - 10 * quantile)).toBeLessThan(0.05);
      expect(error.halfWidth).toBeLessThan(0.2);
      expect(rankError.halfWidth).toBeLessThan(0.1);
    }
    expect(dpQuantile([], { ...options, quantile: 0.5 }).error.halfWidth).toBeLessThanOrEqual(10.1);
  });

  it('exponential mechanism', () => {
    const options = { relation, epsilon: 1e6, utilityContribution: 1 } as const;
    const { value, error } = exponentialMechanism([1, 5, 4.9], options);
    expect(value).toBe(1);
    expect(error.halfWidth).toBeLessThan(1e-4);
    expect(() => exponentialMechanism([0.5], { ...options, wholeUtilities: true })).toThrow(
      refusal('dp/invalid-contribution'),
    );
  });
});

describe('what a plan says', () => {
  const count = (kind: AdditiveNoise['kind'], under: NeighbourRelation): unknown =>
    dpCount([], {
      relation: under,
      maxContributions: 3,
      noise: { kind, noiseMultiplier: 2 },
    }).plan.event;

  it('of a count: replacing a user is no more than adding one', () => {
    for (const under of ['add-or-remove-one-user', 'replace-one-user'] as const) {
      expect(count('gaussian', under)).toEqual({ kind: 'gaussian', noiseMultiplier: 2 });
      expect(count('discrete-gaussian', under)).toEqual({
        kind: 'discrete-gaussian',
        sigma: 6,
        l2Sensitivity: 3,
      });
      expect(count('discrete-laplace', under)).toMatchObject({ sensitivity: 3 });
      expect(count('skellam', under)).toEqual({
        kind: 'skellam',
        mu: 36,
        l1Sensitivity: 3,
        l2Sensitivity: 3,
      });
    }
  });

  it('of a sum: replacing moves it over the whole width', () => {
    const noise: AdditiveNoise = { kind: 'gaussian', noiseMultiplier: 1 };
    const options = { lowerBound: -1, upperBound: 3, maxContributions: 1, noise };
    const added = dpSum([], { ...options, relation });
    const replaced = dpSum([], { ...options, relation: 'replace-one-user' });
    const zeroed = dpSum([], { ...options, relation: 'zero-out-one-user' });
    expect(added.error.noiseStddev).toBeCloseTo(3, 9);
    expect(replaced.error.noiseStddev).toBeCloseTo(4, 9);
    expect(zeroed.error.noiseStddev).toBeCloseTo(3, 9);
  });

  it('of a histogram: l2 grows with the root of the bins, replacing takes two sets of them', () => {
    const deviation = (under: NeighbourRelation, bins: number): number =>
      dpHistogram([], {
        relation: under,
        categories: Array.from({ length: bins }, (_, i) => i),
        maxCategories: 8,
        noise: { kind: 'gaussian', noiseMultiplier: 100 },
      }).error.noiseStddev;
    expect(deviation(relation, 100)).toBeCloseTo(100 * Math.sqrt(8), 2);
    expect(deviation('replace-one-user', 100)).toBeCloseTo(400, 2);
    expect(deviation('replace-one-user', 9)).toBeCloseTo(300, 2);
  });

  it('of a mean with a noisy count: both releases', () => {
    const { plan } = dpMean([[1]], {
      relation,
      ...bounds,
      noise: gaussian,
      countNoise: { kind: 'laplace', noiseMultiplier: 3 },
    });
    expect(plan.event).toEqual({
      kind: 'composed',
      events: [
        { kind: 'gaussian', noiseMultiplier: 1 },
        { kind: 'laplace', noiseMultiplier: 3 },
      ],
    });
  });
});

// False-alarm rate under 1e-6 over seeds; the seed is fixed.
describe('no holes: released digits tell nothing', () => {
  it.each<AdditiveNoise['kind']>([
    'gaussian',
    'laplace',
    'discrete-gaussian',
    'discrete-laplace',
    'skellam',
  ])('%s visits all residues of the grid alike', (kind) => {
    const noise: AdditiveNoise = { kind, noiseMultiplier: 1 };
    const grid = chooseGranularity(10, noise);
    const random = new SeededRandom(`residues ${kind}`);
    const counts = new Float64Array(16);
    for (let i = 0; i < 4000; i++) {
      const users = [[0.1], [7.123456789]];
      const options = {
        relation,
        lowerBound: 0,
        upperBound: 10,
        maxContributions: 1,
        noise,
        random,
      };
      const steps = dpSum(users, options).value / grid;
      expect(Number.isInteger(steps)).toBe(true);
      const residue = ((steps % 16) + 16) % 16;
      counts[residue] = (counts[residue] as number) + 1;
    }
    expectCounts(counts, new Array(16).fill(1));
  });

  it.each<AdditiveNoise['kind']>([
    'gaussian',
    'laplace',
    'discrete-gaussian',
    'discrete-laplace',
    'skellam',
  ])('%s reaches every integer near a count, from either neighbour', (kind) => {
    for (const users of [[[1]], [[1], [1]]]) {
      const random = new SeededRandom(`holes ${kind} ${users.length}`);
      const seen = new Set<number>();
      for (let i = 0; i < 4000; i++) {
        const noise: AdditiveNoise = { kind, noiseMultiplier: 2 };
        seen.add(dpCount(users, { relation, maxContributions: 1, noise, random }).value);
      }
      for (let value = -2; value <= 5; value++) expect(seen).toContain(value);
    }
  });
});
