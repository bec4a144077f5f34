import { describe, expect, it } from 'vitest';
import { bandedSquareRoot, optimalBand, prefixSumError } from '../../../src/federated/index.ts';
import {
  checkStrategy,
  inverseColumn,
} from '../../../src/federated/methods/correlated-noise-strategy.ts';

/** Lower-triangular Toeplitz matrix of a first column. */
function toeplitz(column: readonly number[], size: number): number[][] {
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i < j ? 0 : (column[i - j] ?? 0))),
  );
}

function product(a: readonly number[][], b: readonly number[][]): number[][] {
  return a.map((row) =>
    row.map((_, j) => row.reduce((sum, value, k) => sum + value * (b[k]?.[j] ?? 0), 0)),
  );
}

describe('banded strategies', () => {
  it('square the root to prefix sums where the band does not cut', () => {
    const size = 8;
    const root = toeplitz(bandedSquareRoot(size).coefficients, size);
    product(root, root).forEach((row, i) => {
      row.forEach((value, j) => {
        // Each coefficient is rounded to a multiple of 2⁻¹².
        expect(Math.abs(value - (i < j ? 0 : 1))).toBeLessThan(size * 2 ** -12);
      });
    });
  });

  it('are inverted by their inverse column', () => {
    const { coefficients } = bandedSquareRoot(4);
    const identity = product(
      toeplitz(coefficients, 9),
      toeplitz(inverseColumn(coefficients, 9), 9),
    );
    identity.forEach((row, i) => {
      row.forEach((value, j) => {
        expect(value).toBeCloseTo(i === j ? 1 : 0, 12);
      });
    });
  });

  it('have the error of the matrix mechanism', () => {
    const [rounds, coefficients] = [7, [1, 0.5, 0.25]];
    const sums = toeplitz(Array(rounds).fill(1), rounds);
    const factor = product(sums, toeplitz(inverseColumn(coefficients, rounds), rounds));
    const energy = factor.flat().reduce((sum, value) => sum + value * value, 0);
    const expected = Math.sqrt((energy * (1 + 0.25 + 0.0625)) / rounds);
    expect(prefixSumError(coefficients, rounds)).toBeCloseTo(expected, 12);
    expect(prefixSumError([1], 20)).toBeCloseTo(Math.sqrt(21 / 2), 12);
  });

  it.each([
    [2, 10],
    [4, 20],
    [8, 40],
    [16, 80],
  ])('of width %i get better by the search over %i rounds', (bandwidth, rounds) => {
    const root = bandedSquareRoot(bandwidth);
    const best = optimalBand(bandwidth, rounds);
    checkStrategy(best);
    const [independent, cut, searched] = [[1], root.coefficients, best.coefficients].map((c) =>
      prefixSumError(c, rounds),
    ) as [number, number, number];
    expect(searched).toBeLessThan(cut);
    expect(cut).toBeLessThan(0.85 * independent);
    // The bound on the noise in the proof: at most four times the fresh one.
    const spread = inverseColumn(best.coefficients, 2000).reduce((sum, v) => sum + Math.abs(v), 0);
    expect(spread).toBeLessThan(4);
  });

  it('of width one are independent noise', () => {
    expect(bandedSquareRoot(1).coefficients).toEqual([1]);
    expect(optimalBand(1, 5).coefficients).toEqual([1]);
  });

  it.each([0, 17, 1.5])('refuse the bandwidth %d', (bandwidth) => {
    expect(() => bandedSquareRoot(bandwidth)).toThrow(RangeError);
  });

  it.each([[[0.5]], [[1, 0.3]], [[1, -0.25]], [[1, 0.25, 0.5]], [[]]])(
    'refuse the coefficients %j',
    (coefficients) => {
      expect(() => checkStrategy({ kind: 'banded-toeplitz', coefficients })).toThrow(RangeError);
    },
  );
});
