import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { MultilayerPerceptron } from '../../src/federated/index.ts';
import {
  type DifferentiableScore,
  describeExplanation,
  explainByGradients,
  explainLinearTag,
  type GradientQuestion,
  type PerceptronForm,
  perceptronScore,
} from '../../src/profile/index.ts';

const random = new SeededRandom('explanation-gradients');
const uniform = (): number => random.uint32() / 2 ** 31 - 1;

/** A perceptron of 4 features and 3 tags with random parameters. */
function form(activation: 'relu' | 'tanh', hidden: readonly number[] = [6, 5]): PerceptronForm {
  const widths = [4, ...hidden, 3];
  const count = widths.slice(1).reduce((sum, w, i) => sum + w * ((widths[i] as number) + 1), 0);
  const parameters = Float32Array.from({ length: count }, uniform);
  return { inputDimension: 4, hidden, outputDimension: 3, activation, parameters };
}

function question(score: DifferentiableScore, noise = 0): GradientQuestion {
  return {
    tag: 'kitchen',
    score,
    featureNames: ['a', 'b', 'c', 'd'],
    features: [0.5, -0.25, 1, 0],
    parameterNoiseStddev: noise,
    confidence: 0.95,
  };
}

describe('perceptronScore', () => {
  it.each(['relu', 'tanh'] as const)('is the logit of the released model (%s)', (activation) => {
    const released = form(activation);
    const { inputDimension, hidden, outputDimension } = released;
    const model = new MultilayerPerceptron({
      ...{ inputDimension, hidden, outputDimension, activation, seed: 1, loss: 'sigmoid' },
    });
    for (let run = 0; run < 5; run++) {
      const features = Float32Array.from({ length: 4 }, uniform);
      const predicted = new Float32Array(3);
      model.predict(released.parameters as Float32Array, features, 1, predicted);
      for (let output = 0; output < 3; output++) {
        const logit = perceptronScore(released, output).logit(features);
        expect(1 / (1 + Math.exp(-logit))).toBeCloseTo(predicted[output] as number, 5);
      }
    }
  });

  it.each(['relu', 'tanh'] as const)('has the slopes that differences show (%s)', (activation) => {
    const score = perceptronScore(form(activation), 1);
    const features = [0.3, -0.7, 0.2, 0.9];
    const h = 1e-6;
    score.gradient(features).forEach((slope, i) => {
      const at = (move: number): number =>
        score.logit(features.map((value, j) => (j === i ? value + move : value)));
      expect((at(h) - at(-h)) / (2 * h)).toBeCloseTo(slope, 6);
    });
    score.parameterGradient(features).forEach((slope, i) => {
      const step = new Float64Array(score.parameters);
      const at = (move: number): number => {
        step[i] = move;
        return score.moved(step).logit(features);
      };
      expect((at(h) - at(-h)) / (2 * h)).toBeCloseTo(slope, 6);
    });
  });

  it('refuses what is no perceptron', () => {
    const released = form('relu');
    for (const wrong of [
      { ...released, parameters: [1, 2] },
      { ...released, parameters: Array.from(released.parameters, () => Number.NaN) },
      { ...released, hidden: [0] },
      { ...released, inputDimension: 1.5 },
    ]) {
      expect(() => perceptronScore(wrong, 0)).toThrow(RangeError);
    }
    for (const output of [-1, 3, 0.5])
      expect(() => perceptronScore(released, output)).toThrow(RangeError);
    const score = perceptronScore(released, 0);
    expect(() => score.logit([1])).toThrow(RangeError);
    expect(() => score.moved(new Float64Array(1))).toThrow(RangeError);
  });
});

