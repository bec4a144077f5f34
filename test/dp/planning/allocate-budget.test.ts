import { describe, expect, it } from 'vitest';
import { calibrateGaussian } from '../../../src/dp/accounting/gdp.ts';
import { GdpAccountant } from '../../../src/dp/accounting/gdp-accountant.ts';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import type { BudgetPolicy } from '../../../src/dp/budget/policy.ts';
import {
  type AllocationRequest,
  allocateBudget,
} from '../../../src/dp/planning/allocate-budget.ts';

const CURVES = {
  food: [
    { epsilon: 0.25, value: 0.52 },
    { epsilon: 1, value: 0.58 },
    { epsilon: 4, value: 0.6 },
  ],
  beauty: [
    { epsilon: 0.25, value: 0.5 },
    { epsilon: 1, value: 0.57 },
    { epsilon: 4, value: 0.61 },
  ],
};

function epsilons(allocation: ReturnType<typeof allocateBudget>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(allocation.scenes).map(([name, { epsilon }]) => [name, epsilon]),
  );
}

describe('allocateBudget', () => {
  it('gives each scene its cap where the total is not scarce, and says what binds', () => {
    const allocation = allocateBudget({
      total: { epsilon: 3, delta: 1e-6 },
      scenes: {
        default: { perUser: { epsilon: 1 } },
        beauty: { perUser: { epsilon: 1.5 }, worstCase: { epsilon: 2 } },
      },
      utilityCurves: CURVES,
    });
    expect(epsilons(allocation)).toEqual({ beauty: 1.5, food: 1 });
    expect(allocation.scenes['beauty']).toMatchObject({ cap: 1.5, limitedBy: 'policy' });
    expect(allocation.scenes['food']?.value).toBe(0.58);
    expect(allocation.scenes['food']?.marginalUtility).toBeCloseTo(0.02 / 3, 12);
    expect(allocation.marginalUtility).toBe(0);
    const uncapped = allocation.whatIf.find(({ kind }) => kind === 'uncapped');
    expect(uncapped?.utility).toBeGreaterThan(allocation.utility);
  });

  it('takes the worst case as a cap, and no release at all as 0', () => {
    const allocation = allocateBudget({
      total: { epsilon: 3, delta: 1e-6 },
      scenes: {
        food: { perUser: { epsilon: 2 }, worstCase: { epsilon: 0.5 } },
        beauty: { maxReleases: 0 },
      },
      utilityCurves: CURVES,
    });
    expect(epsilons(allocation)).toEqual({ beauty: 0, food: 0.5 });
    expect(allocation.scenes['beauty']).toMatchObject({ value: 0, cap: 0, limitedBy: 'policy' });
  });

  it('spends nothing where a curve stays flat', () => {
    const allocation = allocateBudget({
      total: { epsilon: 20, delta: 1e-6 },
      utilityCurves: CURVES,
    });
    expect(epsilons(allocation)).toEqual({ beauty: 4, food: 4 });
    expect(allocation.scenes['food']).toMatchObject({ marginalUtility: 0, limitedBy: 'curve' });
  });

  it('splits evenly between scenes that are worth the same', () => {
    const { food } = CURVES;
    const allocation = allocateBudget({
      total: { epsilon: 1, delta: 1e-6 },
      utilityCurves: { a: food, b: food, c: food },
    });
    const { a, b, c } = epsilons(allocation);
    expect(a).toBe(b);
    expect(b).toBe(c);
    expect(allocation.whatIf[1]).toMatchObject({ kind: 'even', epsilons: { a, b, c } });
    expect(allocation.scenes['a']?.limitedBy).toBe('total');
  });

  it.each(['gdp', 'zcdp'] as const)('is certified under the total in %s', (currency) => {
    for (const epsilon of [0.2, 1, 2.5]) {
      const total = { epsilon, delta: 1e-6 };
      const allocation = allocateBudget({ total, currency, utilityCurves: CURVES });
      expect(allocation.composedEpsilon).toBeLessThanOrEqual(epsilon);
      // Nothing is left lying about either.
      expect(allocation.composedEpsilon).toBeGreaterThan(epsilon * (1 - 2e-5));
    }
  });

  it('a budget with these quotas admits every scene in full', async () => {
    const total = { epsilon: 1, delta: 1e-6 };
    const { scenes } = allocateBudget({ total, utilityCurves: CURVES });
    const policy: BudgetPolicy = {
      version: 1,
      currency: 'gdp',
      delta: total.delta,
      user: { epsilon: total.epsilon },
      scenes: Object.fromEntries(
        Object.entries(scenes).map(([name, { epsilon }]) => [name, { perUser: { epsilon } }]),
      ),
      reservationLease: 'PT10M',
    };
    const terms = { unit: 'user', relation: 'zero-out-one-user' } as const;
    const budget = await openBudget({
      store: new MemoryBudgetStore(),
      policy,
      secrets: [new Uint8Array(32).fill(7)],
      ...terms,
    });
    const accountant = new GdpAccountant(terms);
    for (const [scene, { epsilon }] of Object.entries(scenes)) {
      // A budget rounds costs to units of 2^-32.
      const noiseMultiplier = calibrateGaussian({ epsilon, delta: total.delta }) * (1 + 1e-6);
      const plan = { ...terms, event: { kind: 'gaussian', noiseMultiplier } } as const;
      const decision = await budget.reserve({
        scene,
        accounts: ['ada'],
        plan,
        idempotencyKey: scene,
      });
      expect(decision.kind).toBe('admitted');
      accountant.compose(plan);
    }
    expect(accountant.epsilon(total.delta).upper).toBeLessThanOrEqual(total.epsilon);
    await budget.close();
  });

  it('lists what else could be done, the best split first', () => {
    const total = { epsilon: 1, delta: 1e-6 };
    const { whatIf, utility, marginalUtility } = allocateBudget({ total, utilityCurves: CURVES });
    expect(whatIf.map(({ kind, scene }) => [kind, scene])).toEqual([
      ['best', null],
      ['even', null],
      ['favour', 'beauty'],
      ['favour', 'food'],
      ['total', null],
      ['total', null],
    ]);
    const [best, even, beauty, food, less, more] = whatIf;
    expect(best?.utility).toBe(utility);
    for (const other of [even, beauty, food, less]) {
      expect(other?.utility).toBeLessThan(utility);
    }
    expect(beauty?.epsilons['food']).toBe(0);
    expect(less?.totalEpsilon).toBe(0.75);
    // The price of the total lies between what a quarter less and a quarter more make of it.
    expect(marginalUtility).toBeLessThan((utility - less!.utility) / 0.25);
    expect(marginalUtility).toBeGreaterThan((more!.utility - utility) / 0.25);
  });

  it('weighs scenes', () => {
    const request = { total: { epsilon: 0.5, delta: 1e-6 }, utilityCurves: CURVES };
    const plain = epsilons(allocateBudget(request));
    const weighed = epsilons(allocateBudget({ ...request, weights: { food: 3 } }));
    expect(weighed['food']).toBeGreaterThan(plain['food']!);
    expect(weighed['beauty']).toBeLessThan(plain['beauty']!);
  });

  it('reports lifted points and scenes that nothing was set aside for', () => {
    const { lifted, withoutCurve } = allocateBudget({
      total: { epsilon: 1, delta: 1e-6 },
      scenes: { default: {}, sport: {}, food: {} },
      utilityCurves: { food: [...CURVES.food, { epsilon: 8, value: 0.59 }] },
    });
    expect(lifted).toEqual({ food: [{ epsilon: 8, measured: 0.59, taken: 0.6 }] });
    expect(withoutCurve).toEqual(['sport']);
  });

  it('gives nothing of a total of 0', () => {
    const allocation = allocateBudget({
      total: { epsilon: 0, delta: 1e-6 },
      utilityCurves: CURVES,
    });
    expect(epsilons(allocation)).toEqual({ beauty: 0, food: 0 });
    expect(allocation.composedEpsilon).toBe(0);
  });

  it.each<[string, Partial<AllocationRequest>, string, object]>([
    [
      'a curve of an unknown scene',
      { scenes: { beauty: {} } },
      'data/unknown-scene',
      { scene: 'food' },
    ],
    [
      'a curve of the default',
      { utilityCurves: { default: CURVES.food } },
      'data/unknown-scene',
      { scene: 'default' },
    ],
    [
      'a weight without a curve',
      { weights: { sport: 2 } },
      'data/unknown-scene',
      { scene: 'sport' },
    ],
    ['a weight of 0', { weights: { food: 0 } }, 'data/invalid-value', { scene: 'food' }],
    [
      'a weight that is no number',
      { weights: { food: Number.NaN } },
      'data/invalid-value',
      { scene: 'food' },
    ],
    ['no curves', { utilityCurves: {} }, 'data/empty', {}],
    [
      'a bad point',
      { utilityCurves: { food: [{ epsilon: 1, value: Infinity }] } },
      'data/invalid-value',
      { scene: 'food', point: 0 },
    ],
    [
      'a negative total',
      { total: { epsilon: -1, delta: 1e-6 } },
      'dp/invalid-policy',
      { path: 'user.epsilon' },
    ],
    ['a delta of 1', { total: { epsilon: 1, delta: 1 } }, 'dp/invalid-policy', { path: 'delta' }],
    [
      'a negative cap',
      { scenes: { default: { perUser: { epsilon: -1 } } } },
      'dp/invalid-policy',
      { path: 'scenes.default.perUser.epsilon' },
    ],
  ])('refuses %s', (_, change, code, details) => {
    const request = { total: { epsilon: 1, delta: 1e-6 }, utilityCurves: CURVES, ...change };
    expect(() => allocateBudget(request)).toThrowError(expect.objectContaining({ code, details }));
  });
});
