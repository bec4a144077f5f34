import { describe, expect, it } from 'vitest';
import {
  type CalibrationTarget,
  calibrateNoise,
  calibrateNoiseMultiplier,
  calibrateRounds,
  calibrateSamplingRate,
  sampledRoundsEvent,
} from '../../../src/dp/accounting/calibrate.ts';
import { epsilonOfPlan } from '../../../src/dp/accounting/create.ts';
import { calibrateGaussian } from '../../../src/dp/accounting/gdp.ts';
import { composed, gaussian, laplace, plan, repeated } from './plans.ts';

const target = (
  epsilon: number,
  accountant: CalibrationTarget['accountant'] = 'pld',
): CalibrationTarget => ({
  epsilon,
  delta: 1e-5,
  relation: 'add-or-remove-one-user',
  accountant,
});

describe('calibrateNoiseMultiplier', () => {
  it('stays under the target and wastes nothing, for every accountant that takes the plan', () => {
    for (const epsilon of [0.02, 1, 4, 30]) {
      for (const accountant of ['pld', 'rdp'] as const) {
        const run = { samplingRate: 0.02, rounds: 700 };
        const {
          noiseMultiplier,
          epsilon: reached,
          plan: found,
        } = calibrateNoiseMultiplier(target(epsilon, accountant), run);
        expect(reached.upper).toBeLessThanOrEqual(epsilon);
        expect(found.event).toEqual(sampledRoundsEvent({ ...run, noiseMultiplier }));
        expect(epsilonOfPlan(found, 1e-5, accountant)).toEqual(reached);
        const less = sampledRoundsEvent({ ...run, noiseMultiplier: noiseMultiplier * (1 - 1e-6) });
        expect(epsilonOfPlan(plan(less), 1e-5, accountant).upper).toBeGreaterThan(epsilon);
      }
    }
  });

  it('without sampling agrees with the closed calibration', () => {
    for (const accountant of ['pld', 'gdp'] as const) {
      const { noiseMultiplier } = calibrateNoiseMultiplier(target(1.5, accountant), {
        samplingRate: 1,
        rounds: 50,
      });
      const exact = calibrateGaussian({ epsilon: 1.5, delta: 1e-5, count: 50 });
      expect(noiseMultiplier / exact).toBeCloseTo(1, 7);
    }
  });

  it('refuses what an accountant does not know, and targets without meaning', () => {
    const run = { samplingRate: 0.5, rounds: 10 };
    expect(() => calibrateNoiseMultiplier(target(1, 'gdp'), run)).toThrow(
      expect.objectContaining({ code: 'dp/unsupported-event' }),
    );
    for (const epsilon of [0, -1, Number.NaN]) {
      expect(() => calibrateNoiseMultiplier(target(epsilon), run)).toThrow(/epsilon/);
    }
    expect(() => calibrateNoiseMultiplier({ ...target(1), delta: 1 }, run)).toThrow(/delta/);
    expect(() => calibrateNoiseMultiplier(target(1), { ...run, rounds: 0 })).toThrow(/count/);
    expect(() => calibrateNoiseMultiplier(target(1), { ...run, samplingRate: 2 })).toThrow(
      /samplingRate/,
    );
  });
});

describe('calibrateNoise', () => {
  it('takes any event with a noise multiplier in it', () => {
    const { noiseMultiplier, epsilon } = calibrateNoise(target(2), (noise) =>
      composed(repeated(20, laplace(noise)), gaussian(4)),
    );
    expect(epsilon.upper).toBeLessThanOrEqual(2);
    expect(epsilon.upper).toBeGreaterThan(2 * (1 - 1e-5));
    expect(noiseMultiplier).toBeGreaterThan(9);
  });

  it('says so when no noise helps', () => {
    expect(() =>
      calibrateNoise(target(0.5), (noise) => composed(gaussian(noise), gaussian(1))),
    ).toThrow(expect.objectContaining({ code: 'dp/no-solution' }));
  });
});

describe('calibrateRounds', () => {
  it('finds the last number of rounds that fits', () => {
    for (const accountant of ['pld', 'rdp'] as const) {
      const run = { samplingRate: 0.01, noiseMultiplier: 1 };
      const { rounds, epsilon } = calibrateRounds(target(2, accountant), run);
      expect(epsilon.upper).toBeLessThanOrEqual(2);
      const more = sampledRoundsEvent({ ...run, rounds: rounds + 1 });
      expect(epsilonOfPlan(plan(more), 1e-5, accountant).upper).toBeGreaterThan(2);
    }
  });

  it('counts exactly without sampling', () => {
    const noiseMultiplier = calibrateGaussian({ epsilon: 1, delta: 1e-5, count: 1234 });
    const run = { samplingRate: 1, noiseMultiplier };
    expect(calibrateRounds(target(1), run).rounds).toBe(1234);
  });

  it('says so when one round is too much', () => {
    expect(() => calibrateRounds(target(0.1), { samplingRate: 1, noiseMultiplier: 1 })).toThrow(
      expect.objectContaining({ code: 'dp/no-solution' }),
    );
  });
});

describe('calibrateSamplingRate', () => {
  it('finds the largest rate that fits', () => {
    const run = { rounds: 1000, noiseMultiplier: 1 };
    const { samplingRate, epsilon } = calibrateSamplingRate(target(2), run);
    expect(epsilon.upper).toBeLessThanOrEqual(2);
    const more = sampledRoundsEvent({ ...run, samplingRate: samplingRate * (1 + 1e-6) });
    expect(epsilonOfPlan(plan(more), 1e-5).upper).toBeGreaterThan(2);
  });

  it('is everybody where everybody fits', () => {
    const run = { rounds: 4, noiseMultiplier: 20 };
    expect(calibrateSamplingRate(target(2), run).samplingRate).toBe(1);
  });
});
