import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlainKernels } from '../../../src/core/kernels/plain.ts';
import { SimdKernels } from '../../../src/core/kernels/simd.ts';
import {
  type Batch,
  clipBound,
  clippedSumError,
  type GradientClip,
  LogisticModel,
  MultilayerPerceptron,
} from '../../../src/federated/index.ts';
import { clipRows, type LayerNorms } from '../../../src/federated/models/row-clipping.ts';
import { numbers } from '../../core/kernels/operands.ts';

/** Float32 numbers from the smallest subnormal to the largest there is. */
const wild = fc
  .tuple(fc.double({ min: -2, max: 2, noNaN: true }), fc.integer({ min: -149, max: 127 }))
  .map(([mantissa, exponent]) => Math.fround(mantissa * 2 ** exponent))
  .filter(Number.isFinite);
const vector = fc.array(wild, { minLength: 1, maxLength: 20 }).map((v) => Float32Array.from(v));
const norm = fc.integer({ min: -60, max: 60 }).map((exponent) => 2 ** exponent);

function squared(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function layerNorms(activation: Float32Array, error: Float32Array): LayerNorms {
  return {
    activation: Float64Array.of(squared(activation)),
    error: Float64Array.of(squared(error)),
    errorWidth: error.length,
  };
}

describe('clipRows', () => {
  it('keeps the gradient of scaled and rounded errors under the norm, whatever their size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(vector, vector), { minLength: 1, maxLength: 3 }),
        norm,
        (layers, reach) => {
          const norms = layers.map(([activation, error]) => layerNorms(activation, error));
          const clip: GradientClip = { kind: 'global', norm: reach };
          const { scales, clippedRows } = clipRows(norms, 1, clip);
          let heard = 0;
          let whole = 0;
          layers.forEach(([activation, error], i) => {
            const scale = scales[i]?.[0] as number;
            heard += squared(activation) * squared(error.map((value) => scale * value));
            whole += squared(activation) * squared(error);
          });
          // The sums here are of at most 20 float64 numbers.
          expect(heard).toBeLessThanOrEqual(reach * reach * (1 + 1e-14));
          expect(clippedRows).toBe(scales[0]?.[0] === 1 ? 0 : 1);
          if (whole <= reach * reach * (1 - 1e-8)) expect(clippedRows).toBe(0);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('gives away no more than a millionth of the norm for ordinary rows', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 1e-3, max: 1, noNaN: true }), (seed, share) => {
        const [activation, error] = [numbers(seed, 40), numbers(seed + 1, 9)] as const;
        const whole = Math.sqrt(squared(activation) * squared(error));
        const clip: GradientClip = { kind: 'global', norm: share * whole };
        const { scales } = clipRows([layerNorms(activation, error)], 1, clip);
        expect((scales[0]?.[0] as number) / share).toBeGreaterThan(1 - 1e-6);
      }),
    );
  });

  it('leaves out what is not finite, in every layer', () => {
    const good = layerNorms(Float32Array.of(1), Float32Array.of(4));
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      for (const other of [0, 1]) {
        const poor = layerNorms(Float32Array.of(bad), Float32Array.of(other));
        for (const clip of [
          { kind: 'global', norm: 1 },
          { kind: 'layers', norms: [1, 1] },
        ] as const) {
          const { scales, clippedRows, leftOut } = clipRows([good, poor], 1, clip);
          expect(leftOut).toEqual([0]);
          expect(clippedRows).toBe(1);
          expect(scales.map((factors) => factors[0])).toEqual([0, 0]);
        }
      }
    }
  });
});

describe('clipBound', () => {
  it('is the norm of the norms', () => {
    expect(clipBound({ kind: 'global', norm: 0.5 })).toBe(0.5);
    expect(clipBound({ kind: 'layers', norms: [3, 4] })).toBe(5);
  });
});

describe('clippedSumError', () => {
  const clip: GradientClip = { kind: 'global', norm: 2 };

  it('grows with the square of the rows', () => {
    const model = { parameterCount: 100 };
    expect(clippedSumError(model, 0, clip)).toBe(0);
    expect(clippedSumError(model, 1, clip)).toBeCloseTo(2 ** -23, 12);
    const [few, many] = [16, 256].map((rows) => clippedSumError(model, rows, clip)) as [
      number,
      number,
    ];
    expect(many / few).toBeGreaterThan(256);
    expect(many / few).toBeLessThan(256.01);
    for (const rows of [-1, 0.5, 2 ** 22 + 1, Number.NaN]) {
      expect(() => clippedSumError(model, rows, clip)).toThrow(RangeError);
    }
  });

  it.each([new PlainKernels(), new SimdKernels()])('holds for sums on $name kernels', (kernels) => {
    const models = [
      new LogisticModel({ inputDimension: 20, outputDimension: 7, kernels }),
      new MultilayerPerceptron({
        ...{ inputDimension: 20, hidden: [9], outputDimension: 7, activation: 'tanh' },
        ...{ loss: 'sigmoid', seed: 1, kernels },
      }),
    ];
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 300 }), fc.boolean(), (seed, rows, equal) => {
        for (const model of models) {
          const parameters = numbers(seed, model.parameterCount);
          const row = (index: number): Batch => ({
            rows: 1,
            features: numbers(equal ? seed : seed + 7 * index, 20),
            labels: numbers(equal ? seed : seed + index, 7).map((value) => Number(value > 0)),
          });
          const parts = Array.from({ length: rows }, (_, index) => row(index));
          const batch: Batch = {
            rows,
            features: Float32Array.from(parts.flatMap(({ features }) => [...features])),
            labels: Float32Array.from(parts.flatMap(({ labels }) => [...labels])),
          };
          const out = new Float32Array(model.parameterCount);
          const exact = new Float64Array(model.parameterCount);
          for (const part of parts) {
            model.clippedGradient(parameters, part, clip, out);
            for (let i = 0; i < out.length; i++) {
              exact[i] = (exact[i] as number) + (out[i] as number);
            }
          }
          model.clippedGradient(parameters, batch, clip, out);
          const distance = Math.hypot(...out.map((value, i) => value - (exact[i] as number)));
          // Each part has been rounded once itself.
          const bound = clippedSumError(model, rows, clip) + rows * clippedSumError(model, 1, clip);
          expect(distance).toBeLessThanOrEqual(bound);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('is not far from what can happen', () => {
    const kernels = new SimdKernels();
    const model = new LogisticModel({ inputDimension: 1, outputDimension: 1, kernels });
    const rows = 250;
    const features = new Float32Array(rows).fill(1.7);
    const batch: Batch = { rows, features, labels: new Float32Array(rows) };
    const [sum, one] = [new Float32Array(1), new Float32Array(1)];
    model.clippedGradient(new Float32Array(1), batch, { kind: 'global', norm: 0.1 }, sum);
    model.clippedGradient(
      new Float32Array(1),
      { rows: 1, features: features.subarray(0, 1), labels: new Float32Array(1) },
      { kind: 'global', norm: 0.1 },
      one,
    );
    const distance = Math.abs((sum[0] as number) - rows * (one[0] as number));
    const bound = clippedSumError(model, rows, { kind: 'global', norm: 0.1 });
    expect(distance).toBeGreaterThan(bound / 100);
  });
});
