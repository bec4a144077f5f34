import { describe, expect, it } from 'vitest';
import { gdpCost, zcdpCost } from '../../../src/dp/accounting/cost.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import { composed, gaussian, laplace, plan, poisson, repeated } from './plans.ts';

/** No less than the exact cost, and no more than a few roundings above it. */
function expectUp(cost: number, exact: number): void {
  expect(cost).toBeGreaterThanOrEqual(exact);
  expect(cost).toBeLessThanOrEqual(exact * (1 + 1e-14));
}

describe('gdpCost', () => {
  it('is the sum of inverse squares, rounded up', () => {
    expectUp(gdpCost(plan(gaussian(2))), 0.25);
    expectUp(gdpCost(plan(composed(repeated(100, gaussian(10)), gaussian(0.5)))), 5);
    expectUp(gdpCost(plan(poisson(1, gaussian(4)))), 1 / 16);
  });

  it('refuses what is no Gaussian, with the path', () => {
    const cases: readonly (readonly [DpEvent, string])[] = [
      [laplace(1), 'event'],
      [composed(gaussian(1), repeated(2, laplace(1))), 'event.events[1].event'],
      [poisson(0.5, gaussian(1)), 'event'],
      [{ kind: 'zcdp', rho: 1 }, 'event'],
    ];
    for (const [event, path] of cases) {
      expect(() => gdpCost(plan(event))).toThrow(
        expect.objectContaining({
          code: 'dp/unsupported-event',
          details: expect.objectContaining({ path }),
        }),
      );
    }
  });

  it('has no finite cost for a release without protection, or for no noise to speak of', () => {
    const infinite = expect.objectContaining({ code: 'dp/infinite-cost' });
    expect(() => gdpCost(plan({ kind: 'non-private' }))).toThrow(infinite);
    expect(() => gdpCost(plan(gaussian(1e-160)))).toThrow(infinite);
    expect(() => gdpCost(plan(gaussian(0)))).toThrow(/noiseMultiplier/);
  });
});

describe('zcdpCost', () => {
  it('knows each kind with a proven rho', () => {
    expectUp(zcdpCost(plan(gaussian(2))), 1 / 8);
    expectUp(
      zcdpCost(plan({ kind: 'discrete-gaussian', sigma: 3, l2Sensitivity: 2, dimension: 9 })),
      4 / 18,
    );
    expectUp(zcdpCost(plan(repeated(10, { kind: 'zcdp', rho: 0.25 }))), 2.5);
    expectUp(zcdpCost(plan(laplace(10))), 0.005);
    expectUp(zcdpCost(plan({ kind: 'exponential', epsilon: 0.2 })), 0.005);
    expectUp(
      zcdpCost(plan({ kind: 'discrete-laplace', parameter: 0.1, sensitivity: 2 })),
      0.02000000000000001,
    );
    expectUp(
      zcdpCost(plan({ kind: 'randomized-response', probability: 0.5, categories: 4 })),
      Math.log(5) ** 2 / 2,
    );
    expect(zcdpCost(plan({ kind: 'randomized-response', probability: 1, categories: 4 }))).toBe(0);
  });

  it('refuses what has none', () => {
    const refused: readonly DpEvent[] = [
      { kind: 'skellam', mu: 100, l1Sensitivity: 1, l2Sensitivity: 1 },
      poisson(0.5, gaussian(1)),
    ];
    for (const event of refused) {
      expect(() => zcdpCost(plan(event))).toThrow(
        expect.objectContaining({ code: 'dp/unsupported-event' }),
      );
    }
  });
});
