import { describe, it } from 'vitest';
import { RdpAccountant } from '../../../src/dp/accounting/rdp/accountant.ts';
import type { NeighbourRelation } from '../../../src/dp/index.ts';
import {
  type AdditiveNoise,
  discreteGaussianMechanism,
  discreteLaplaceMechanism,
  dpCount,
  dpHistogram,
  dpMean,
  dpQuantile,
  dpSum,
  exponentialMechanism,
  gaussianMechanism,
  laplaceMechanism,
  randomizedResponse,
  skellamMechanism,
} from '../../../src/dp/mechanisms/index.ts';
import {
  type MechanismConformanceOptions,
  type MechanismSubject,
  mechanismConformance,
} from '../../../src/testing/mechanism-conformance.ts';

// Each case fails a correct mechanism with a probability under 1e-6 over seeds; the seed is fixed.
function describeMechanism<Data, Value>(
  subject: MechanismSubject<Data, Value>,
  options: MechanismConformanceOptions = {},
): void {
  describe(subject.name, () => {
    const cases = mechanismConformance(subject, { samples: 4000, ...options });
    for (const { name, run } of cases) it(name, run);
  });
}

type Vectors = readonly (readonly number[])[];

const add: NeighbourRelation = 'add-or-remove-one-user';
const replace: NeighbourRelation = 'replace-one-user';
const total = (value: Float64Array): number => value.reduce((sum, x) => sum + x, 0);

for (const relation of [add, replace]) {
  const other = relation === replace ? [[-0.6, -0.8]] : [];
  describeMechanism<Vectors, Float64Array>({
    name: `gaussianMechanism, ${relation}`,
    release: (data, random) =>
      gaussianMechanism(data, {
        relation,
        dimension: 2,
        clippingNorm: 1,
        noiseMultiplier: 0.8,
        ...(random && { random }),
      }),
    neighbours: [
      [
        [
          [3, 4],
          [0.1, 0.2],
        ],
        [[0.1, 0.2], ...other],
      ],
    ],
    statistic: (value) => 0.6 * (value[0] as number) + 0.8 * (value[1] as number),
    refused: [[[Number.NaN, 0]], [[1]], [[Number.POSITIVE_INFINITY, 0]]],
  });
  describeMechanism<Vectors, Float64Array>({
    name: `laplaceMechanism, ${relation}`,
    release: (data, random) =>
      laplaceMechanism(data, {
        relation,
        dimension: 2,
        clippingNorm: 1,
        noiseMultiplier: 0.8,
        ...(random && { random }),
      }),
    neighbours: [
      [
        [
          [5, 0],
          [0, 0.3],
        ],
        relation === replace
          ? [
              [-5, 0],
              [0, 0.3],
            ]
          : [[0, 0.3]],
      ],
    ],
    statistic: (value) => value[0] as number,
    truth: (data) => data.reduce((sum, [x]) => sum + Math.max(-1, Math.min(1, x as number)), 0),
    refused: [[[Number.NaN, 0]], [[1]]],
  });
}

const kinds: readonly AdditiveNoise['kind'][] = [
  'gaussian',
  'laplace',
  'discrete-gaussian',
  'discrete-laplace',
  'skellam',
];
for (const kind of kinds) {
  const noise: AdditiveNoise = { kind, noiseMultiplier: 1.1 };
  describeMechanism<Vectors, number>({
    name: `dpCount, ${kind}`,
    release: (data, random) =>
      dpCount(data, { relation: add, maxContributions: 2, noise, ...(random && { random }) }),
    neighbours: [[[[1], [1, 2, 3]], [[1]]]],
    statistic: (value) => value,
    truth: (data) => data.reduce((sum, { length }) => sum + Math.min(2, length), 0),
  });
  describeMechanism<Vectors, number>(
    {
      name: `dpSum, ${kind}`,
      release: (data, random) =>
        dpSum(data, {
          relation: replace,
          maxContributions: 1,
          lowerBound: -1,
          upperBound: 3,
          noise,
          ...(random && { random }),
        }),
      neighbours: [
        [
          [[1], [99]],
          [[1], [-99]],
        ],
      ],
      statistic: (value) => value,
      truth: (data) => data.reduce((sum, [x]) => sum + Math.max(-1, Math.min(3, x as number)), 0),
      refused: [[[Number.NaN]], [[Number.NEGATIVE_INFINITY]]],
    },
    { samples: 3000 },
  );
}

describeMechanism<Vectors, Float64Array>({
  name: 'skellamMechanism',
  release: ([sum = []], random) =>
    skellamMechanism(sum, {
      relation: add,
      mu: 4,
      l1Contribution: 3,
      l2Contribution: 2,
      ...(random && { random }),
    }),
  neighbours: [[[[5, 7, 2]], [[4, 6, 1]]]],
  statistic: total,
  refused: [[[0.5]], [[Number.NaN]], [[2 ** 53]], [[]]],
});
describeMechanism<Vectors, Float64Array>({
  name: 'discreteGaussianMechanism',
  release: ([sum = []], random) =>
    discreteGaussianMechanism(sum, {
      relation: replace,
      sigma: 3,
      l2Contribution: 1,
      ...(random && { random }),
    }),
  neighbours: [[[[5]], [[7]]]],
  statistic: total,
  truth: ([sum = []]) => total(Float64Array.from(sum)),
  refused: [[[0.5]]],
});
describeMechanism<Vectors, Float64Array>({
  name: 'discreteLaplaceMechanism',
  release: ([sum = []], random) =>
    discreteLaplaceMechanism(sum, {
      relation: add,
      parameter: 0.5,
      l1Contribution: 2,
      ...(random && { random }),
    }),
  neighbours: [
    [[[5, 0]], [[7, 0]]],
    [[[5, 0]], [[6, 1]]],
  ],
  statistic: (value) => (value[0] as number) * 1000 + (value[1] as number),
  refused: [[[0.5]]],
});

