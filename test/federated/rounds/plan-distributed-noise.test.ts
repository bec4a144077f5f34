import { describe, expect, it } from 'vitest';
import {
  type DistributedNoiseTarget,
  distributedFacts,
  distributedStddev,
  noiseWords,
  type PlannedDistributedNoise,
  planDistributedNoise,
} from '../../../src/federated/index.ts';

const TARGET: DistributedNoiseTarget = {
  ...{ dimension: 1000, clippingNorm: 3, cohort: 120, honestSurvivors: 100, rounds: 5 },
  ...{ epsilon: 2, delta: 1e-6 },
};

/** Epsilon by the published formulas at integer orders: another way to the same number. */
function epsilonOf({ noise }: PlannedDistributedNoise, { rounds, delta }: DistributedNoiseTarget) {
  const { integerSensitivity: l2, encodedDimension } = distributedFacts(noise);
  const mu = noise.honestSurvivors * noise.shareVariance;
  const l1 = Math.min(Math.sqrt(encodedDimension) * l2, l2 * l2);
  let least = Number.POSITIVE_INFINITY;
  for (let order = 2; order <= 500; order++) {
    const excess = Math.min(
      ((2 * order - 1) * l2 ** 2 + 6 * l1) / (4 * mu ** 2),
      (3 * l1) / (2 * mu),
    );
    const divergence = rounds * ((order * l2 ** 2) / (2 * mu) + excess);
    const epsilon =
      divergence + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);
    least = Math.min(least, epsilon);
  }
  return least;
}

describe('planDistributedNoise', () => {
  it.each<Partial<DistributedNoiseTarget>>([
    {},
    { rounds: 1, epsilon: 6 },
    { dimension: 7, clippingFlagWeight: 0.2 },
    { cohort: 5000, honestSurvivors: 4000, dimension: 20_000 },
    { honestSurvivors: 1 },
  ])('meets epsilon, error and modulus: %o', (change) => {
    const target = { ...TARGET, ...change };
    const planned = planDistributedNoise(target);
    expect(planned.epsilon).toBeLessThanOrEqual(target.epsilon);
    expect(planned.epsilon).toBeGreaterThan(0.999 * target.epsilon);
    // Real orders between the integers can only be a little better.
    expect(epsilonOf(planned, target) / planned.epsilon).toBeCloseTo(1, 2);
    expect(planned.error).toBeLessThanOrEqual(1.05);
    expect(planned.error).toBeGreaterThan(1);
    expect(planned.wrapProbability).toBeLessThanOrEqual(2 ** -40);
    expect(planned.noiseMultiplier * target.clippingNorm).toBeCloseTo(
      distributedStddev(planned.noise, target.honestSurvivors),
      10,
    );
  });

  it('takes the fewest bytes: no modulus of fewer bits has smaller vectors', () => {
    const best = planDistributedNoise(TARGET);
    for (let modulusBits = 8; modulusBits < best.noise.modulusBits; modulusBits++) {
      let bytes = Number.POSITIVE_INFINITY;
      try {
        bytes = planDistributedNoise({ ...TARGET, modulusBits }).vectorBytes;
      } catch (error) {
        expect(error).toMatchObject({ code: 'dp/no-solution' });
      }
      expect(bytes).toBeGreaterThanOrEqual(best.vectorBytes);
    }
    const coarse = planDistributedNoise({ ...TARGET, mostError: 1.3 });
    expect(coarse.vectorBytes).toBeLessThan(best.vectorBytes);
    expect(coarse.error).toBeGreaterThan(best.error);
  });

  it('uses the room of a modulus that it is given, and a narrow one where that does', () => {
    const wide = planDistributedNoise({ ...TARGET, modulusBits: 40 });
    expect(wide.noise.modulusBits).toBe(40);
    // As fine as that, only whole orders and the last half step are left of the error.
    expect(wide.error).toBeLessThan(1.002);
    const narrow = {
      ...TARGET,
      dimension: 5,
      cohort: 3,
      honestSurvivors: 3,
      epsilon: 8,
      rounds: 1,
    };
    expect(planDistributedNoise(narrow).noise.modulusBits).toBeLessThan(16);
  });

  it('costs more error for fewer honest members than members', () => {
    const few = planDistributedNoise({ ...TARGET, honestSurvivors: 50 }).noise;
    const many = planDistributedNoise(TARGET).noise;
    const ratio = distributedStddev(few, 120) / distributedStddev(many, 120);
    expect(ratio).toBeCloseTo(Math.sqrt(2), 1);
  });

  it('refuses what cannot be met, and what is no target', () => {
    expect(() => planDistributedNoise({ ...TARGET, modulusBits: 8 })).toThrow(
      expect.objectContaining({ code: 'dp/no-solution' }),
    );
    for (const change of [
      { epsilon: 0 },
      { delta: 1 },
      { honestSurvivors: 121 },
      { dimension: 0 },
    ]) {
      expect(() => planDistributedNoise({ ...TARGET, ...change })).toThrow();
    }
  });

  it('is told to clients in words that differ with every constant', () => {
    const { noise } = planDistributedNoise(TARGET);
    const words = noiseWords(noise);
    expect(words.length).toBeLessThan(1000);
    for (const name of Object.keys(noise) as (keyof typeof noise)[]) {
      if (name === 'kind') continue;
      expect(noiseWords({ ...noise, [name]: noise[name] + 1 })).not.toBe(words);
    }
  });
});
