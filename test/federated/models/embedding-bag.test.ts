import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../../src/core/errors.ts';
import { type Batch, EmbeddingBag } from '../../../src/federated/index.ts';

const FORM = {
  items: 6,
  capacity: 4,
  dimension: 2,
  hidden: [],
  outputDimension: 1,
  activation: 'relu',
  loss: 'sigmoid',
  seed: 'bag',
} as const;
const EMBEDDINGS = FORM.items * FORM.dimension;

/** Embedding of item i is (i, 10·i), the output its plain sum. */
function plainSum(model: EmbeddingBag): Float32Array {
  const parameters = new Float32Array(model.parameterCount);
  for (let item = 0; item < FORM.items; item++) parameters.set([item, 10 * item], 2 * item);
  parameters.set([1, 1, 0], EMBEDDINGS);
  return parameters;
}

function logit(model: EmbeddingBag, features: readonly number[]): number {
  const out = new Float32Array(1);
  const parameters = plainSum(model).map((value) => value / 100);
  parameters.set([1, 1, 0], EMBEDDINGS);
  model.predict(parameters, Float32Array.from(features), 1, out);
  const p = out[0] as number;
  return (100 * Math.log(p / (1 - p))) / 11;
}

describe('EmbeddingBag', () => {
  const mean = new EmbeddingBag({ ...FORM, pooling: 'mean' });
  const unit = new EmbeddingBag({ ...FORM, pooling: 'unit-norm' });
  const weighted = new EmbeddingBag({ ...FORM, pooling: 'mean', weighted: true });

  it('pools what a row holds, wherever its places are empty', () => {
    expect(logit(mean, [1, 5, -1, -1])).toBeCloseTo(3, 4);
    expect(logit(mean, [-1, 5, -1, 1])).toBeCloseTo(3, 4);
    expect(logit(mean, [2, 2, 2, 5])).toBeCloseTo(11 / 4, 4);
    expect(logit(unit, [3, 4, -1, -1])).toBeCloseTo(7 / Math.SQRT2, 4);
    expect(logit(unit, [3, 3, 3, 4])).toBeCloseTo(13 / Math.sqrt(10), 4);
    expect(logit(weighted, [1, 5, -1, -1, 3, 1, 9, 9])).toBeCloseTo(2, 4);
    expect(logit(weighted, [1, 5, 1, -1, 1, 1, 2, 0])).toBeCloseTo(2, 4);
  });

  it('makes nothing of a row without items, or without weight', () => {
    expect(logit(mean, [-1, -1, -1, -1])).toBeCloseTo(0, 6);
    expect(logit(unit, [-1, -1, -1, -1])).toBeCloseTo(0, 6);
    expect(logit(weighted, [1, 5, -1, -1, 0, 0, 0, 0])).toBeCloseTo(0, 6);
    const gradient = new Float32Array(weighted.parameterCount);
    const features = Float32Array.of(1, 5, -1, -1, 0, 0, 0, 0);
    const batch: Batch = { rows: 1, features, labels: Float32Array.of(0) };
    weighted.gradient(plainSum(weighted), batch, gradient);
    // Only the bias of the output has anything to learn.
    expect(gradient.slice(0, -1)).toEqual(new Float32Array(weighted.parameterCount - 1));
    expect(gradient.at(-1)).toBe(0.5);
  });

  it('bounds the pull of a row whatever it holds', () => {
    const item = fc.integer({ min: -1, max: FORM.items - 1 });
    const weight = fc.double({ min: 0, max: 1e30, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom('mean', 'unit-norm'),
        fc.array(item, { minLength: 4, maxLength: 4 }),
        fc.array(weight, { minLength: 4, maxLength: 4 }),
        (pooling, items, weights) => {
          const model = new EmbeddingBag({ ...FORM, pooling, weighted: true });
          const parameters = new Float32Array(model.parameterCount);
          parameters.set([0.6, 0.8, 0], EMBEDDINGS);
          const features = Float32Array.from([...items, ...weights]);
          const gradient = new Float32Array(model.parameterCount);
          model.gradient(parameters, { rows: 1, features, labels: Float32Array.of(0) }, gradient);
          // The error of the pooled sum is ½ · (0.6, 0.8), of norm ½.
          const pull = Math.hypot(...gradient.subarray(0, EMBEDDINGS));
          expect(pull).toBeLessThanOrEqual(0.5 * (1 + 1e-6));
        },
      ),
    );
  });

  it('leaves out a row whose sum overflows, and hears the others', () => {
    const parameters = new Float32Array(unit.parameterCount).fill(3e38, 0, 8);
    parameters.set([1, 1, 0], EMBEDDINGS);
    const clipped = (...features: number[]): Float32Array => {
      const rows = features.length / FORM.capacity;
      const out = new Float32Array(unit.parameterCount);
      unit.clippedGradient(
        parameters,
        { rows, features: Float32Array.from(features), labels: new Float32Array(rows) },
        { kind: 'global', norm: 1 },
        out,
      );
      return out;
    };
    expect(clipped(0, 1, 2, 3)).toEqual(new Float32Array(unit.parameterCount));
    expect(clipped(0, 1, 2, 3, 4, -1, -1, -1)).toEqual(clipped(4, -1, -1, -1));
    expect(Math.hypot(...clipped(4, -1, -1, -1))).toBeGreaterThan(0.5);
  });

  it('refuses what is no item or no weight, tells where but not what, and works on', () => {
    const place = (features: readonly number[], model: EmbeddingBag): VelaturaError => {
      const rows = 2;
      const empty = new Array<number>(model.inputDimension).fill(-1);
      const data = Float32Array.from([...empty.map((v, i) => (i < 4 ? v : 1)), ...features]);
      try {
        model.predict(model.initialParameters(), data, rows, new Float32Array(rows));
      } catch (error) {
        return error as VelaturaError;
      }
      throw new Error('expected an error');
    };
    for (const bad of [6, -2, 1.5, Number.NaN, Infinity, -Infinity]) {
      const error = place([0, 1, bad, 2], mean);
      expect(error).toBeInstanceOf(VelaturaError);
      expect(error.code).toBe('federated/invalid-contribution');
      expect(error.message).toBe('row 1, place 2: expected an item id under 6, or -1 for none');
      expect(error.details).toEqual({ row: 1, place: 2 });
    }
    for (const bad of [-1, Number.NaN, Infinity]) {
      expect(place([0, 1, 2, 3, 1, 1, 1, bad], weighted).message).toBe(
        'row 1, place 3: expected a finite weight of at least 0',
      );
    }
    // A row that was given up half-way is forgotten.
    expect(logit(mean, [1, 0, -1, -1])).toBeCloseTo(0.5, 4);
  });

  it('refuses sizes that are none', () => {
    for (const name of ['items', 'capacity', 'dimension', 'outputDimension'] as const) {
      expect(() => new EmbeddingBag({ ...FORM, pooling: 'mean', [name]: 0 })).toThrow(
        `"${name}" expected a positive integer, got 0`,
      );
    }
  });
});
