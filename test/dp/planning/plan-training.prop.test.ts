import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAccountant } from '../../../src/dp/accounting/create.ts';
import { NEIGHBOUR_RELATIONS } from '../../../src/dp/plan.ts';
import { planTraining } from '../../../src/dp/planning/plan-training.ts';

const request = fc.record({
  population: fc.integer({ min: 100, max: 1_000_000 }),
  dimension: fc.integer({ min: 1, max: 100_000 }),
  epsilon: fc.double({ min: 0.05, max: 10, noNaN: true }),
  delta: fc.constantFrom(1e-4, 1e-6, 1e-9),
  relation: fc.constantFrom(...NEIGHBOUR_RELATIONS),
  maximumRounds: fc.integer({ min: 1, max: 1000 }),
  alignment: fc.constantFrom(0.01, 0.2, 1),
  participation: fc.constant(['full', 'rotating'] as const),
});

describe('planTraining', () => {
  it('never passes its target, in any alternative', () => {
    fc.assert(
      fc.property(request, (given) => {
        const { plan, statement, alternatives } = planTraining(given);
        for (const { epsilon } of alternatives) {
          expect(epsilon).toBeLessThanOrEqual(given.epsilon);
          expect(epsilon).toBeGreaterThan(given.epsilon * (1 - 1e-6));
        }
        // An accountant that knows nothing of the planner agrees.
        const accountant = createAccountant('pld', plan);
        accountant.compose(plan);
        expect(accountant.epsilon(given.delta).upper).toBeLessThanOrEqual(given.epsilon);
        expect(statement.epsilon!.upper).toBeLessThanOrEqual(given.epsilon);
      }),
      { numRuns: 40 },
    );
  });

  it('expects no less of more budget, more users or fewer numbers', () => {
    fc.assert(
      fc.property(request, (given) => {
        const error = (change: object): number =>
          Math.min(
            ...planTraining({ ...given, participation: ['full'], ...change }).alternatives.map(
              ({ predictedError }) => predictedError,
            ),
          );
        const base = error({});
        expect(error({ epsilon: given.epsilon * 1.5 })).toBeLessThanOrEqual(base);
        expect(error({ population: given.population * 2 })).toBeLessThanOrEqual(base);
        expect(error({ dimension: given.dimension * 2 })).toBeGreaterThanOrEqual(base);
      }),
      { numRuns: 20 },
    );
  });
});
