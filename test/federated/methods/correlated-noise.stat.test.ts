import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { bandedSquareRoot, CorrelatedNoise } from '../../../src/federated/index.ts';
import { inverseColumn } from '../../../src/federated/methods/correlated-noise-strategy.ts';

const DIMENSION = 40_000;
const ROUNDS = 8;
const strategy = bandedSquareRoot(4);

/** Mean of the products of two noise vectors. */
function covariance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0) / a.length;
}

describe('the law of correlated noise', () => {
  const noise = new CorrelatedNoise({
    strategy,
    noiseMultiplier: 1,
    dimension: DIMENSION,
    sensitivity: 65_536,
  });
  const column = inverseColumn(strategy.coefficients, ROUNDS);
  const variance = noise.freshStddev ** 2;
  const random = new SecureRandom();
  const stated: number[] = [];
  const drawn = Array.from({ length: ROUNDS }, () => {
    stated.push(noise.noiseStddev);
    const target = new Float64Array(DIMENSION);
    noise.fill(target, random);
    return target;
  });
  /** Covariance of rounds s ≤ t over σ²: Σ (C⁻¹)_{s−k} (C⁻¹)_{t−k}. */
  const expected = (s: number, t: number) => {
    let sum = 0;
    for (let k = 0; k <= s; k++) sum += (column[s - k] as number) * (column[t - k] as number);
    return sum;
  };

  it('has the covariances of C⁻¹z between all rounds', () => {
    for (let s = 0; s < ROUNDS; s++) {
      for (let t = s; t < ROUNDS; t++) {
        const seen = covariance(drawn[s] as Float64Array, drawn[t] as Float64Array) / variance;
        // A mean of products of two normals of variance v, w and covariance c has variance (vw + c²)/n.
        const spread = Math.sqrt(
          (expected(s, s) * expected(t, t) + expected(s, t) ** 2) / DIMENSION,
        );
        // 36 comparisons at 6.5 deviations: a false alarm below 1e-8.
        expect(Math.abs(seen - expected(s, t))).toBeLessThan(6.5 * spread);
      }
    }
  });

  it('states the deviation of each round', () => {
    stated.forEach((stddev, t) => {
      expect(stddev).toBeCloseTo(noise.freshStddev * Math.sqrt(expected(t, t)), 3);
    });
  });

  it('leaves less noise in sums over rounds than independent noise of the same price', () => {
    const sum = new Float64Array(DIMENSION);
    for (const vector of drawn)
      vector.forEach((value, i) => {
        sum[i] = (sum[i] as number) + value;
      });
    let prefix = 0;
    let energy = 0;
    for (const value of column) {
      prefix += value;
      energy += prefix * prefix;
    }
    const seen = covariance(sum, sum) / variance;
    // Relative deviation of a sample variance: √(2/n). 6 deviations: below 1e-8.
    expect(Math.abs(seen / energy - 1)).toBeLessThan(6 * Math.sqrt(2 / DIMENSION));
    const square = strategy.coefficients.reduce((total, c) => total + c * c, 0);
    expect(seen * square).toBeLessThan(0.5 * ROUNDS);
  });
});
