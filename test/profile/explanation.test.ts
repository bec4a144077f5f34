import { describe, expect, it } from 'vitest';
import {
  describeExplanation,
  explainLinearTag,
  type LinearTagQuestion,
} from '../../src/profile/index.ts';

const QUESTION: LinearTagQuestion = {
  tag: 'kitchen',
  featureNames: ['n_kitchen', 'n_bag', 'n_party'],
  features: [0.6, 0, 0.8],
  weights: [3, 10, -0.5],
  bias: -1,
  weightNoiseStddev: 0.2,
  biasNoiseStddev: 0.3,
  confidence: 0.95,
};
const Z95 = 1.959963984540054; // Φ⁻¹(0.975), tables

describe('explainLinearTag', () => {
  const explanation = explainLinearTag(QUESTION);

  it('takes the logit apart without remainder', () => {
    const sum = explanation.contributions.reduce((total, c) => total + c.value, 0);
    expect(explanation.bias.value + sum).toBeCloseTo(explanation.logit.value, 14);
    expect(explanation.logit.value).toBeCloseTo(-1 + 1.8 - 0.4, 14);
    expect(explanation.probability.value).toBeCloseTo(1 / (1 + Math.exp(-0.4)), 14);
  });

  it('names the largest contribution first', () => {
    expect(explanation.contributions.map((c) => c.name)).toEqual(['n_kitchen', 'n_party', 'n_bag']);
  });

  it('widens by z · stddev · ‖x‖', () => {
    // ‖x‖ = 1 here, so weights and bias add 0.2² and 0.3².
    const half = Z95 * Math.sqrt(0.04 + 0.09);
    expect(explanation.logit.upper - explanation.logit.value).toBeCloseTo(half, 12);
    expect(explanation.logit.value - explanation.logit.lower).toBeCloseTo(half, 12);
    const kitchen = explanation.contributions[0];
    expect(kitchen?.noiseStddev).toBeCloseTo(0.12, 14);
    expect((kitchen?.upper as number) - (kitchen?.value as number)).toBeCloseTo(Z95 * 0.12, 12);
    expect(explanation.probability.lower).toBeCloseTo(1 / (1 + Math.exp(half - 0.4)), 12);
  });

  it('takes one deviation for each weight', () => {
    const each = explainLinearTag({ ...QUESTION, weightNoiseStddev: [0.5, 9, 0] });
    expect(each.difference.noiseStddev).toBeCloseTo(0.3, 14);
  });

  it('leaves the noise of the bias out when the bias is the baseline', () => {
    expect(explanation.difference.value).toBeCloseTo(1.4, 14);
    expect(explanation.difference.noiseStddev).toBeCloseTo(0.2, 14);
    expect(explanation.mayBeNoise).toBe(false);
  });

  it('adds the noise of a released baseline', () => {
    const baseline = { name: 'popularity', logit: -0.9, noiseStddev: 0.6 };
    const against = explainLinearTag({ ...QUESTION, baseline });
    expect(against.difference.value).toBeCloseTo(1.3, 14);
    expect(against.difference.noiseStddev).toBeCloseTo(Math.sqrt(0.04 + 0.09 + 0.36), 14);
    expect(against.mayBeNoise).toBe(true);
    expect(explainLinearTag({ ...QUESTION, baseline, confidence: 0.5 }).mayBeNoise).toBe(false);
  });

  it('says that a tag may be noise exactly when the interval holds zero', () => {
    const at = (weightNoiseStddev: number): boolean =>
      explainLinearTag({ ...QUESTION, weightNoiseStddev }).mayBeNoise;
    expect(at(1.4 / Z95 - 1e-9)).toBe(false);
    expect(at(1.4 / Z95 + 1e-9)).toBe(true);
    expect(explainLinearTag({ ...QUESTION, features: [0, 0, 0] }).mayBeNoise).toBe(true);
  });

  it('has intervals of width zero without noise', () => {
    const exact = explainLinearTag({ ...QUESTION, weightNoiseStddev: 0, biasNoiseStddev: 0 });
    expect(exact.logit.lower).toBe(exact.logit.upper);
    expect(exact.mayBeNoise).toBe(false);
  });

  it('leaves what it was given as it was', () => {
    expect(QUESTION.featureNames).toEqual(['n_kitchen', 'n_bag', 'n_party']);
  });

  it.each<Partial<LinearTagQuestion>>([
    { features: [1] },
    { weights: [1, 2, 3, 4] },
    { weights: [1, Number.NaN, 3] },
    { features: [1, Number.POSITIVE_INFINITY, 3] },
    { bias: Number.NaN },
    { weightNoiseStddev: -1 },
    { weightNoiseStddev: [1] },
    { weightNoiseStddev: [1, -1, 1] },
    { biasNoiseStddev: Number.NaN },
    { confidence: 0 },
    { confidence: 1 },
    { confidence: Number.NaN },
    { baseline: { name: 'popularity', logit: Number.NaN, noiseStddev: 0 } },
    { baseline: { name: 'popularity', logit: 0, noiseStddev: -1 } },
  ])('refuses %j', (change) => {
    expect(() => explainLinearTag({ ...QUESTION, ...change })).toThrow(RangeError);
  });
});

describe('describeExplanation', () => {
  it('says it in words and numbers', () => {
    const baseline = { name: 'popularity', logit: -0.9, noiseStddev: 0.1 };
    const text = describeExplanation(
      explainLinearTag({ ...QUESTION, baseline, biasNoiseStddev: 0, weightNoiseStddev: 0.1 }),
    );
    expect(text.split('\n')).toEqual([
      'Tag "kitchen": probability 0.599; with the privacy noise between 0.551 and 0.645 (95 % confidence).',
      'Everybody starts at −1; your features lead to +0.4:',
      '  n_kitchen: 0.6 × +3 = +1.8 (± 0.118)',
      '  n_party: 0.8 × −0.5 = −0.4 (± 0.157)',
      'Against popularity: +1.3, between +1.02 and +1.58. More than the noise explains.',
    ]);
  });

  it('says when a tag may be noise', () => {
    const text = describeExplanation(explainLinearTag({ ...QUESTION, weightNoiseStddev: 2 }));
    expect(text).toContain('may be noise');
    expect(text).toContain('a person without history');
  });

  it('sums up what is too long to name', () => {
    const names = Array.from({ length: 8 }, (_, i) => `f${i}`);
    const text = describeExplanation(
      explainLinearTag({
        ...QUESTION,
        featureNames: names,
        features: names.map(() => 1),
        weights: names.map(() => 0.5),
      }),
    );
    expect(text).toContain('3 more together: +1.5');
  });

  it('prints hostile names harmlessly', () => {
    const text = describeExplanation(
      explainLinearTag({
        ...QUESTION,
        tag: '\u001B[2J\u202E'.padEnd(1_000, 'x'),
        featureNames: ['__proto__', 'a\nb', 'c'],
        features: [1, 1, 1],
      }),
    );
    expect(text).not.toContain('\u001B');
    expect(text).not.toContain('\u202E');
    expect(text).toContain('__proto__: ');
    expect(text).not.toContain('a\nb');
    expect(text.length).toBeLessThan(1_000);
  });
});
