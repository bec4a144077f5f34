import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EvaluationLayout,
  TAG_METRICS,
} from '../../../src/federated/evaluation/evaluation-layout.ts';

const EDGES = [-1, 0, 1] as const;

/** Rows of any labels and scores, finite or not, and any choice of metrics. */
const cases = fc
  .record({
    tags: fc.integer({ min: 1, max: 6 }),
    rows: fc.integer({ min: 1, max: 4 }),
    metrics: fc.subarray([...TAG_METRICS], { minLength: 1 }),
  })
  .chain(({ tags, rows, metrics }) => {
    const cells = { minLength: tags * rows, maxLength: tags * rows };
    return fc.record({
      tags: fc.constant(tags),
      rows: fc.constant(rows),
      metrics: fc.constant(metrics),
      scores: fc.float32Array({ ...cells, noNaN: true }),
      probabilities: fc.float32Array({ ...cells, noNaN: true }),
      labels: fc.float32Array({ ...cells, noNaN: true }),
    });
  });

describe('EvaluationLayout', () => {
  it('never makes a vector that its encoder has to clip', () => {
    fc.assert(
      fc.property(cases, ({ tags, rows, metrics, scores, probabilities, labels }) => {
        const layout = new EvaluationLayout({
          metrics,
          tags,
          edges: EDGES,
          lossBound: 2,
          minimumProbability: 0.01,
        });
        const vector = layout.contribution(
          { rows, features: new Float32Array(0), labels },
          { scores, probabilities },
        );
        const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
        expect(norm).toBeLessThanOrEqual(layout.encoder.clippingNorm * (1 + 1e-12));
        expect(layout.encoder.encode(vector).vector.every(Number.isInteger)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('fills its bound: the worst row is not far under it', () => {
    const layout = new EvaluationLayout({
      metrics: TAG_METRICS,
      tags: 4,
      edges: EDGES,
      lossBound: 2,
      minimumProbability: 0.01,
    });
    const vector = layout.contribution(
      { rows: 1, features: new Float32Array(0), labels: Float32Array.of(1, 1, 1, 0) },
      {
        scores: Float32Array.of(4, 3, 2, 1),
        probabilities: Float32Array.of(0, 0, 0, 1),
      },
    );
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    expect(norm / layout.encoder.clippingNorm).toBeGreaterThan(0.999_99);
  });

  it('sums counts without rounding', () => {
    const layout = new EvaluationLayout({
      metrics: ['macroAuc'],
      tags: 3,
      edges: EDGES,
      lossBound: 2,
      minimumProbability: 0.01,
    });
    const scores = { scores: Float32Array.of(-2, 0, 5), probabilities: new Float32Array(3) };
    const data = { rows: 1, features: new Float32Array(0), labels: Float32Array.of(0, 1, 0) };
    const one = layout.encoder.encode(layout.contribution(data, scores)).vector;
    const sum = layout.encoder.decodeSum(one.map((value) => 1000 * value)).sum;
    expect(layout.read(sum, 0, 'users')).toEqual({ value: 1000, stddev: 0 });
    const found = [0, 1, 2].map((tag) => layout.readHistogram(sum, 0, tag));
    expect(found.map(({ negatives }) => [...negatives])).toEqual([
      [1000, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 1000],
    ]);
    expect(found.map(({ positives }) => [...positives])).toEqual([
      [0, 0, 0, 0],
      [0, 0, 1000, 0],
      [0, 0, 0, 0],
    ]);
  });
});
