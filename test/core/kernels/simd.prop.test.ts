import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../../src/core/kernels/kernels.ts';
import { PlainKernels } from '../../../src/core/kernels/plain.ts';
import { SimdKernels } from '../../../src/core/kernels/simd.ts';
import { GEMMS, gemmCase, HOMES, numbers, runGemm, size } from './operands.ts';

const plain: Kernels = new PlainKernels();

/** What is left of a number when only its kind counts. */
function kind(value: number): string {
  return Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? 'finite' : String(value);
}

const odd = fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0);
/** Where in an array, by share of its length, and what is put there. */
const spots = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), odd),
  {
    minLength: 1,
    maxLength: 4,
  },
);

function spoil(array: Float32Array, where: readonly (readonly [number, number])[]): Float32Array {
  for (const [share, value] of where) array[Math.floor(share * array.length)] = value;
  return array;
}

describe('SIMD kernels beside plain ones', () => {
  it('relu and the derivatives agree to the bit, for NaN and infinities too', () => {
    const simd = new SimdKernels();
    fc.assert(
      fc.property(size, fc.nat(), spots, spots, (length, seed, inA, inE) => {
        const activations = spoil(numbers(seed, length), inA);
        const errors = spoil(numbers(seed + 1, length), inE);
        const results = [plain, simd].map((kernels) => {
          const [rectified, passed, scaled, squashed] = [
            activations.slice(),
            errors.slice(),
            errors.slice(),
            activations.slice(),
          ] as const;
          kernels.relu(rectified);
          kernels.reluBackward(activations, passed);
          kernels.tanhBackward(activations, scaled);
          kernels.tanh(squashed);
          return [rectified, passed, scaled, Array.from(squashed, kind)];
        });
        expect(results[1]).toEqual(results[0]);
      }),
    );
  });

  it('has tanh over its whole range to 6u, near zero too', () => {
    const simd = new SimdKernels();
    const values = Float32Array.from({ length: 100_000 }, (_, i) => 12 * (i / 50_000 - 1) ** 3);
    const squashed = values.slice();
    simd.tanh(squashed);
    let worst = 0;
    values.forEach((value, i) => {
      const expected = Math.tanh(value);
      if (expected === 0) expect(squashed[i]).toBe(expected);
      else worst = Math.max(worst, Math.abs((squashed[i] as number) / expected - 1));
    });
    expect(worst).toBeLessThan(6 * 2 ** -24);
    expect(worst).toBeGreaterThan(2 ** -25);
  });

  it('axpy, scaleRows, accumulateRows and walshHadamard agree to the bit', () => {
    const simd = new SimdKernels();
    fc.assert(
      fc.property(
        size,
        size,
        fc.double({ noNaN: true, min: -9, max: 9 }),
        fc.nat(),
        (rows, columns, scale, seed) => {
          const x = numbers(seed, rows * columns);
          const y = numbers(seed + 1, rows * columns);
          const scales = numbers(seed + 2, rows);
          const blocks = numbers(seed + 3, 16 * rows);
          const results = [plain, simd].map((kernels) => {
            const moved = y.slice();
            const scaled = x.slice();
            const sum = new Float32Array(columns);
            const turned = blocks.slice();
            kernels.axpy(scale, x, moved);
            kernels.scaleRows({ rows, columns }, scaled, scales);
            kernels.accumulateRows({ rows, columns }, x, scales, sum);
            kernels.walshHadamard(16, turned, scale);
            return [moved, scaled, sum, turned];
          });
          expect(results[1]).toEqual(results[0]);
        },
      ),
    );
  });

  it.each(HOMES)('addRounded agrees to the bit, ties as well, operands $name', ({ home }) => {
    const simd = new SimdKernels();
    const length = fc.integer({ min: 1, max: 70 });
    const scale = fc.oneof(
      fc.constantFrom(0.5, -0.5, 1.5),
      fc.double({ noNaN: true, min: -9, max: 9 }),
    );
    fc.assert(
      fc.property(
        length,
        scale,
        fc.integer({ min: 0, max: 2 ** 20 }),
        fc.nat(),
        (n, by, wide, seed) => {
          const x = numbers(seed, n).map((value, i) =>
            i % 3 === 0 ? Math.round(9 * value) : wide * value,
          );
          const start = Float64Array.from(numbers(seed + 1, n), (value) =>
            Math.round(2 ** 40 * value),
          );
          const [expected, actual] = [plain, simd].map((kernels) => {
            const sums = kernels.workspace().float64(n);
            sums.set(start);
            kernels.addRounded(by, home(kernels, x, 0), sums);
            return sums;
          });
          expect(actual).toEqual(expected);
          const outside = start.slice();
          simd.addRounded(by, x, outside);
          expect(outside).toEqual(expected);
          for (let i = 0; i < n; i++) {
            const product = (x[i] as number) * by;
            const added = (outside[i] as number) - (start[i] as number);
            expect(Number.isInteger(added)).toBe(true);
            expect(Math.abs(added - product)).toBeLessThanOrEqual(0.5);
            if (Math.abs(added - product) === 0.5) expect(added % 2 === 0).toBe(true);
          }
        },
      ),
    );
  });

  it.each(GEMMS)('$name passes NaN and infinities on alike', ({ name }) => {
    const simd = new SimdKernels();
    fc.assert(
      fc.property(gemmCase, spots, spots, ({ shape, seed }, inA, inB) => {
        const { rows, columns, inner } = shape;
        const a = spoil(numbers(seed, rows * inner), inA);
        const b = spoil(numbers(seed + 1, inner * columns), inB);
        const kinds = [plain, simd].map((kernels) => {
          const out = new Float32Array(rows * columns);
          kernels[name](shape, a, b, out, 'zero');
          return Array.from(out, kind);
        });
        expect(kinds[1]).toEqual(kinds[0]);
      }),
    );
  });

  it('cross-entropies pass NaN and infinities on alike', () => {
    const simd = new SimdKernels();
    fc.assert(
      fc.property(size, size, fc.nat(), spots, spots, (rows, columns, seed, inZ, inY) => {
        const shape = { rows, columns };
        const logits = spoil(numbers(seed, rows * columns), inZ);
        const labels = spoil(numbers(seed + 1, rows * columns).map(Math.abs), inY);
        const kinds = [plain, simd].map((kernels) => {
          const bySigmoid = logits.slice();
          const bySoftmax = logits.slice();
          const probabilities = logits.slice();
          const norms = new Float64Array(rows);
          kernels.sigmoid(probabilities);
          kernels.rowSquaredNorms(shape, logits, norms);
          const losses = [
            kernels.sigmoidCrossEntropy(bySigmoid, labels, 1),
            kernels.softmaxCrossEntropy(shape, bySoftmax, labels, 1),
          ];
          return [losses, norms, probabilities, bySigmoid, bySoftmax].map((values) =>
            Array.from(values, kind),
          );
        });
        expect(kinds[1]).toEqual(kinds[0]);
      }),
    );
  });

  it('gives the same bits wherever the operands lie, and again', () => {
    fc.assert(
      fc.property(gemmCase, fc.constantFrom(...GEMMS), (example, { name }) => {
        const outs = [...HOMES, ...HOMES].map(
          ({ home }) => runGemm(new SimdKernels(), name, example, home).out,
        );
        for (const out of outs)
          expect(Array.from(out)).toEqual(Array.from(outs[0] as Float32Array));
      }),
      { numRuns: 10 },
    );
  });

  it('has e^x over its whole range to 1.2e-7', () => {
    const simd = new SimdKernels();
    // The loss of one logit with label 0 shows e^−|z| for z < 0: σ(z) = e^z / (1 + e^z).
    const logits = Float32Array.from({ length: 100_000 }, (_, i) => -i / 1_150);
    const values = logits.slice();
    simd.sigmoid(values);
    let worst = 0;
    logits.forEach((logit, i) => {
      const expected = 1 / (1 + Math.exp(-logit));
      worst = Math.max(worst, Math.abs((values[i] as number) / expected - 1));
    });
    expect(worst).toBeLessThan(3e-7);
    expect(worst).toBeGreaterThan(1e-8);
  });

  it('takes sums longer than one block of factors', () => {
    const simd = new SimdKernels();
    for (const { name } of GEMMS) {
      for (const inner of [255, 256, 257, 512, 771]) {
        for (const start of ['zero', 'out', 'bias'] as const) {
          const example = { shape: { rows: 7, columns: 21, inner }, start, seed: inner };
          const [expected, actual] = [plain, simd].map(
            (kernels) => runGemm(kernels, name, example, (_kernels, array) => array.slice()).out,
          ) as [Float32Array, Float32Array];
          actual.forEach((value, i) => {
            expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-3);
          });
        }
      }
    }
  });

  it('takes losses longer than one product of factors', () => {
    const simd = new SimdKernels();
    const logits = numbers(5, 5_003);
    const labels = logits.map((value) => Number(value > 0.1));
    const losses = [plain, simd].map((kernels) =>
      kernels.sigmoidCrossEntropy(logits.slice(), labels, 1),
    ) as [number, number];
    expect(losses[1] / losses[0]).toBeCloseTo(1, 7);
    // At zero every factor is 2: the worst case for the product, and the loss is exactly known.
    expect(simd.sigmoidCrossEntropy(new Float32Array(5_003), labels, 1)).toBeCloseTo(
      5_003 * Math.LN2,
      9,
    );
  });
});