describeMechanism<Vectors, Float64Array>({
  name: 'dpHistogram',
  release: (data, random) =>
    dpHistogram(data, {
      relation: replace,
      categories: [10, 20, 30],
      maxCategories: 1,
      noise: { kind: 'gaussian', noiseMultiplier: 1 },
      ...(random && { random }),
    }),
  neighbours: [
    [
      [[10], [20]],
      [[10], [30]],
    ],
  ],
  statistic: (value) => (value[1] as number) - (value[2] as number),
});

const meanOptions = {
  relation: add,
  maxContributions: 1,
  lowerBound: 0,
  upperBound: 10,
  noise: { kind: 'gaussian', noiseMultiplier: 1 },
} as const;
const ages: Vectors = Array.from({ length: 40 }, (_, i) => [(i * 7) % 13]);
const meanOf = (data: Vectors): number =>
  data.reduce((sum, [x]) => sum + Math.min(10, x as number), 0) / data.length;
describeMechanism<Vectors, number>({
  name: 'dpMean with a noisy count',
  release: (data, random) =>
    dpMean(data, {
      ...meanOptions,
      countNoise: { kind: 'laplace', noiseMultiplier: 1 },
      ...(random && { random }),
    }),
  neighbours: [
    [ages, ages.slice(1)],
    [ages.slice(0, 2), ages.slice(0, 1)],
  ],
  statistic: (value) => value,
  truth: meanOf,
  refused: [[[Number.NaN]]],
});
describeMechanism<Vectors, number>({
  name: 'dpMean with a public count',
  release: (data, random) =>
    dpMean(data, {
      ...meanOptions,
      relation: replace,
      publicCount: 40,
      ...(random && { random }),
    }),
  neighbours: [[ages, [...ages.slice(1), [500]]]],
  statistic: (value) => value,
  truth: meanOf,
});

describeMechanism<readonly number[], number>({
  name: 'exponentialMechanism',
  release: (data, random) =>
    exponentialMechanism(data, {
      relation: add,
      epsilon: 1,
      utilityContribution: 0.3,
      ...(random && { random }),
    }),
  neighbours: [
    [
      [0.3, 0, 0.1],
      [0, 0.3, 0.1],
    ],
  ],
  statistic: (value) => value,
  refused: [[Number.NaN], [], [1, Number.POSITIVE_INFINITY]],
});
const five: Vectors = [[3], [4], [4], [6], [7]];
const quantileNeighbours: readonly [NeighbourRelation, readonly [Vectors, Vectors][]][] = [
  [
    add,
    [
      [five, five.slice(1)],
      [[], [[0]]],
    ],
  ],
  [replace, [[five, [...five.slice(1), [10]]]]],
];
for (const [relation, neighbours] of quantileNeighbours) {
  describeMechanism<Vectors, number>({
    name: `dpQuantile, ${relation}`,
    release: (data, random) =>
      dpQuantile(data, {
        relation,
        maxContributions: 1,
        lowerBound: 0,
        upperBound: 10,
        quantile: 0.5,
        epsilon: 1.5,
        granularity: 1,
        ...(random && { random }),
      }),
    neighbours,
    statistic: (value) => value,
    refused: [[[Number.NaN]]],
  });
}
describeMechanism<Vectors, number>(
  {
    name: 'dpQuantile with an interval',
    release: (data, random) =>
      dpQuantile(data, {
        relation: add,
        maxContributions: 1,
        lowerBound: 0,
        upperBound: 100,
        quantile: 0.3,
        epsilon: 2,
        intervalEpsilon: 4,
        ...(random && { random }),
      }),
    neighbours: [
      [
        Array.from({ length: 101 }, (_, i) => [i / 2]),
        Array.from({ length: 100 }, (_, i) => [(i + 1) / 2]),
      ],
    ],
    statistic: (value) => value,
    // The least of the values at which 30 % lie at or below.
    truth: (data) =>
      data.map(([x]) => x as number).sort((a, b) => a - b)[
        Math.ceil(0.3 * data.length) - 1
      ] as number,
  },
  // A Rényi curve prices three exponential mechanisms in no time, and tightly enough here.
  { samples: 1500, createAccountant: (plan) => new RdpAccountant(plan) },
);

describeMechanism<number, number>({
  name: 'randomizedResponse',
  release: (data, random) =>
    randomizedResponse(data, {
      relation: replace,
      categories: 5,
      probability: 0.4,
      ...(random && { random }),
    }),
  neighbours: [[2, 4]],
  statistic: (value) => value,
  refused: [5, -1, 0.5, Number.NaN],
});
