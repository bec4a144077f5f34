import { describe, expect, it } from 'vitest';
import {
  createAccountant,
  type DpEvent,
  describeEvent,
  epsilonOfPlan,
  type Plan,
  type SelectionRuns,
  validateEvent,
} from '../../../src/dp/index.ts';
import { planConformance } from '../../../src/testing/index.ts';

const TERMS = { unit: 'user', relation: 'add-or-remove-one-user' } as const;
const RUNS: SelectionRuns = { kind: 'truncated-negative-binomial', shape: 0, stop: 0.01 };
const ONE: DpEvent = {
  kind: 'composed',
  events: [
    { kind: 'repeated', count: 20, event: { kind: 'gaussian', noiseMultiplier: 20 } },
    { kind: 'gaussian', noiseMultiplier: 10 },
  ],
};
const search = (event: DpEvent, runs: SelectionRuns = RUNS): DpEvent => ({
  kind: 'repeat-and-select',
  runs,
  event,
});
const planOf = (event: DpEvent): Plan => ({
  unit: 'user',
  relation: 'add-or-remove-one-user',
  event,
});

describe('repeat-and-select', () => {
  for (const { name, run } of planConformance(planOf(search(ONE)))) it(name, run);

  it('costs more than one run and far less than as many as are expected', () => {
    const epsilon = (event: DpEvent): number => epsilonOfPlan(planOf(event), 1e-6, 'rdp').upper;
    const [one, chosen] = [epsilon(ONE), epsilon(search(ONE))];
    // 21.5 runs are expected.
    const all = epsilon({ kind: 'repeated', count: 21, event: ONE });
    expect(chosen).toBeGreaterThan(one);
    expect(chosen).toBeLessThan(3 * one);
    expect(chosen).toBeLessThan(all / 2);
    expect(epsilon(search(ONE, { kind: 'poisson', mean: 21 }))).toBeLessThan(0.75 * all);
  });

  it('adds up with other events, and may be searched in again', () => {
    const accountant = createAccountant('rdp', TERMS);
    accountant.compose(planOf(search(ONE)));
    const alone = accountant.epsilon(1e-6).upper;
    accountant.compose(planOf(search(search(ONE), { kind: 'poisson', mean: 3 })));
    expect(accountant.epsilon(1e-6).upper).toBeGreaterThan(alone);
  });

  it('costs a loss distribution as much as its Rényi curve', () => {
    const rdp = epsilonOfPlan(planOf(search(ONE)), 1e-6, 'rdp');
    expect(epsilonOfPlan(planOf(search(ONE)), 1e-6, 'pld')).toEqual({ ...rdp, lower: null });
  });

  it('is refused by name wherever nothing is proven', () => {
    for (const name of ['gdp', 'zcdp'] as const) {
      const accountant = createAccountant(name, TERMS);
      expect(accountant.supports(planOf(search(ONE))).supported).toBe(false);
      expect(() => accountant.compose(planOf(search(ONE)))).toThrow(
        expect.objectContaining({ code: 'dp/unsupported-event' }),
      );
    }
    const unsupported: readonly [DpEvent, string][] = [
      [search({ kind: 'non-private' }), 'event.event'],
      [{ kind: 'poisson-sampled', samplingRate: 0.1, event: search(ONE) }, 'event.event'],
    ];
    const accountant = createAccountant('rdp', TERMS);
    for (const [event, path] of unsupported) {
      expect(() => accountant.compose(planOf(event))).toThrow(
        expect.objectContaining({
          code: 'dp/unsupported-event',
          details: expect.objectContaining({ path }),
        }),
      );
    }
    const replace = createAccountant('rdp', { ...TERMS, relation: 'replace-one-user' });
    const sampled = search({ kind: 'gaussian', noiseMultiplier: 1 });
    expect(() =>
      replace.compose({
        ...planOf({
          kind: 'fixed-size-sampled',
          sampleSize: 1,
          populationSize: 10,
          event: sampled,
        }),
        relation: 'replace-one-user',
      }),
    ).toThrow(expect.objectContaining({ code: 'dp/unsupported-event' }));
  });

  it('refuses laws that are none', () => {
    const laws: readonly [unknown, string][] = [
      [{ kind: 'truncated-negative-binomial', shape: -1, stop: 0.1 }, 'dp/invalid-parameter'],
      [{ kind: 'truncated-negative-binomial', shape: 1.5, stop: 0.1 }, 'dp/invalid-parameter'],
      [{ kind: 'truncated-negative-binomial', shape: 0, stop: 1 }, 'dp/invalid-parameter'],
      [{ kind: 'truncated-negative-binomial', shape: 0, stop: 0 }, 'dp/invalid-parameter'],
      [{ kind: 'truncated-negative-binomial', shape: 0 }, 'dp/invalid-parameter'],
      [{ kind: 'poisson', mean: 0.5 }, 'dp/invalid-parameter'],
      [{ kind: 'poisson', mean: Number.NaN }, 'dp/invalid-parameter'],
      [{ kind: 'poisson', mean: 2, least: 1 }, 'dp/invalid-parameter'],
      [{ kind: 'fixed', count: 3 }, 'dp/unsupported-event'],
      [{ kind: 'toString' }, 'dp/unsupported-event'],
      [7, 'dp/invalid-parameter'],
    ];
    for (const [runs, code] of laws) {
      expect(() => validateEvent(search(ONE, runs as SelectionRuns))).toThrow(
        expect.objectContaining({ code }),
      );
    }
  });

  it('is told in words', () => {
    expect(describeEvent(search({ kind: 'gaussian', noiseMultiplier: 2 }))).toBe(
      'the best of a hidden number of runs, negative binomial of shape 0 and stop 0.01, of Gaussian noise, multiplier 2',
    );
  });
});
