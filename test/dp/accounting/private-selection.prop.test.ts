import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { privateSelectionCurve } from '../../../src/dp/accounting/rdp/private-selection.ts';
import type { SelectionRuns } from '../../../src/dp/event.ts';
import { exactCurve, renyi, runWeights, selectedLaw } from './selection-laws.ts';

const ORDERS = [1.05, 1.3, 2, 3.5, 8, 20];

const anyRuns: fc.Arbitrary<SelectionRuns> = fc.oneof(
  fc.record({
    kind: fc.constant('truncated-negative-binomial' as const),
    shape: fc.constantFrom(-0.9, -0.5, 0, 0.3, 1),
    stop: fc.constantFrom(0.5, 0.1, 0.01),
  }),
  fc.record({ kind: fc.constant('poisson' as const), mean: fc.constantFrom(1, 2, 10, 100) }),
);

/** Two neighbouring laws of few outcomes, some of them rare; the last outcome is the best. */
const anyPair: fc.Arbitrary<readonly [number[], number[]]> = fc
  .array(
    fc.tuple(
      fc.double({ min: -9, max: 0, noNaN: true }),
      fc.double({ min: -1.5, max: 1.5, noNaN: true }),
    ),
    { minLength: 2, maxLength: 6 },
  )
  .map((outcomes) => [
    normalised(outcomes.map(([log]) => Math.exp(log))),
    normalised(outcomes.map(([log, shift]) => Math.exp(log + shift))),
  ]);

function normalised(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** The largest divergence of the selection, in both directions. */
function truth(p: readonly number[], q: readonly number[], runs: SelectionRuns, order: number) {
  const weights = runWeights(runs);
  const [a, b] = [selectedLaw(p, weights), selectedLaw(q, weights)];
  return Math.max(renyi(a, b, order), renyi(b, a, order));
}

describe('privateSelectionCurve', () => {
  it('is never under the divergence of what is released', () => {
    fc.assert(
      fc.property(anyPair, anyRuns, ([p, q], runs) => {
        const bound = privateSelectionCurve(exactCurve(p, q), runs);
        for (const order of ORDERS) {
          expect(bound.at(order)).toBeGreaterThanOrEqual(truth(p, q, runs, order) - 1e-12);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('grows with the order and with the number of runs, and is never under one run', () => {
    fc.assert(
      fc.property(anyPair, anyRuns, ([p, q], runs) => {
        const base = exactCurve(p, q);
        const bound = privateSelectionCurve(base, runs);
        let before = 0;
        for (const order of ORDERS) {
          const value = bound.at(order);
          expect(value).toBeGreaterThanOrEqual(base.at(order));
          expect(value).toBeGreaterThanOrEqual(before - 1e-12);
          before = value;
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is nearly reached, so that a smaller factor than 2 + η would be wrong', () => {
    // The middle outcome is e^ε more likely for one neighbour, the better one, which hides it, e^ε less.
    const [middle, better] = [0.01, 0.2];
    const p = [1 - middle * Math.E - better, middle * Math.E, better];
    const q = [1 - middle - better * Math.E, middle, better * Math.E];
    const curve = exactCurve(p, q);
    expect(curve.pure).toBeCloseTo(1, 12);
    for (const [shape, least] of [
      [0, 1.9],
      [1, 2.8],
    ] as const) {
      const runs = { kind: 'truncated-negative-binomial', shape, stop: 1e-3 } as const;
      const real = truth(p, q, runs, 200);
      expect(real).toBeGreaterThan(least);
      expect(real).toBeLessThanOrEqual(privateSelectionCurve(curve, runs).at(200));
    }
  });
});
