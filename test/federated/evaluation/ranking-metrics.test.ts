import { describe, expect, it } from 'vitest';
import { areaUnderCurve, rankingMetrics } from '../../../src/federated/index.ts';

describe('rankingMetrics', () => {
  it('counts hits among the best three, and nothing relevant as zero', () => {
    const scores = Float32Array.of(4, 3, 2, 1, 4, 3, 2, 1);
    const labels = Float32Array.of(1, 0, 1, 1, 0, 0, 0, 0);
    expect(rankingMetrics(scores, labels, 4).precisionAt3).toBeCloseTo((2 / 3 + 0) / 2, 12);
  });

  it('discounts the gain by rank, over users with something relevant', () => {
    const scores = Float32Array.of(3, 2, 1, 3, 2, 1);
    const labels = Float32Array.of(0, 1, 0, 0, 0, 0);
    expect(rankingMetrics(scores, labels, 3).ndcgAt5).toBeCloseTo(1 / Math.log2(3), 12);
  });

  it('takes macro AUC over tags with five of each class only', () => {
    const users = 10;
    const scores = new Float32Array(users * 2);
    const labels = new Float32Array(users * 2);
    for (let user = 0; user < users; user++) {
      scores[user * 2] = user;
      labels[user * 2] = user >= 5 ? 1 : 0;
      labels[user * 2 + 1] = user === 0 ? 1 : 0;
    }
    expect(rankingMetrics(scores, labels, 2).macroAuc).toBe(1);
  });

  it('refuses shapes that differ', () => {
    expect(() => rankingMetrics(new Float32Array(4), new Float32Array(6), 2)).toThrow(RangeError);
    expect(() => rankingMetrics(new Float32Array(5), new Float32Array(5), 2)).toThrow(RangeError);
  });
});

describe('areaUnderCurve', () => {
  it.each([
    ['perfect', [1, 2, 3, 4], [0, 0, 1, 1], 1],
    ['reversed', [4, 3, 2, 1], [0, 0, 1, 1], 0],
    ['all tied', [1, 1, 1, 1], [0, 1, 0, 1], 0.5],
    ['one tie across classes', [1, 2, 2, 3], [0, 0, 1, 1], 0.875],
  ])('%s', (_, scores, labels, expected) => {
    expect(areaUnderCurve(scores, labels)).toBe(expected);
  });

  it('is undefined with one class only', () => {
    expect(areaUnderCurve([1, 2], [1, 1])).toBeNaN();
  });
});
