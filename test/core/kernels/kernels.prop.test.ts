import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../../src/core/kernels/kernels.ts';
import { PlainKernels } from '../../../src/core/kernels/plain.ts';
import { SimdKernels } from '../../../src/core/kernels/simd.ts';
import { GEMMS, gemmCase, HOMES, numbers, ordinary, runGemm, size, TINY, U } from './operands.ts';

// What every implementation must do, held against the definitions in float64.
const IMPLEMENTATIONS: readonly (() => Kernels)[] = [
  () => new PlainKernels(),
  () => new SimdKernels(),
];

/** The larger of the two sides' errors is allowed, not the smaller. */
function expectNear(actual: number, expected: number, bound: number, what: string): void {
  if (!(Math.abs(actual - expected) <= bound)) {
    throw new Error(`${what}: expected ${expected} ± ${bound}, got ${actual}`);
  }
}

describe.each(IMPLEMENTATIONS.map((create) => create()))('$name kernels', (shared) => {
  // A fresh arena for each property, so that it ends with one.
  const create = (): Kernels => (shared.name === 'simd' ? new SimdKernels() : new PlainKernels());

  describe.each(HOMES)('operands $name', ({ home }) => {
    it.each(GEMMS)('$name is the product of its definition', ({ name, a, b }) => {
      const kernels = create();
      fc.assert(
        fc.property(gemmCase, (example) => {
          const { shape } = example;
          const run = runGemm(kernels, name, example, home);
          for (let i = 0; i < shape.rows; i++) {
            for (let j = 0; j < shape.columns; j++) {
              const at = i * shape.columns + j;
              let sum = run.begin[at] as number;
              let magnitude = Math.abs(sum);
              for (let p = 0; p < shape.inner; p++) {
                const term = (run.a[a(shape, i, p)] as number) * (run.b[b(shape, p, j)] as number);
                sum += term;
                magnitude += Math.abs(term);
              }
              const bound = (shape.inner + 2) * U * magnitude + TINY;
              expectNear(run.out[at] as number, sum, bound, `out[${i}, ${j}]`);
            }
          }
        }),
        { numRuns: 60 },
      );
    });

    it('axpy, scaleRows and accumulateRows round once an operation', () => {
      const kernels = create();
      fc.assert(
        fc.property(size, size, ordinary, fc.nat(), (rows, columns, scale, seed) => {
          const shape = { rows, columns };
          const x = numbers(seed, rows * columns);
          const y = numbers(seed + 1, rows * columns);
          const scales = numbers(seed + 2, rows);
          const sum = numbers(seed + 3, columns);

          const moved = home(kernels, y, 0);
          kernels.axpy(scale, home(kernels, x, 1), moved);
          expect(moved).toEqual(y.map((value, i) => value + Math.fround(scale * (x[i] as number))));

          const scaled = home(kernels, x, 0);
          kernels.scaleRows(shape, scaled, home(kernels, scales, 1));
          expect(scaled).toEqual(
            x.map((value, i) => value * (scales[Math.floor(i / columns)] as number)),
          );

          const accumulated = home(kernels, sum, 0);
          kernels.accumulateRows(shape, home(kernels, x, 1), home(kernels, scales, 2), accumulated);
          const expected = sum.slice();
          for (let i = 0; i < x.length; i++) {
            const at = i % columns;
            expected[at] = (expected[at] as number) + (scaled[i] as number);
          }
          expect(accumulated).toEqual(expected);
        }),
        { numRuns: 100 },
      );
    });

    it('rowSquaredNorms keep the digits of float64', () => {
      const kernels = create();
      fc.assert(
        fc.property(size, size, fc.nat(), (rows, columns, seed) => {
          const matrix = numbers(seed, rows * columns);
          const out = new Float64Array(rows).fill(Number.NaN);
          kernels.rowSquaredNorms({ rows, columns }, home(kernels, matrix, 0), out);
          for (let row = 0; row < rows; row++) {
            let sum = 0;
            for (const value of matrix.subarray(row * columns, (row + 1) * columns)) {
              sum += value * value;
            }
            expectNear(out[row] as number, sum, columns * 2 ** -52 * sum, `row ${row}`);
          }
        }),
        { numRuns: 100 },
      );
    });

    it('sigmoid and its cross-entropy', () => {
      const kernels = create();
      fc.assert(
        fc.property(
          fc.array(fc.tuple(ordinary, fc.boolean()), { minLength: 1, maxLength: 70 }),
          fc.constantFrom(1, 0.25, 1 / 3, -0.1),
          (examples, scale) => {
            const logits = Float32Array.from(examples, ([logit]) => 2 * logit);
            const labels = Float32Array.from(examples, ([, label]) => Number(label));
            const probabilities = home(kernels, logits, 0);
            kernels.sigmoid(probabilities);
            const delta = home(kernels, logits, 0);
            const loss = kernels.sigmoidCrossEntropy(delta, home(kernels, labels, 1), scale);
            let expectedLoss = 0;
            logits.forEach((logit, i) => {
              const p = 1 / (1 + Math.exp(-logit));
              expectNear(probabilities[i] as number, p, 6 * U * p + TINY, `sigmoid(${logit})`);
              const missed = labels[i] === 1 ? -1 / (1 + Math.exp(logit)) : p;
              const expected = Math.fround(scale) * missed;
              const bound = 8 * U * Math.abs(expected) + TINY;
              expectNear(delta[i] as number, expected, bound, `delta of ${logit}`);
              expectedLoss +=
                Math.max(logit, 0) +
                Math.log1p(Math.exp(-Math.abs(logit))) -
                (labels[i] as number) * logit;
            });
            const bound = Math.abs(scale) * (4 * U * expectedLoss + 1e-15 * logits.length);
            expectNear(loss, scale * expectedLoss, bound, 'loss');
          },
        ),
        { numRuns: 200 },
      );
    });

    it('activations and their derivatives', () => {
      const kernels = create();
      fc.assert(
        fc.property(
          fc.array(fc.tuple(ordinary, ordinary), { minLength: 1, maxLength: 70 }),
          (examples) => {
            const values = Float32Array.from(examples, ([value]) => value);
            const errors = Float32Array.from(examples, ([, error]) => error);
            const rectified = home(kernels, values, 0);
            kernels.relu(rectified);
            expect(rectified).toEqual(values.map((value) => Math.max(0, value)));
            const passed = home(kernels, errors, 0);
            kernels.reluBackward(home(kernels, values, 1), passed);
            expect(passed).toEqual(
              errors.map((error, i) => ((values[i] as number) > 0 ? error : 0)),
            );
            const squashed = home(kernels, values, 0);
            kernels.tanh(squashed);
            const scaled = home(kernels, errors, 0);
            kernels.tanhBackward(home(kernels, squashed.slice(), 1), scaled);
            squashed.forEach((value, i) => {
              const expected = Math.tanh(values[i] as number);
              const error = errors[i] as number;
              expectNear(value, expected, 6 * U * Math.abs(expected) + TINY, `tanh ${values[i]}`);
              const bound = 3 * U * Math.abs(error) + TINY;
              expectNear(scaled[i] as number, error * (1 - value * value), bound, `error ${error}`);
            });
          },
        ),
        { numRuns: 200 },
      );
    });

    it('softmax cross-entropy of rows of weights', () => {
      const kernels = create();
      fc.assert(
        fc.property(
          size,
          size,
          fc.nat(),
          fc.constantFrom(1, 0.25, 1 / 3),
          (rows, columns, seed, scale) => {
            const logits = numbers(seed, rows * columns);
            const labels = numbers(seed + 1, rows * columns).map(Math.abs);
            const delta = home(kernels, logits, 0);
            const shape = { rows, columns };
            const loss = kernels.softmaxCrossEntropy(shape, delta, home(kernels, labels, 1), scale);
            let expectedLoss = 0;
            for (let from = 0; from < logits.length; from += columns) {
              const row = Array.from(logits.subarray(from, from + columns));
              const weights = Array.from(labels.subarray(from, from + columns));
              const exponentials = row.map(Math.exp);
              const total = exponentials.reduce((sum, value) => sum + value);
              const mass = weights.reduce((sum, value) => sum + value);
              row.forEach((logit, i) => {
                const p = ((exponentials[i] as number) / total) * mass;
                const label = weights[i] as number;
                expectedLoss += label * (Math.log(total) - logit);
                const bound = Math.abs(scale) * 16 * U * (p + label) + TINY;
                const expected = Math.fround(scale) * (p - label);
                expectNear(delta[from + i] as number, expected, bound, `delta[${from + i}]`);
              });
            }
            expectNear(
              loss,
              scale * expectedLoss,
              8 * U * Math.abs(scale * expectedLoss) + 1e-6 * scale * U,
              'loss',
            );
          },
        ),
        { numRuns: 100 },
      );
    });

    it('walshHadamard is H·x in each block', () => {
      const kernels = create();
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 9 }),
          fc.integer({ min: 1, max: 5 }),
          fc.nat(),
          (exponent, blocks, seed) => {
            const length = 2 ** exponent;
            const data = numbers(seed, blocks * length);
            const out = home(kernels, data, 0);
            kernels.walshHadamard(length, out, 0.5);
            for (let block = 0; block < blocks; block++) {
              const x = data.subarray(block * length, (block + 1) * length);
              const magnitude = x.reduce((sum, value) => sum + Math.abs(value), 0);
              for (let i = 0; i < length; i++) {
                let sum = 0;
                for (let j = 0; j < length; j++) sum += parity(i & j) * (x[j] as number);
                const bound = (exponent + 1) * U * magnitude + TINY;
                expectNear(out[block * length + i] as number, sum / 2, bound, `[${block}, ${i}]`);
              }
            }
          },
        ),
        { numRuns: 40 },
      );
    });
  });
});

/** −1 to the number of set bits. */
function parity(bits: number): number {
  let sign = 1;
  for (let rest = bits; rest !== 0; rest &= rest - 1) sign = -sign;
  return sign;
}
