import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { explainLinearTag } from '../../src/profile/index.ts';

/** Standard normal by Box–Muller; independent of the library's samplers. */
function gaussian(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}

describe('intervals of an explanation', () => {
  // False-alarm rate: the count of hits is Binomial(20000, 0.9); 5.2 deviations have two-sided probability 2e-7.
  it('hold the noiseless logit as often as they say', () => {
    const random = new SeededRandom('explanation-coverage');
    const features = [0.6, 0.3, 0.2, 0.7];
    const weights = [1, -2, 0.5, 3];
    const featureNames = ['a', 'b', 'c', 'd'];
    const stddevs = [0.1, 0.4, 0.2, 0.3];
    const noiseless = -0.5 + weights.reduce((sum, w, i) => sum + w * (features[i] as number), 0);
    const draws = 20_000;
    let logitHits = 0;
    let differenceHits = 0;
    for (let draw = 0; draw < draws; draw++) {
      const explanation = explainLinearTag({
        tag: 't',
        featureNames,
        features,
        weights: weights.map((w, i) => w + (stddevs[i] as number) * gaussian(random)),
        bias: -0.5 + 0.25 * gaussian(random),
        weightNoiseStddev: stddevs,
        biasNoiseStddev: 0.25,
        confidence: 0.9,
      });
      const { logit, difference } = explanation;
      if (logit.lower <= noiseless && noiseless <= logit.upper) logitHits += 1;
      const noiselessDifference = noiseless + 0.5;
      if (difference.lower <= noiselessDifference && noiselessDifference <= difference.upper) {
        differenceHits += 1;
      }
    }
    const deviation = Math.sqrt(draws * 0.9 * 0.1);
    expect(Math.abs(logitHits - 0.9 * draws)).toBeLessThan(5.2 * deviation);
    expect(Math.abs(differenceHits - 0.9 * draws)).toBeLessThan(5.2 * deviation);
  });
});
