import { describe, expect, it } from 'vitest';
import { erfc } from '../../../src/core/special/index.ts';
import { epsilonAtOrder } from '../../../src/dp/accounting/conversion.ts';
import { divergenceCurve } from '../../../src/dp/accounting/rdp/curve.ts';
import {
  logExpectedRuns,
  privateSelectionCurve,
} from '../../../src/dp/accounting/rdp/private-selection.ts';
import { epsilonOfCurve } from '../../../src/dp/accounting/rdp/readouts.ts';
import { runWeights } from './selection-laws.ts';

const RELATION = 'add-or-remove-one-user';

function concentrated(rho: number) {
  return divergenceCurve({ kind: 'zcdp', rho }, RELATION, 'event');
}

describe('logExpectedRuns', () => {
  it('is the mean of the law', () => {
    for (const shape of [-0.9, -0.5, 0, 1e-9, 0.5, 1]) {
      for (const stop of [0.9, 0.2, 0.01]) {
        const runs = { kind: 'truncated-negative-binomial', shape, stop } as const;
        const mean = runWeights(runs).reduce((sum, weight, k) => sum + weight * k, 0);
        const value = logExpectedRuns(runs);
        expect(value).toBeGreaterThanOrEqual(Math.log(mean) - 1e-14);
        expect(value).toBeCloseTo(Math.log(mean), 8);
      }
    }
  });

  it('loses no digits of a shape that is subnormal', () => {
    for (const stop of [0.5, 0.6, 0.01]) {
      const at = (shape: number): number =>
        logExpectedRuns({ kind: 'truncated-negative-binomial', shape, stop });
      for (const shape of [5e-324, 1.5e-323, 1e-320, -5e-324]) {
        expect(at(shape)).toBeCloseTo(at(0), 12);
      }
    }
  });
});

describe('privateSelectionCurve', () => {
  // Papernot & Steinke (2022), corollary 3.
  it('multiplies a pure epsilon by 2 + η', () => {
    for (const shape of [-0.5, 0, 0.5, 1]) {
      const laplace = divergenceCurve({ kind: 'laplace', noiseMultiplier: 2 }, RELATION, 'event');
      const runs = { kind: 'truncated-negative-binomial', shape, stop: 0.001 } as const;
      const curve = privateSelectionCurve(laplace, runs);
      expect(curve.pure).toBeCloseTo(0.5 * (2 + shape), 9);
      expect(curve.pure).toBeGreaterThanOrEqual(0.5 * (2 + shape));
      expect(curve.at(1e10)).toBeCloseTo(0.5 * (2 + shape), 6);
    }
  });

  // Papernot & Steinke (2022), corollary 4; the cases of dp_accounting's own test of it.
  it('has the closed form of the paper for a concentrated run', () => {
    for (const [wish, stop] of [
      [0.01, 0.01],
      [1, 0.1],
      [10, 0.99],
    ] as const) {
      for (const shape of [-0.5, 0, 0.5, 1]) {
        const rho = Math.min(wish, -Math.log(stop));
        const runs = { kind: 'truncated-negative-binomial', shape, stop } as const;
        const logMean = logExpectedRuns(runs);
        const curve = privateSelectionCurve(concentrated(rho), runs);
        const turn = 1 + Math.sqrt(logMean / rho);
        for (const order of [1.1, 2, turn, 3, 5, 10, 100, 1000]) {
          const from = Math.max(order, turn) - 1;
          const expected =
            rho * from +
            logMean / from +
            2 * (1 + shape) * Math.sqrt(-rho * Math.log(stop)) -
            shape * rho;
          expect(curve.at(order) / expected).toBeCloseTo(1, 7);
          expect(curve.at(order)).toBeGreaterThanOrEqual(expected * (1 - 1e-12));
        }
      }
    }
  });

  // Papernot & Steinke (2022), theorem 6, with the exact δ of a Gaussian.
  it('is at least the bound of the paper for a Poisson number of Gaussian runs, and near it', () => {
    for (const noiseMultiplier of [2, 10, 1000]) {
      const run = { kind: 'gaussian', noiseMultiplier } as const;
      for (const mean of [1, 10, 1000]) {
        const runs = { kind: 'poisson', mean } as const;
        const curve = divergenceCurve(
          { kind: 'repeat-and-select', runs, event: run },
          RELATION,
          'event',
        );
        const paper = (order: number): number => {
          const epsilon = Math.log1p(1 / (order - 1));
          const x = (epsilon * noiseMultiplier - 0.5 / noiseMultiplier) / Math.SQRT2;
          const y = (epsilon * noiseMultiplier + 0.5 / noiseMultiplier) / Math.SQRT2;
          const delta = erfc(x) / 2 - (Math.exp(epsilon) * erfc(y)) / 2;
          return order / (2 * noiseMultiplier ** 2) + mean * delta + Math.log(mean) / (order - 1);
        };
        const orders = Array.from({ length: 300 }, (_, i) => 1 + 1.06 ** (i - 60));
        for (const order of [1.5, 2, 4, 8]) {
          const best = Math.min(...orders.filter((at) => at >= order).map(paper), paper(order));
          expect(curve.at(order)).toBeGreaterThanOrEqual(best * 0.999);
        }
        const logDelta = Math.log(1e-6);
        const least = Math.min(...orders.map((at) => epsilonAtOrder(at, paper(at), logDelta)));
        const { value } = epsilonOfCurve(curve, 1e-6);
        expect(value).toBeGreaterThanOrEqual(least * 0.999);
        expect(value).toBeLessThan(least * 1.01);
      }
    }
  });
});