describe('explainByGradients', () => {
  it('is the exact explanation of a model that is linear', () => {
    const released = form('relu', []);
    const output = 2;
    const weights = Array.from(released.parameters).slice(4 * output, 4 * output + 4);
    const bias = released.parameters[12 + output] as number;
    const linear = explainLinearTag({
      ...{ tag: 'kitchen', featureNames: ['a', 'b', 'c', 'd'], features: [0.5, -0.25, 1, 0] },
      ...{ weights, bias, weightNoiseStddev: 0.1, biasNoiseStddev: 0.1, confidence: 0.95 },
    });
    const explained = explainByGradients(question(perceptronScore(released, output), 0.1));
    for (const name of ['value', 'noiseStddev', 'lower', 'upper'] as const) {
      expect(explained.logit[name]).toBeCloseTo(linear.logit[name], 10);
      expect(explained.difference[name]).toBeCloseTo(linear.difference[name], 10);
    }
    expect(explained.mayBeNoise).toBe(linear.mayBeNoise);
    expect(explained.unexplained).toBeCloseTo(0, 10);
    expect(explained.contributions.map((c) => c.name)).toEqual(
      linear.contributions.map((c) => c.name),
    );
    explained.contributions.forEach((contribution, i) => {
      expect(contribution.value).toBeCloseTo(linear.contributions[i]?.value as number, 10);
    });
  });

  it.each(['relu', 'tanh'] as const)('accounts for the whole difference (%s)', (activation) => {
    for (let run = 0; run < 10; run++) {
      const score = perceptronScore(form(activation), 0);
      const explained = explainByGradients(question(score));
      const total = explained.contributions.reduce((sum, c) => sum + c.value, 0);
      expect(explained.difference.value).toBeCloseTo(
        score.logit([0.5, -0.25, 1, 0]) - score.logit([0, 0, 0, 0]),
        12,
      );
      expect(total + explained.unexplained).toBeCloseTo(explained.difference.value, 12);
      expect(Math.abs(explained.unexplained)).toBeLessThan(
        2e-3 * Math.max(1, Math.abs(explained.difference.value)),
      );
      // A feature that is as in the baseline adds nothing.
      expect(explained.contributions.find((c) => c.name === 'd')?.value).toBe(0);
    }
  });

  it('agrees with integrals that are known', () => {
    // f = a²b + c: the parts of a and b from 0 to (a, b) are 2a²b/3 and a²b/3.
    const score: DifferentiableScore = {
      features: 4,
      parameters: 1,
      logit: (x) => (x[0] as number) ** 2 * (x[1] as number) + (x[2] as number),
      gradient: (x) =>
        Float64Array.of(2 * (x[0] as number) * (x[1] as number), (x[0] as number) ** 2, 1, 0),
      parameterGradient: () => new Float64Array(1),
      moved: () => score,
    };
    const explained = explainByGradients({ ...question(score), features: [2, 3, -1, 5] });
    const byName = new Map(explained.contributions.map((c) => [c.name, c.value]));
    expect(byName.get('a')).toBeCloseTo(8, 2);
    expect(byName.get('b')).toBeCloseTo(4, 2);
    expect(byName.get('c')).toBeCloseTo(-1, 10);
    expect(byName.get('d')).toBe(0);
  });

  it('compares with the baseline it is given', () => {
    const score = perceptronScore(form('tanh'), 0);
    const features = [0.5, -0.25, 1, 0];
    const same = explainByGradients({
      ...question(score, 0.1),
      baseline: { name: 'somebody just like that', features },
    });
    expect(same.contributions.every((c) => c.value === 0)).toBe(true);
    expect(same.difference).toMatchObject({ value: 0, noiseStddev: 0, lower: 0, upper: 0 });
    expect(same.mayBeNoise).toBe(true);
    expect(same.logit.noiseStddev).toBeGreaterThan(0);
  });

  it('takes one deviation for each parameter, and none for a public one', () => {
    const score = perceptronScore(form('relu'), 0);
    const gradient = score.parameterGradient([0.5, -0.25, 1, 0]);
    const largest = gradient.indexOf(Math.max(...gradient));
    const stddev = new Float64Array(score.parameters);
    stddev[largest] = 0.01;
    const explained = explainByGradients({ ...question(score), parameterNoiseStddev: stddev });
    expect(explained.logit.noiseStddev).toBeCloseTo(0.01 * (gradient[largest] as number), 12);
    expect(explainByGradients(question(score)).mayBeNoise).toBe(false);
    expect(explainByGradients(question(score, 100)).mayBeNoise).toBe(true);
  });

  it.each([1, -1])('widens to what the model really does one interval away (%i)', (sign) => {
    // f = ±(3θ − θ²) x at θ = 1: one interval away it is ±(d − d²) or ±(−d − d²) from where it was.
    const bent = (theta: number): DifferentiableScore => ({
      features: 4,
      parameters: 1,
      logit: (x) => sign * (3 * theta - theta * theta) * (x[2] as number),
      gradient: () => Float64Array.of(0, 0, sign * (3 * theta - theta * theta), 0),
      parameterGradient: (x) => Float64Array.of(sign * (3 - 2 * theta) * (x[2] as number)),
      moved: (step) => bent(theta + (step[0] as number)),
    });
    const { difference } = explainByGradients(question(bent(1), 0.1));
    const d = 0.1959963984540054;
    const down = difference.value - difference.lower;
    const up = difference.upper - difference.value;
    expect(sign > 0 ? down : up).toBeCloseTo(d + d * d, 12);
    expect(sign > 0 ? up : down).toBeCloseTo(d, 12);
  });

  it.each<Partial<GradientQuestion>>([
    { features: [1] },
    { features: [1, 2, 3, Number.NaN] },
    { featureNames: ['a'] },
    { baseline: { name: 'x', features: [1] } },
    { parameterNoiseStddev: -1 },
    { parameterNoiseStddev: [1] },
    { confidence: 1 },
  ])('refuses %j', (change) => {
    const score = perceptronScore(form('relu'), 0);
    expect(() => explainByGradients({ ...question(score), ...change })).toThrow(RangeError);
  });
});

describe('describeExplanation', () => {
  it('says where the contributions start and what is left over', () => {
    const score = perceptronScore(
      {
        ...{ inputDimension: 4, hidden: [], outputDimension: 1, activation: 'relu' },
        parameters: [2, 0, -1, 0, 0.5],
      },
      0,
    );
    const text = describeExplanation(explainByGradients(question(score, 0.1)));
    expect(text.split('\n')).toEqual([
      'Tag "kitchen": probability 0.622; with the privacy noise between 0.55 and 0.69 (95 % confidence).',
      'From a person without history at +0.5 your features lead to +0.5:',
      '  a: 0.5 instead of 0: +1',
      '  c: 1 instead of 0: −1',
      'Against a person without history: +0, between −0.225 and +0.225. This tag may be noise: the interval holds zero.',
    ]);
    const rough = { ...explainByGradients(question(score)), unexplained: 0.02 };
    expect(describeExplanation(rough)).toContain('not attributed: +0.02');
  });
});
