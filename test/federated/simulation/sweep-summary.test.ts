import { describe, expect, it } from 'vitest';
import type { SweepCellResult } from '../../../src/federated/simulation/sweep.ts';
import { taskMetrics } from '../../../src/federated/simulation/sweep-metrics.ts';
import {
  paretoFront,
  summariseSweep,
  sweepCost,
  sweepCsv,
} from '../../../src/federated/simulation/sweep-summary.ts';

function result(
  method: 'one-shot' | 'fedavg',
  epsilon: number,
  repeat: number,
  auc: number | null,
): SweepCellResult {
  return {
    cell: {
      id: `${method}/${epsilon}/${repeat}`,
      method,
      setting: method,
      epsilon,
      noiseMultiplier: null,
      rounds: null,
      clippingNorm: null,
      cohort: null,
      repeat,
    },
    ranMethod: method,
    trainingUsers: 100,
    evaluationUsers: 50,
    metrics: { auc },
    popularity: { auc: 0.5 },
    ownHistory: { auc: null },
    rounds: [],
    statement: null,
    seconds: 1,
  };
}

const RESULTS = [
  result('one-shot', Infinity, 0, 0.9),
  result('one-shot', 1, 0, 0.6),
  result('one-shot', 1, 1, 0.8),
  result('fedavg', 1, 0, 0.65),
  result('fedavg', 2, 0, 0.65),
  result('one-shot', 2, 0, null),
];

describe('summariseSweep', () => {
  it('gives mean and sample deviation, ascending in epsilon', () => {
    const rows = summariseSweep(RESULTS);
    expect(rows.map(({ epsilon }) => epsilon)).toEqual([1, 1, 2, 2, Infinity]);
    const [first] = rows;
    expect(first).toMatchObject({ method: 'one-shot', metric: 'auc', repeats: 2 });
    expect(first?.mean).toBeCloseTo(0.7, 12);
    // Deviations ∓0.1 over n − 1 = 1.
    expect(first?.sd).toBeCloseTo(Math.sqrt(0.02), 12);
    expect(rows[1]).toMatchObject({ method: 'fedavg', mean: 0.65, sd: null });
    expect(rows.find((row) => row.method === 'one-shot' && row.epsilon === 2)?.mean).toBeNull();
  });

  it('pools a baseline over the methods it was released beside', () => {
    const rows = summariseSweep(RESULTS, 'popularity');
    expect(rows.map(({ method, repeats }) => [method, repeats])).toEqual([
      ['popularity', 3],
      ['popularity', 2],
      ['popularity', 1],
    ]);
  });
});

describe('paretoFront', () => {
  it('keeps what nothing cheaper equals', () => {
    const front = paretoFront(summariseSweep(RESULTS));
    expect(front.map(({ method, epsilon }) => [method, epsilon])).toEqual([
      ['one-shot', 1],
      ['one-shot', Infinity],
    ]);
  });
});

describe('sweepCost', () => {
  it('composes the private cells exactly: four Gaussians of µ cost one of 2µ', () => {
    const four = Array.from({ length: 4 }, (_, repeat) => result('one-shot', 1, repeat, 0.5));
    // µ(1, 1e-5) = .2680; ε(2µ, 1e-5) = 2.149 (Dong, Roth & Su 2022, corollary 3.3, by bisection).
    expect(sweepCost(four, 1e-5)).toBeGreaterThan(2.1);
    expect(sweepCost(four, 1e-5)).toBeLessThan(2.2);
    expect(sweepCost(four.slice(0, 1), 1e-5)).toBeCloseTo(1, 6);
    expect(sweepCost([result('one-shot', Infinity, 0, 1)], 1e-5)).toBe(0);
  });
});

describe('sweepCsv', () => {
  it('has a line a row, empty where nothing is defined', () => {
    const lines = sweepCsv(summariseSweep(RESULTS)).split('\n');
    expect(lines[0]).toBe('method,setting,epsilon,metric,mean,sd,repeats');
    expect(lines[2]).toBe('fedavg,"fedavg",1,auc,0.65,,1');
    expect(lines.at(-2)).toBe('one-shot,"one-shot",inf,auc,0.9,,1');
    expect(lines.at(-1)).toBe('');
  });
});

describe('taskMetrics', () => {
  it('is null where one class is missing or nobody is measured on', () => {
    const scores = Float32Array.of(0.1, 0.9);
    expect(taskMetrics(scores, Float32Array.of(0, 0), 1)).toEqual({
      auc: null,
      averagePrecision: null,
    });
    expect(taskMetrics(scores, Float32Array.of(0, 1), 1)).toEqual({ auc: 1, averagePrecision: 1 });
    expect(taskMetrics(new Float32Array(), new Float32Array(), 4)).toEqual({
      precisionAt3: null,
      macroAuc: null,
      ndcgAt5: null,
    });
  });
});
