import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calibrateGaussian,
  type DpEvent,
  epsilonOfGdp,
  gdpCost,
  MemoryBudgetStore,
  muOfEpsilon,
  openBudget,
  type Plan,
  zcdpCost,
} from '../../../src/dp/index.ts';
import { SecureRandom } from '../../../src/index.ts';

const plan = (event: DpEvent): Plan => ({
  unit: 'user',
  relation: 'zero-out-one-user',
  event,
});
const gaussian = (noiseMultiplier: number): DpEvent => ({ kind: 'gaussian', noiseMultiplier });

/** What a release costs; refusing it is the highest price. */
function price(cost: (plan: Plan) => number, event: DpEvent): number {
  try {
    return cost(plan(event));
  } catch (error) {
    expect(error).toMatchObject({ code: 'dp/infinite-cost' });
    return Number.POSITIVE_INFINITY;
  }
}

describe('almost no noise', () => {
  it('never costs less than more noise, over all normal doubles', () => {
    const exponent = fc.double({ min: -1021, max: 1020, noNaN: true });
    fc.assert(
      fc.property(exponent, exponent, (a, b) => {
        const [less, more] = [2 ** Math.min(a, b), 2 ** Math.max(a, b)];
        for (const cost of [gdpCost, zcdpCost]) {
          expect(price(cost, gaussian(less))).toBeGreaterThanOrEqual(price(cost, gaussian(more)));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, 'gdp' | 'zcdp', DpEvent]>([
    ['a Gaussian', 'gdp', gaussian(1e-170)],
    ['a Gaussian', 'zcdp', gaussian(1e-170)],
    ['hidden in a sum', 'gdp', { kind: 'composed', events: [gaussian(1e-170), gaussian(1e4)] }],
    ['repeated', 'gdp', { kind: 'repeated', count: 3, event: gaussian(1e-200) }],
    [
      'sampled at rate 1',
      'gdp',
      { kind: 'poisson-sampled', samplingRate: 1, event: gaussian(1e-170) },
    ],
    [
      'correlated',
      'gdp',
      {
        kind: 'correlated-gaussian',
        noiseMultiplier: 1e-170,
        participations: 1,
        minSeparation: 1,
        strategy: { kind: 'banded-toeplitz', coefficients: [1] },
      },
    ],
    ['a huge sensitivity', 'zcdp', { kind: 'discrete-gaussian', sigma: 1, l2Sensitivity: 1e200 }],
    [
      'an underflowing quotient',
      'zcdp',
      { kind: 'discrete-gaussian', sigma: 1e-160, l2Sensitivity: 1e160 },
    ],
  ])('%s (%s) is refused by a budget', async (_, currency, event) => {
    const budget = await openBudget({
      policy: {
        version: 1,
        currency,
        delta: 1e-6,
        user: { epsilon: 100 },
        scenes: { shop: {} },
        reservationLease: 'PT1M',
      },
      unit: 'user',
      relation: 'zero-out-one-user',
      store: new MemoryBudgetStore(),
      secrets: [new SecureRandom().bytes(32)],
    });
    await expect(
      budget.reserve({ scene: 'shop', accounts: ['ada'], plan: plan(event), idempotencyKey: 'k' }),
    ).rejects.toMatchObject({ code: 'dp/infinite-cost' });
  });
});

describe('muOfEpsilon at the ends', () => {
  it.each([1e3, 1e16, 1e100, 1e300])('ends for epsilon %d, and stays within it', (epsilon) => {
    const mu = muOfEpsilon(epsilon, 1e-5);
    expect(mu).toBeGreaterThan(0.5 * Math.sqrt(2 * epsilon));
    expect(epsilonOfGdp(mu / 2, 1e-5)).toBeLessThanOrEqual(epsilon);
  });

  it('is 0, and calibration has no solution, where nothing reaches', () => {
    expect(muOfEpsilon(0, Number.MIN_VALUE)).toBe(0);
    expect(() => calibrateGaussian({ epsilon: 0, delta: Number.MIN_VALUE })).toThrow(
      expect.objectContaining({ code: 'dp/no-solution' }),
    );
  });
});
