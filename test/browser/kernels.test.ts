import { describe, expect, it } from 'vitest';
import { PlainKernels } from '../../src/core/kernels/plain.ts';
import { selectKernels } from '../../src/core/kernels/select.ts';
import { SeededRandom } from '../../src/core/seeded-random.ts';

describe('training kernels in a page', () => {
  const random = new SeededRandom('browser kernels');
  const numbers = (length: number): Float32Array =>
    Float32Array.from({ length }, () => random.uniform() - 0.5);

  it('are the SIMD ones, close to the plain ones', () => {
    const simd = selectKernels();
    const plain = new PlainKernels();
    expect(simd.name).toBe('simd');
    for (const shape of [
      { rows: 1, columns: 1, inner: 1 },
      { rows: 13, columns: 37, inner: 261 },
    ]) {
      const { rows, columns, inner } = shape;
      for (const name of ['gemmNN', 'gemmTN', 'gemmNT'] as const) {
        const [a, b] = [numbers(rows * inner), numbers(inner * columns)] as const;
        const [expected, actual] = [plain, simd].map((kernels) => {
          const out = new Float32Array(rows * columns);
          kernels[name](shape, a, b, out, 'zero');
          kernels.walshHadamard(1, out, 2);
          return out;
        }) as [Float32Array, Float32Array];
        actual.forEach((value, i) => {
          expect(Math.abs(value - (expected[i] as number))).toBeLessThan(
            2 * inner * 2 ** -24 * inner,
          );
        });
      }
    }
    const logits = numbers(1_001).map((value) => 40 * value);
    const labels = logits.map((value) => Number(value > 3));
    const losses = [plain, simd].map((kernels) =>
      kernels.sigmoidCrossEntropy(logits.slice(), labels, 1),
    ) as [number, number];
    expect(losses[1] / losses[0]).toBeCloseTo(1, 6);
  });
});
