import { describe, expect, it } from 'vitest';
import {
  MultilayerPerceptron,
  RegressionModel,
  SoftmaxModel,
} from '../../../src/federated/index.ts';

const of = (...values: number[]): Float32Array => Float32Array.from(values);

describe('SoftmaxModel', () => {
  it('predicts the classes of each tag on their own', () => {
    const model = new SoftmaxModel({ inputDimension: 1, classes: 2, tags: 2 });
    const out = new Float32Array(4);
    model.predict(of(0, Math.log(3), 500, 500 + Math.log(4)), of(1), 1, out);
    [1 / 4, 3 / 4, 1 / 5, 4 / 5].forEach((expected, i) => {
      expect(out[i]).toBeCloseTo(expected, 4);
    });
  });

  it('learns nothing from a tag that is not known', () => {
    const model = new SoftmaxModel({ inputDimension: 1, classes: 3 });
    const gradient = new Float32Array(3);
    const batch = { rows: 1, features: of(5), labels: of(0, 0, 0) };
    expect(model.gradient(of(1, 2, 3), batch, gradient)).toBe(0);
    expect(gradient).toEqual(of(0, 0, 0));
  });

  it('refuses classes that are none', () => {
    expect(() => new SoftmaxModel({ inputDimension: 1, classes: 0 })).toThrow(RangeError);
    expect(() => new SoftmaxModel({ inputDimension: 1, classes: 2, tags: 0 })).toThrow(RangeError);
  });
});

describe('RegressionModel', () => {
  const bounds = { lower: 10, upper: 30 };
  const model = new RegressionModel({ inputDimension: 1, outputDimension: 1, bounds });

  it('predicts between its bounds, whatever the features', () => {
    const out = new Float32Array(3);
    model.predict(of(1), of(-1e30, 0, 1e30), 3, out);
    expect(out).toEqual(of(10, 20, 30));
  });

  it('clips targets to its bounds: its gradient never passes that of the bound', () => {
    const slope = (target: number): number => {
      const gradient = new Float32Array(1);
      model.gradient(of(0), { rows: 1, features: of(1), labels: of(target) }, gradient);
      return gradient[0] as number;
    };
    expect(slope(20)).toBeCloseTo(0, 7);
    expect(slope(15)).toBeCloseTo(0.25, 7);
    expect(slope(30)).toBe(-0.5);
    expect(slope(1e30)).toBe(-0.5);
    expect(slope(-1e30)).toBe(0.5);
  });

  it('is least at the mean of the targets', () => {
    const targets = of(11, 12, 28);
    const mean = (51 / 3 - 10) / 20;
    const weight = Math.log(mean / (1 - mean));
    const gradient = new Float32Array(1);
    model.gradient(of(weight), { rows: 3, features: of(1, 1, 1), labels: targets }, gradient);
    expect(gradient[0]).toBeCloseTo(0, 6);
  });

  it('refuses bounds that are none', () => {
    for (const [lower, upper] of [
      [1, 1],
      [2, 1],
      [Number.NaN, 1],
      [-Infinity, 1],
    ] as const) {
      const options = { inputDimension: 1, outputDimension: 1, bounds: { lower, upper } };
      expect(() => new RegressionModel(options)).toThrow('"bounds" expected lower < upper');
    }
  });
});

describe('MultilayerPerceptron', () => {
  const form = { inputDimension: 300, hidden: [200], outputDimension: 6, seed: 'a' } as const;

  it.each([
    ['relu', 2],
    ['tanh', 1],
  ] as const)('starts with weights that keep the size of numbers before %s', (activation, gain) => {
    const model = new MultilayerPerceptron({ ...form, activation, loss: 'sigmoid' });
    const start = model.initialParameters();
    expect(model.parameterCount).toBe(300 * 200 + 200 + 200 * 6 + 6);
    const weights = start.subarray(0, 300 * 200);
    const variance = weights.reduce((sum, value) => sum + value * value, 0) / weights.length;
    expect((variance * 300) / gain).toBeCloseTo(1, 1);
    expect(start.subarray(300 * 200, 300 * 200 + 200)).toEqual(new Float32Array(200));
    const last = start.subarray(300 * 200 + 200, -6);
    const spread = last.reduce((sum, value) => sum + value * value, 0) / last.length;
    expect(Math.abs(spread * 200 - 1)).toBeLessThan(0.2);
  });

  it('starts the same from the same seed only', () => {
    const [one, same, other] = ['a', 'a', 'b'].map((seed) =>
      new MultilayerPerceptron({
        ...form,
        ...{ seed, activation: 'relu', loss: 'sigmoid' },
      }).initialParameters(),
    );
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('is what its definition says', () => {
    const model = new MultilayerPerceptron({
      ...{ inputDimension: 2, hidden: [2], outputDimension: 1, seed: 0 },
      ...{ activation: 'relu', loss: 'regression', bounds: { lower: -1, upper: 1 } },
    });
    expect(model.layers).toEqual([
      { name: 'hidden1', start: 0, end: 6 },
      { name: 'output', start: 6, end: 9 },
    ]);
    const out = new Float32Array(1);
    // Hidden: 1·3 + 2·4 + 0.5 = 11.5, and −3 − 4 + 6 < 0; output: 0.1 · 11.5 + 9 · 0 − 0.15 = 1.
    model.predict(of(1, 2, -1, -1, 0.5, 6, 0.1, 9, -0.15), of(3, 4), 1, out);
    expect(out[0]).toBeCloseTo(2 / (1 + Math.exp(-1)) - 1, 6);
  });

  it('takes groups of classes', () => {
    const options = { ...form, activation: 'tanh', loss: 'softmax' } as const;
    const model = new MultilayerPerceptron({ ...options, classes: 3 });
    const out = new Float32Array(6);
    model.predict(model.initialParameters(), new Float32Array(300).fill(0.1), 1, out);
    for (const tag of [out.subarray(0, 3), out.subarray(3)]) {
      expect(tag.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
    }
    expect(() => new MultilayerPerceptron({ ...options, classes: 4 })).toThrow(
      '"classes" expected a divisor of 6, got 4',
    );
  });

  it('refuses dimensions that are none, or too many for exact norms', () => {
    const options = { ...form, activation: 'tanh', loss: 'sigmoid' } as const;
    expect(() => new MultilayerPerceptron({ ...options, hidden: [0] })).toThrow(
      '"hidden" expected a positive integer, got 0',
    );
    expect(() => new MultilayerPerceptron({ ...options, inputDimension: 2 ** 20 + 1 })).toThrow(
      '"inputDimension" expected at most 2^20, got 1048577',
    );
  });
});
