import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlainKernels } from '../../../src/core/kernels/plain.ts';
import { SimdKernels } from '../../../src/core/kernels/simd.ts';
import { type Batch, LogisticModel } from '../../../src/federated/index.ts';
import { numbers } from '../../core/kernels/operands.ts';

/** Loss, gradient, norms and predictions by their definitions, in float64 throughout. */
function definition(
  inputs: number,
  outputs: number,
  parameters: Float32Array,
  { rows, features, labels }: Batch,
) {
  let loss = 0;
  const gradient = new Float64Array(inputs * outputs);
  const norms = new Float64Array(rows);
  const predictions = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    const x = features.subarray(row * inputs, (row + 1) * inputs);
    for (let output = 0; output < outputs; output++) {
      const logit = x.reduce(
        (sum, v, i) => sum + v * (parameters[output * inputs + i] as number),
        0,
      );
      const label = labels[row * outputs + output] as number;
      const p = 1 / (1 + Math.exp(-logit));
      predictions[row * outputs + output] = p;
      loss += Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(logit, 0) - label * logit;
      x.forEach((value, i) => {
        const at = output * inputs + i;
        gradient[at] = (gradient[at] as number) + (p - label) * value;
        norms[row] = (norms[row] as number) + ((p - label) * value) ** 2;
      });
    }
  }
  return { loss, gradient, norms: norms.map(Math.sqrt), predictions };
}

/** Largest difference as a share of the largest value. */
function distance(actual: Float32Array, expected: Float64Array): number {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  return actual.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number)) / scale),
    0,
  );
}

const example = fc.record({
  rows: fc.integer({ min: 1, max: 33 }),
  inputs: fc.integer({ min: 1, max: 130 }),
  outputs: fc.integer({ min: 1, max: 70 }),
  seed: fc.nat(),
});

describe.each([new PlainKernels(), new SimdKernels()])(
  'LogisticModel on $name kernels',
  (kernels) => {
    it('is within 1e-6 of its definition', () => {
      fc.assert(
        fc.property(example, ({ rows, inputs, outputs, seed }) => {
          const model = new LogisticModel({
            inputDimension: inputs,
            outputDimension: outputs,
            kernels,
          });
          const parameters = numbers(seed, inputs * outputs).map((value) => value / 4);
          const batch: Batch = {
            rows,
            features: numbers(seed + 1, rows * inputs),
            labels: numbers(seed + 2, rows * outputs).map((value) => Number(value > 0)),
          };
          const expected = definition(inputs, outputs, parameters, batch);
          const gradient = new Float32Array(model.parameterCount).fill(Number.NaN);
          const norms = new Float32Array(rows);
          const predictions = new Float32Array(rows * outputs);
          const loss = model.gradient(parameters, batch, gradient);
          model.gradientNorms(parameters, batch, norms);
          model.predict(parameters, batch.features, rows, predictions);
          expect(model.loss(parameters, batch)).toBe(loss);
          expect(Math.abs(loss / expected.loss - 1)).toBeLessThan(1e-6);
          expect(distance(gradient, expected.gradient)).toBeLessThan(1e-6);
          expect(distance(norms, expected.norms)).toBeLessThan(1e-6);
          expect(distance(predictions, expected.predictions)).toBeLessThan(1e-6);
        }),
        { numRuns: 100 },
      );
    });

    it('gives the same bits for arrays in a workspace and elsewhere', () => {
      const model = new LogisticModel({ inputDimension: 19, outputDimension: 21, kernels });
      const workspace = kernels.workspace();
      const parameters = numbers(1, 19 * 21);
      const batch: Batch = { rows: 6, features: numbers(2, 6 * 19), labels: numbers(3, 6 * 21) };
      const [here, there] = [new Float32Array(19 * 21), workspace.float32(19 * 21)] as const;
      model.gradient(parameters, batch, here);
      model.gradient(
        workspace.resident(parameters),
        { ...batch, features: workspace.resident(batch.features) },
        there,
      );
      expect(Array.from(there)).toEqual(Array.from(here));
      workspace.free();
    });

    it('has nothing to say about a user without rows', () => {
      const model = new LogisticModel({ inputDimension: 2, outputDimension: 3, kernels });
      const none: Batch = { rows: 0, features: new Float32Array(0), labels: new Float32Array(0) };
      const gradient = new Float32Array(6).fill(7);
      expect(model.gradient(new Float32Array(6), none, gradient)).toBe(0);
      expect(gradient).toEqual(new Float32Array(6));
      expect(model.loss(new Float32Array(6), none)).toBe(0);
      model.gradientNorms(new Float32Array(6), none, new Float32Array(0));
      model.predict(new Float32Array(6), none.features, 0, new Float32Array(0));
    });

    it('refuses arrays of another shape, and works on', () => {
      const model = new LogisticModel({ inputDimension: 2, outputDimension: 3, kernels });
      const batch: Batch = { rows: 1, features: new Float32Array(2), labels: new Float32Array(3) };
      const out = new Float32Array(6);
      const wrong: readonly (readonly [string, () => unknown])[] = [
        ['"parameters" expected 6 numbers, got 5', () => model.loss(new Float32Array(5), batch)],
        [
          '"features" expected 2 numbers, got 3',
          () => model.gradient(out, { ...batch, features: new Float32Array(3) }, out.slice()),
        ],
        [
          '"labels" expected 3 numbers, got 2',
          () => model.loss(out, { ...batch, labels: new Float32Array(2) }),
        ],
        ['"out" expected 6 numbers, got 4', () => model.gradient(out, batch, new Float32Array(4))],
        [
          '"out" expected 1 numbers, got 2',
          () => model.gradientNorms(out, batch, new Float32Array(2)),
        ],
        [
          '"out" expected 3 numbers, got 2',
          () => model.predict(out, batch.features, 1, new Float32Array(2)),
        ],
        ['"rows" expected a count, got -1', () => model.loss(out, { ...batch, rows: -1 })],
      ];
      for (const [message, call] of wrong) expect(call).toThrow(new RangeError(message));
      expect(model.loss(out, batch)).toBeCloseTo(3 * Math.LN2, 12);
    });
  },
);
