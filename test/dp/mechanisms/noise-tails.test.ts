import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { normalCdf, normalQuantile } from '../../../src/core/special/index.ts';
import {
  discreteGaussianDeviation,
  discreteGaussianHalfWidth,
  discreteLaplaceDeviation,
  discreteLaplaceHalfWidth,
  roundedGaussianDeviation,
  roundedGaussianHalfWidth,
  skellamHalfWidth,
} from '../../../src/dp/mechanisms/noise-tails.ts';
import { fillSkellam } from '../../../src/dp/noise/index.ts';

const CONFIDENCES = [0.01, 0.5, 0.9, 0.95, 0.999, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12];

/** A symmetric law by the weights of 0, 1, 2, …, with enough of them. */
interface Law {
  readonly weights: readonly number[];
}

/** P[|K| > h], summed from the small end. */
function outside({ weights }: Law, h: number): number {
  let above = 0;
  for (let k = weights.length - 1; k > h; k--) above += 2 * (weights[k] as number);
  return above / mass({ weights });
}

function mass({ weights }: Law): number {
  return weights.reduceRight((sum, weight, k) => sum + (k === 0 ? weight : 2 * weight), 0);
}

function deviation({ weights }: Law): number {
  const square = weights.reduceRight((sum, weight, k) => sum + 2 * k * k * weight, 0);
  return Math.sqrt(square / mass({ weights }));
}

function list(last: number, weight: (k: number) => number): Law {
  return { weights: Array.from({ length: last + 1 }, (_, k) => weight(k)) };
}

function roundedGaussian(stddev: number): Law {
  const above = (x: number): number => normalCdf(-x / stddev);
  return list(Math.ceil(12 * stddev) + 3, (k) =>
    k === 0 ? 1 - 2 * above(0.5) : above(k - 0.5) - above(k + 0.5),
  );
}

/** The law of a difference of two Poisson variables, as their convolution. */
function skellam(mu: number): Law {
  const last = Math.ceil(mu + 16 * Math.sqrt(mu)) + 60;
  const poisson = [Math.exp(-mu / 2)];
  for (let k = 1; k <= 2 * last; k++) poisson.push(((poisson[k - 1] as number) * mu) / 2 / k);
  return list(last, (k) => {
    let sum = 0;
    for (let j = last; j >= 0; j--) sum += (poisson[j] as number) * (poisson[j + k] as number);
    return sum;
  });
}

function expectExact(law: Law, halfWidth: (confidence: number) => number): void {
  for (const confidence of CONFIDENCES) {
    const h = halfWidth(confidence);
    expect(Number.isInteger(h)).toBe(true);
    expect(outside(law, h)).toBeLessThanOrEqual(1 - confidence);
    if (h > 0) expect(outside(law, h - 1)).toBeGreaterThan((1 - confidence) * (1 - 1e-6));
  }
}

describe('rounded Gaussian', () => {
  it.each([0.05, 0.3, 0.77, 1, 1.99, 2, 5.5, 60])('σ = %d', (stddev) => {
    const law = roundedGaussian(stddev);
    expectExact(law, (confidence) => roundedGaussianHalfWidth(stddev, confidence));
    expect(roundedGaussianDeviation(stddev)).toBeCloseTo(deviation(law), 9);
  });
});

describe('discrete Laplace', () => {
  it.each([3, 1, 0.4, 0.02])('parameter %d', (parameter) => {
    const law = list(Math.ceil(60 / parameter), (k) => Math.exp(-parameter * k));
    expectExact(law, (confidence) => discreteLaplaceHalfWidth(parameter, confidence));
    expect(discreteLaplaceDeviation(parameter)).toBeCloseTo(deviation(law), 9);
  });
});

describe('discrete Gaussian', () => {
  it.each([0.1, 0.5, 1, 1.99, 2, 7.3, 50])('sigma %d', (sigma) => {
    const law = list(Math.ceil(14 * sigma) + 2, (k) => Math.exp((-k * k) / (2 * sigma * sigma)));
    for (const confidence of CONFIDENCES) {
      const h = discreteGaussianHalfWidth(sigma, confidence);
      expect(outside(law, h)).toBeLessThanOrEqual(1 - confidence);
      // The bound is never more than a step over the least.
      if (h > 1) expect(outside(law, h - 2)).toBeGreaterThan((1 - confidence) * (1 - 1e-6));
    }
    expect(discreteGaussianDeviation(sigma)).toBeCloseTo(deviation(law), 6);
  });
});

describe('Skellam', () => {
  it.each([1e-3, 0.3, 1, 9, 77.7, 400])('mu = %d', (mu) => {
    const law = skellam(mu);
    for (const confidence of CONFIDENCES) {
      const h = skellamHalfWidth(mu, confidence);
      expect(outside(law, h)).toBeLessThanOrEqual(1 - confidence);
      const isExact = 1 - confidence > 1e-7;
      if (h > 0 && isExact) {
        expect(outside(law, h - 1)).toBeGreaterThan((1 - confidence) * (1 - 1e-4) - 2e-10);
      }
    }
  });

  it.each([2 ** -900, 2 ** 16, 2 ** 32, 2 ** 41])('mu = %d: near the Gaussian', (mu) => {
    for (const confidence of [0.5, 0.95, 0.999]) {
      const h = skellamHalfWidth(mu, confidence);
      const normal = -normalQuantile((1 - confidence) / 2) * Math.sqrt(mu);
      expect(Math.abs(h - normal)).toBeLessThanOrEqual(1 + 1e-3 * normal);
    }
  });

  it('holds for samples of a wide law', () => {
    const mu = 2 ** 24;
    const noise = new Float64Array(200_000);
    fillSkellam(noise, mu, new SeededRandom('skellam interval'));
    const h = skellamHalfWidth(mu, 0.95);
    const missed = noise.reduce((count, k) => count + Number(Math.abs(k) > h), 0);
    // Five and a half standard errors of a binomial: under 1e-7 a side.
    const spread = 5.5 * Math.sqrt(noise.length * 0.05 * 0.95);
    expect(Math.abs(missed - 0.05 * noise.length)).toBeLessThan(spread);
  });
});
