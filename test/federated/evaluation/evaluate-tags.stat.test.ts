import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { normalQuantile } from '../../../src/core/special/index.ts';
import {
  binnedAuc,
  macroAuc,
  type ScoreHistogram,
  weightedAuc,
} from '../../../src/federated/evaluation/binned-auc.ts';
import { evaluateTags } from '../../../src/federated/evaluation/evaluate-tags.ts';
import {
  type MetricEstimate,
  ratioEstimate,
} from '../../../src/federated/evaluation/metric-estimate.ts';

import { FederatedClient, PlainSum, type TagScorer } from '../../../src/federated/index.ts';

const REPEATS = 5000;
const CONFIDENCE = 0.9;
const Z = normalQuantile((1 + CONFIDENCE) / 2);
/**
 * Five binomial deviations: a correct interval fails a check with probability under 6e-7 (normal tail, two
 * sides). Draws are seeded, so that the outcome is the same every time.
 */
const SLACK = 5 * Math.sqrt((CONFIDENCE * (1 - CONFIDENCE)) / REPEATS);

function normals(seed: string): () => number {
  const random = new SeededRandom(seed);
  return () => normalQuantile((random.uint32() + 0.5) / 2 ** 32);
}

/** Share of the draws whose interval holds the truth; one that is null holds nothing. */
function coverage(truth: number, draw: () => MetricEstimate, repeats = REPEATS): number {
  let held = 0;
  for (let i = 0; i < repeats; i++) {
    const { interval } = draw();
    if (interval !== null && interval.low <= truth && truth <= interval.high) held++;
  }
  return held / repeats;
}

describe('ratioEstimate', () => {
  it.each([
    ['little noise', 0.62, 1000, 5, 1],
    ['noise of a twentieth of the users', 0.62, 1000, 50, 1],
    ['a rate far from one half', 0.03, 500, 20, 1],
    ['another scale', 0.2, 500, 20, 3],
  ])('holds a rate as often as it says: %s', (name, rate, users, stddev, scale) => {
    const noise = normals(`ratio ${name}`);
    const found = coverage(scale * rate, () =>
      ratioEstimate(
        { value: (rate - 0.5) * users + (stddev / 2) * noise(), stddev: stddev / 2 },
        { value: users + stddev * noise(), stddev },
        Z,
        { offset: scale / 2, scale },
      ),
    );
    expect(Math.abs(found - CONFIDENCE)).toBeLessThan(SLACK);
  });

  it('gives a standard error that is the deviation of the value', () => {
    const noise = normals('ratio error');
    const draws = Array.from({ length: REPEATS }, () =>
      ratioEstimate(
        { value: 300 + 8 * noise(), stddev: 8 },
        { value: 1000 + 20 * noise(), stddev: 20 },
        Z,
        { offset: 1, scale: 4 },
      ),
    );
    const values = draws.map(({ value }) => value as number);
    const mean = values.reduce((sum, value) => sum + value, 0) / REPEATS;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / REPEATS);
    const stated = draws.reduce((sum, draw) => sum + (draw.standardError as number), 0) / REPEATS;
    // Deviation of an estimated deviation: 1/√(2·REPEATS) = 1 %; five of them and 0.1 % for the curve.
    expect(Math.abs(sd / stated - 1)).toBeLessThan(0.051);
  });
});

/** Counts of two classes whose scores are apart by about one deviation. */
function counts(users: number, density: number): { positives: number[]; negatives: number[] } {
  const shape = [1, 2, 4, 7, 10, 12, 12, 10, 7, 4, 2, 1];
  const total = shape.reduce((sum, value) => sum + value, 0);
  const positives = shape.map((_, bin) => ((shape[bin - 2] ?? 0) * users * density) / total);
  const negatives = shape.map((value) => (value * users * (1 - density)) / total);
  return { positives, negatives };
}

function trueAuc({ positives, negatives }: ReturnType<typeof counts>): number {
  let won = 0;
  positives.forEach((p, bin) => {
    negatives.forEach((n, other) => {
      won += p * n * (bin > other ? 1 : bin === other ? 0.5 : 0);
    });
  });
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return won / sum(positives) / sum(negatives);
}

/** The interval of the noise alone, around the AUC of the bins. */
function withoutBins(estimate: MetricEstimate): MetricEstimate {
  const { interval, binError } = estimate;
  if (interval === null) return estimate;
  return {
    ...estimate,
    interval: { low: interval.low + binError, high: interval.high - binError },
  };
}

describe('binnedAuc', () => {
  it.each([
    ['little noise', 4000, 0.25, 3],
    ['some noise', 4000, 0.25, 15],
    ['few positives, near the border where a tag is withheld', 2000, 0.1, 12],
  ])(
    'holds the AUC of its bins at least as often as it says: %s',
    (name, users, density, noiseStddev) => {
      const truth = counts(users, density);
      const noise = normals(`auc ${name}`);
      let shown = 0;
      const found = coverage(trueAuc(truth), () => {
        const noisy = (values: number[]): Float64Array =>
          Float64Array.from(values, (value) => value + noiseStddev * noise());
        const estimate = binnedAuc(
          {
            edges: [],
            positives: noisy(truth.positives),
            negatives: noisy(truth.negatives),
            noiseStddev,
          },
          Z,
        );
        if (estimate.value !== null) shown++;
        return withoutBins(estimate);
      });
      expect(shown / REPEATS).toBeGreaterThan(0.99);
      expect(found).toBeGreaterThan(CONFIDENCE - SLACK);
      // Not by being uselessly wide: the variance is overstated where noise is large, by a little.
      expect(found).toBeLessThan(CONFIDENCE + SLACK + 0.03);
    },
  );
});

