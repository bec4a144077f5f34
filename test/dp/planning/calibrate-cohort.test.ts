import { describe, expect, it } from 'vitest';
import { PldAccountant } from '../../../src/dp/accounting/pld/accountant.ts';
import { calibrateCohort } from '../../../src/dp/planning/calibrate-cohort.ts';

const TARGET = { epsilon: 2, delta: 1e-5, relation: 'add-or-remove-one-user' } as const;
const RUN = { rounds: 1000, noiseMultiplier: 1 };

function epsilonAt(samplingRate: number): number {
  const terms = { unit: 'user', relation: TARGET.relation } as const;
  const accountant = new PldAccountant(terms);
  const event = { kind: 'gaussian', noiseMultiplier: 1 } as const;
  accountant.compose({ ...terms, event: { kind: 'poisson-sampled', samplingRate, event } }, 1000);
  return accountant.epsilon(TARGET.delta).upper;
}

describe('calibrateCohort', () => {
  it('is the largest cohort within the target', () => {
    const { cohort, samplingRate, epsilon } = calibrateCohort(TARGET, RUN, 50_000);
    expect(samplingRate).toBe(cohort / 50_000);
    expect(epsilon.upper).toBeLessThanOrEqual(2);
    expect(epsilonAt(cohort / 50_000)).toBeLessThanOrEqual(2);
    expect(epsilonAt((cohort + 1) / 50_000)).toBeGreaterThan(2);
  });

  it('is everybody where that is within the target', () => {
    const found = calibrateCohort(TARGET, { rounds: 10, noiseMultiplier: 100 }, 777);
    expect(found).toMatchObject({ cohort: 777, samplingRate: 1 });
    expect(found.plan.event).toMatchObject({ event: { kind: 'gaussian' } });
  });

  it('refuses when one user in so few is too many', () => {
    expect(() => calibrateCohort(TARGET, RUN, 50)).toThrowError(
      expect.objectContaining({ code: 'dp/no-solution' }),
    );
  });

  it.each([0, 1.5, Number.NaN])('refuses a population of %s', (population) => {
    expect(() => calibrateCohort(TARGET, RUN, population)).toThrowError(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });
});
