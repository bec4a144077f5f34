import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  PARTICIPATIONS,
  trainingCandidates,
} from '../../../src/dp/planning/training-candidates.ts';

const limits = fc
  .record({
    population: fc.integer({ min: 1, max: 10_000_000 }),
    minimumCohort: fc.integer({ min: 1, max: 2000 }),
    maximumCohort: fc.integer({ min: 1, max: 10_000_000 }),
    maximumRounds: fc.integer({ min: 1, max: 5000 }),
  })
  .map((given) => ({ ...given, participation: PARTICIPATIONS }));

describe('trainingCandidates', () => {
  it('keeps every limit', () => {
    fc.assert(
      fc.property(limits, (given) => {
        for (const candidate of trainingCandidates(given)) {
          const { rounds, samplingRate, participations, participation } = candidate;
          const cohort = samplingRate * given.population;
          expect(Number.isInteger(rounds)).toBe(true);
          expect(rounds).toBeGreaterThanOrEqual(1);
          expect(rounds).toBeLessThanOrEqual(given.maximumRounds);
          expect(cohort).toBeGreaterThanOrEqual(given.minimumCohort * (1 - 1e-12));
          expect(cohort).toBeLessThanOrEqual(given.maximumCohort * (1 + 1e-12));
          expect(participations).toBeLessThanOrEqual(rounds);
          // Groups in turn: nobody is in more rounds than the turns begun.
          if (participation === 'rotating') {
            expect(participations).toBe(Math.ceil(rounds * samplingRate - 1e-9));
          } else expect(participations).toBe(rounds);
        }
      }),
    );
  });

  it('names each choice once', () => {
    fc.assert(
      fc.property(limits, (given) => {
        const names = trainingCandidates(given).map((candidate) => JSON.stringify(candidate));
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  it('takes only the ways it is allowed', () => {
    const given = {
      population: 1000,
      minimumCohort: 10,
      maximumCohort: 1000,
      maximumRounds: 100,
    };
    for (const participation of PARTICIPATIONS) {
      const found = trainingCandidates({ ...given, participation: [participation] });
      expect(new Set(found.map((candidate) => candidate.participation))).toEqual(
        new Set([participation]),
      );
    }
    expect(trainingCandidates({ ...given, maximumCohort: 999, participation: ['full'] })).toEqual(
      [],
    );
  });
});
