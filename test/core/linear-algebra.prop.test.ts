import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addScaled, dot, l2Norm, symmetricEigen } from '../../src/core/linear-algebra.ts';

const size = fc.integer({ min: 1, max: 12 });
const symmetric = size.chain((n) =>
  fc
    .array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: n * n, maxLength: n * n })
    .map((values) => {
      const matrix = new Float64Array(n * n);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          matrix[i * n + j] = ((values[i * n + j] as number) + (values[j * n + i] as number)) / 2;
        }
      }
      return { matrix, n };
    }),
);

describe('symmetricEigen', () => {
  it('rebuilds the matrix from orthonormal vectors and descending values', () => {
    fc.assert(
      fc.property(symmetric, ({ matrix, n }) => {
        const { values, vectors } = symmetricEigen(matrix, n);
        const scale = Math.max(1, l2Norm(matrix));
        for (let k = 1; k < n; k++) {
          expect(values[k] as number).toBeLessThanOrEqual(values[k - 1] as number);
        }
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            let entry = 0;
            for (let k = 0; k < n; k++) {
              entry +=
                (values[k] as number) *
                (vectors[k * n + i] as number) *
                (vectors[k * n + j] as number);
            }
            expect(Math.abs(entry - (matrix[i * n + j] as number))).toBeLessThan(1e-12 * scale);
            const inner = dot(
              vectors.subarray(i * n, (i + 1) * n),
              vectors.subarray(j * n, (j + 1) * n),
            );
            expect(Math.abs(inner - (i === j ? 1 : 0))).toBeLessThan(1e-12);
          }
        }
      }),
    );
  });

  it('knows a matrix with known eigenvalues', () => {
    // Discrete Laplacian: 2 − 2·cos(kπ/(n+1)).
    const n = 8;
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      matrix[i * n + i] = 2;
      if (i > 0) matrix[i * n + i - 1] = -1;
      if (i < n - 1) matrix[i * n + i + 1] = -1;
    }
    const { values } = symmetricEigen(matrix, n);
    for (let k = 1; k <= n; k++) {
      expect(values[n - k]).toBeCloseTo(2 - 2 * Math.cos((k * Math.PI) / (n + 1)), 13);
    }
  });

  it('takes a zero matrix and refuses another length', () => {
    expect([...symmetricEigen(new Float64Array(9), 3).values]).toEqual([0, 0, 0]);
    expect(() => symmetricEigen(new Float64Array(8), 3)).toThrow(RangeError);
  });
});

describe('vectors', () => {
  it('adds scaled and measures', () => {
    const y = Float64Array.of(1, 2);
    addScaled(y, [3, 4], 2);
    expect([...y]).toEqual([7, 10]);
    expect(l2Norm([3, 4])).toBe(5);
    expect(dot([1, 2, 3], [4, 5, 6])).toBe(32);
  });
});
