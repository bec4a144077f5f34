import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epsilonOfGdp, muOfEpsilon } from '../../../src/dp/accounting/gdp.ts';
import { epsilonOfZcdp, rhoOfEpsilon } from '../../../src/dp/accounting/zcdp.ts';
import { allocateBudget } from '../../../src/dp/planning/allocate-budget.ts';

const DELTA = 1e-6;

/** Random points; nothing makes them concave or rising. */
const points = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 })
  .chain((tenths) =>
    fc.tuple(
      ...tenths.map((tenth) =>
        fc.record({ epsilon: fc.constant(tenth / 10), value: fc.integer({ min: 1, max: 100 }) }),
      ),
    ),
  );

const problem = fc.record({
  total: fc.double({ min: 0.05, max: 6, noNaN: true }),
  currency: fc.constantFrom('gdp' as const, 'zcdp' as const),
  scenes: fc.array(
    fc.record({
      points,
      weight: fc.constantFrom(0.5, 1, 4),
      cap: fc.option(fc.double({ min: 0.01, max: 4, noNaN: true })),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});
type Problem = typeof problem extends fc.Arbitrary<infer T> ? T : never;

function allocate({ total, currency, scenes }: Problem, names = scenes.map((_, i) => `s${i}`)) {
  return allocateBudget({
    total: { epsilon: total, delta: DELTA },
    currency,
    scenes: Object.fromEntries(
      scenes.map(({ cap }, i) => [names[i]!, cap === null ? {} : { perUser: { epsilon: cap } }]),
    ),
    utilityCurves: Object.fromEntries(scenes.map(({ points }, i) => [names[i]!, points])),
    weights: Object.fromEntries(scenes.map(({ weight }, i) => [names[i]!, weight])),
  });
}

/** Least concave curve above the points and (0, 0), by definition: the best mix of two points. */
function concaveValue(points: readonly { epsilon: number; value: number }[], at: number): number {
  const all = [{ epsilon: 0, value: 0 }, ...points];
  let best = Math.max(...all.filter(({ epsilon }) => epsilon <= at).map(({ value }) => value));
  for (const a of all) {
    for (const b of all) {
      if (a.epsilon <= at && at < b.epsilon) {
        const share = (at - a.epsilon) / (b.epsilon - a.epsilon);
        best = Math.max(best, a.value + share * (b.value - a.value));
      }
    }
  }
  return best;
}

function cost(currency: 'gdp' | 'zcdp', epsilon: number): number {
  if (epsilon === 0) return 0;
  return currency === 'gdp' ? muOfEpsilon(epsilon, DELTA) ** 2 : rhoOfEpsilon(epsilon, DELTA);
}

function epsilonOfCost(currency: 'gdp' | 'zcdp', cost: number): number {
  return currency === 'gdp' ? epsilonOfGdp(Math.sqrt(cost), DELTA) : epsilonOfZcdp(cost, DELTA);
}

describe('allocateBudget', () => {
  it('never passes the total or a cap, in any row of its table', () => {
    fc.assert(
      fc.property(problem, (given) => {
        const { scenes, whatIf, composedEpsilon } = allocate(given);
        expect(composedEpsilon).toBeLessThanOrEqual(given.total);
        given.scenes.forEach(({ cap }, i) => {
          expect(scenes[`s${i}`]!.epsilon).toBeLessThanOrEqual(Math.min(cap ?? 1e9, given.total));
        });
        for (const { epsilons, totalEpsilon } of whatIf) {
          const spent = Object.values(epsilons).map((epsilon) => cost(given.currency, epsilon));
          const sum = spent.reduce((a, b) => a + b, 0);
          // Units of the budget are 2^-32; the sum here rounds otherwise.
          expect(sum).toBeLessThanOrEqual(cost(given.currency, totalEpsilon) + 1e-8);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('reads its utilities off the curve', () => {
    fc.assert(
      fc.property(problem, (given) => {
        const { scenes, utility } = allocate(given);
        let sum = 0;
        given.scenes.forEach(({ points, weight }, i) => {
          const { epsilon, value } = scenes[`s${i}`]!;
          expect(value).toBeCloseTo(concaveValue(points, epsilon), 8);
          sum += weight * value;
        });
        expect(utility).toBeCloseTo(sum, 6);
      }),
      { numRuns: 15 },
    );
  });

  it('finds what a grid search over two and three scenes finds', () => {
    fc.assert(
      fc.property(
        problem.filter(({ scenes }) => scenes.length === 2 || scenes.length === 3),
        (given) => {
          const { currency, scenes, total } = given;
          const { utility } = allocate(given);
          const capacity = cost(currency, total);
          const steps = 40;
          /** Weighted value of a scene with that many steps of the total. */
          const table = scenes.map(({ points, weight, cap }) =>
            Array.from({ length: steps + 1 }, (_, step) => {
              const epsilon = step === 0 ? 0 : epsilonOfCost(currency, (capacity * step) / steps);
              return weight * concaveValue(points, Math.min(epsilon, cap ?? epsilon));
            }),
          );
          let best = 0;
          const search = (scene: number, left: number, sum: number): void => {
            if (scene === table.length) best = Math.max(best, sum);
            else
              for (let i = 0; i <= left; i++) search(scene + 1, left - i, sum + table[scene]![i]!);
          };
          search(0, steps, 0);
          expect(utility).toBeGreaterThanOrEqual(best * (1 - 2e-5));
        },
      ),
      { numRuns: 20 },
    );
  });

  it('never does worse than the other rows of the same total', () => {
    fc.assert(
      fc.property(problem, (given) => {
        const { utility, whatIf } = allocate(given);
        for (const row of whatIf) {
          if (row.kind === 'even' || row.kind === 'favour') {
            expect(row.utility).toBeLessThanOrEqual(utility * (1 + 2e-5));
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it('makes no less of more budget', () => {
    fc.assert(
      fc.property(problem, fc.double({ min: 1, max: 3, noNaN: true }), (given, factor) => {
        const { utility } = allocate(given);
        const more = allocate({ ...given, total: given.total * factor });
        expect(more.utility).toBeGreaterThanOrEqual(utility * (1 - 2e-5));
      }),
      { numRuns: 15 },
    );
  });

  it('does not care in which order scenes come', () => {
    fc.assert(
      fc.property(problem, (given) => {
        const names = given.scenes.map((_, i) => `s${i}`);
        const reversed = { ...given, scenes: [...given.scenes].reverse() };
        expect(allocate(reversed, [...names].reverse())).toEqual({
          ...allocate(given),
          withoutCurve: [],
        });
      }),
      { numRuns: 10 },
    );
  });
});
