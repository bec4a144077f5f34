import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { fillRoundedGaussian } from '../../../src/dp/noise/index.ts';
import {
  predictedError,
  type RoundShape,
  roundSignalToNoise,
  runSignalToNoise,
} from '../../../src/dp/planning/signal-model.ts';

const SHAPE: RoundShape = {
  population: 10_000,
  samplingRate: 1,
  drawn: false,
  dimension: 400,
  noiseMultiplier: 50,
  relation: 'add-or-remove-one-user',
  alignment: 0.2,
};

describe('roundSignalToNoise', () => {
  it('is signal over the norm of the noise, in clips', () => {
    expect(roundSignalToNoise(SHAPE)).toBeCloseTo((0.2 * 10_000) / (50 * 20), 12);
    expect(roundSignalToNoise({ ...SHAPE, samplingRate: 0.5 })).toBeCloseTo(1, 12);
  });

  it('doubles the noise where a user may be replaced', () => {
    expect(roundSignalToNoise({ ...SHAPE, relation: 'replace-one-user' })).toBeCloseTo(1, 12);
    expect(roundSignalToNoise({ ...SHAPE, relation: 'zero-out-one-user' })).toBeCloseTo(2, 12);
  });

  it('agrees with a simulated round, noise and drawn cohort included', () => {
    const random = new SeededRandom(7);
    const { population, dimension } = { population: 4000, dimension: 50 };
    const shape = {
      ...SHAPE,
      population,
      dimension,
      samplingRate: 0.25,
      drawn: true,
      noiseMultiplier: 3,
      alignment: 0.3,
    };
    // Users differ from their mean in one coordinate each, so that all updates have norm 1.
    const along = 0.3;
    const aside = Math.sqrt(1 - along * along);
    const unit = 2 ** 20;
    const noise = new Float64Array(dimension);
    let energy = 0;
    const rounds = 200;
    for (let round = 0; round < rounds; round++) {
      fillRoundedGaussian(noise, shape.noiseMultiplier * unit, random);
      const sum = Float64Array.from(noise, (value) => value / unit);
      for (let user = 0; user < population; user++) {
        if (random.uniform() >= shape.samplingRate) continue;
        sum[0] = sum[0]! + along;
        const at = 1 + (user % (dimension - 1));
        // Half of the users to each side: their mean is along the first axis.
        sum[at] = sum[at]! + (Math.floor(user / (dimension - 1)) % 2 === 0 ? aside : -aside);
      }
      sum[0] = sum[0]! - along * shape.samplingRate * population;
      energy += sum.reduce((total, value) => total + value * value, 0) / rounds;
    }
    const ratio = (along * shape.samplingRate * population) / Math.sqrt(energy);
    // 200 rounds give the energy to about 2 per cent.
    expect(ratio / roundSignalToNoise(shape)).toBeGreaterThan(0.94);
    expect(ratio / roundSignalToNoise(shape)).toBeLessThan(1.06);
  });
});

describe('predictedError', () => {
  it('falls with rounds and with signal', () => {
    expect(predictedError(10, 5)).toBeCloseTo(0.1 + Math.SQRT2 / 5, 12);
    expect(predictedError(Number.POSITIVE_INFINITY, 5)).toBeCloseTo(Math.SQRT2 / 5, 12);
    expect(runSignalToNoise(0.5, 16)).toBe(2);
  });
});