/** Counts of many tags with noise. */
function noisyTags(
  tags: readonly ReturnType<typeof counts>[],
  noiseStddev: number,
  noise: () => number,
): ScoreHistogram[] {
  const noisy = (values: number[]): Float64Array =>
    Float64Array.from(values, (value) => value + noiseStddev * noise());
  return tags.map(({ positives, negatives }) => ({
    edges: [],
    positives: noisy(positives),
    negatives: noisy(negatives),
    noiseStddev,
  }));
}

const MANY = REPEATS / 4;
const MANY_SLACK = 2 * SLACK;

describe('what noise may hide', () => {
  it('is not shown: thirty people under noise of fifteen in each of twelve bins', () => {
    const noise = normals('hidden');
    for (let i = 0; i < 100; i++) {
      const [histogram] = noisyTags([counts(3000, 0.01)], 15, noise);
      // At z = 4 it takes a sum that the noise lifts by more than 3.5 of its deviations, seldom in 4,000.
      const estimate = binnedAuc(histogram as ScoreHistogram, 4);
      expect(estimate.value).toBeNull();
    }
  });
});

describe('macroAuc', () => {
  it('holds the mean of many tags as often as it says', () => {
    const tags = [0.1, 0.2, 0.3, 0.4, 0.5].map((density) => counts(3000, density));
    const noise = normals('macro');
    const truth = tags.reduce((sum, tag) => sum + trueAuc(tag), 0) / tags.length;
    const found = coverage(truth, () => withoutBins(macroAuc(noisyTags(tags, 6, noise), Z)), MANY);
    // A first-order standard error: one in a hundred is for the curve.
    expect(Math.abs(found - CONFIDENCE)).toBeLessThan(MANY_SLACK + 0.01);
  });

  it('shows no mean over fewer tags than there are', () => {
    const tags = [counts(3000, 0.3), counts(3000, 0.002)];
    const noise = normals('macro unclear');
    for (let i = 0; i < 50; i++) {
      expect(macroAuc(noisyTags(tags, 6, noise), 6).value).toBeNull();
    }
    expect(macroAuc(noisyTags(tags, 0.001, noise), Z).value).not.toBeNull();
    // Three people: beyond doubt too few, so that the mean is over the other tag.
    const rare = macroAuc(noisyTags([counts(3000, 0.3), counts(3000, 0.001)], 0.001, noise), Z);
    expect(rare.value).toBeCloseTo(trueAuc(counts(3000, 0.3)), 3);
  });
});

describe('weightedAuc', () => {
  it('holds the weighted mean at least as often as it says, rare tags and all', () => {
    const tags = [0.001, 0.01, 0.02, 0.05, 0.1, 0.3].map((density) => counts(3000, density));
    const noise = normals('weighted');
    const weights = tags.map(({ positives, negatives }) =>
      [positives, negatives].map((side) => side.reduce((sum, value) => sum + value, 0)),
    ) as [number, number][];
    const pairs = weights.reduce((sum, [p, n]) => sum + p * n, 0);
    const truth = tags.reduce((sum, tag, at) => {
      const [p, n] = weights[at] as [number, number];
      return sum + (trueAuc(tag) * p * n) / pairs;
    }, 0);
    const found = coverage(
      truth,
      () => withoutBins(weightedAuc(noisyTags(tags, 15, noise), Z)),
      MANY,
    );
    expect(found).toBeGreaterThan(CONFIDENCE - MANY_SLACK);
    expect(found).toBeLessThan(CONFIDENCE + MANY_SLACK + 0.03);
  });
});

describe('evaluateTags', () => {
  it.each([
    ['zero-out-one-user', 1],
    ['replace-one-user', 2],
  ] as const)('adds the noise that it states, under %s', async (relation, updates) => {
    const model: TagScorer = {
      kind: 'linear',
      tags: ['one', 'two', 'three', 'four'],
      features: ['x'],
      weights: new Float32Array(4).fill(0.1),
      offsets: new Float32Array(4),
    };
    const client = new FederatedClient('user', {
      rows: 1,
      features: Float32Array.of(1),
      labels: new Float32Array(4),
    });
    const outcome = await evaluateTags(
      {
        scene: 'test',
        relation,
        secureSum: new PlainSum(),
        random: new SeededRandom(`noise ${relation}`),
        budget: null,
        minimumCohort: 1,
      },
      model,
      [client],
      {
        roundId: 'noise',
        metrics: ['weightedAuc'],
        evaluation: 'charged',
        noiseMultiplier: 3,
        delta: 1e-6,
        population: 1000,
        confidence: 0.9,
        labelDensity: 0.25,
        scoreBins: 1024,
      },
    );
    if (outcome.kind === 'refused') throw new Error('refused without a budget');
    const { aucByTag, statement } = outcome.evaluation;
    expect(statement.insecure).toBe(true);
    // Nobody is positive: all that is in these cells is noise.
    const noise = aucByTag.flatMap(({ histogram }) => [...histogram.positives]);
    const stated = aucByTag[0]?.histogram.noiseStddev as number;
    // Shares of the norm: the histogram 1 over √4 tags, the users ½.
    expect(stated).toBeCloseTo(updates * 3 * Math.sqrt(1 + 1 / 4) * Math.sqrt(4), 3);
    const sd = Math.sqrt(noise.reduce((sum, value) => sum + value * value, 0) / noise.length);
    // 4096 cells: five deviations of an estimated deviation.
    expect(Math.abs(sd / stated - 1)).toBeLessThan(5 / Math.sqrt(2 * 4096));
  });
});
