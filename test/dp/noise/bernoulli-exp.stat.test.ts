import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { rationalOf, sampleBernoulliExp } from '../../../src/dp/noise/index.ts';

describe('sampleBernoulliExp', () => {
  // Chernoff: n·KL over 17 has a probability under 2·e^(-17) = 8.3e-8 for each x.
  for (const x of [1e-3, 0.25, 0.5, 0.999, 1, 1.5, 3, 7.25]) {
    it(`succeeds with probability e^-${x}`, () => {
      const random = new SeededRandom(`bernoulli ${x}`);
      const samples = 40_000;
      const fraction = rationalOf(x);
      let count = 0;
      for (let i = 0; i < samples; i++) count += Number(sampleBernoulliExp(fraction, random));
      const [share, p] = [count / samples, Math.exp(-x)];
      const term = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
      expect(samples * (term(share, p) + term(1 - share, -Math.expm1(-x)))).toBeLessThan(17);
    });
  }
});
