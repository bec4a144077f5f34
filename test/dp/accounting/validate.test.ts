import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../../src/core/errors.ts';
import { leavesOf, mergedLeaves } from '../../../src/dp/accounting/leaves.ts';
import { validateEvent, validatePlan } from '../../../src/dp/accounting/validate.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import { composed, gaussian, laplace, plan, poisson, repeated } from './plans.ts';

const inPlan = (event: unknown): unknown => ({
  unit: 'user',
  relation: 'add-or-remove-one-user',
  event,
});

function refusal(value: unknown): readonly [code: string, path: unknown] {
  try {
    validatePlan(value);
  } catch (error) {
    if (error instanceof VelaturaError) return [error.code, error.details['path']];
    throw error;
  }
  throw new Error('was not refused');
}

/** One well-formed event of every kind. */
const EVENTS: readonly DpEvent[] = [
  gaussian(1),
  laplace(0.5),
  { kind: 'discrete-gaussian', sigma: 2, l2Sensitivity: 1, dimension: 3 },
  { kind: 'discrete-laplace', parameter: 0.3, sensitivity: 2 },
  { kind: 'skellam', mu: 100, l1Sensitivity: 2, l2Sensitivity: 1 },
  { kind: 'exponential', epsilon: 0.1 },
  { kind: 'randomized-response', probability: 1, categories: 2 },
  { kind: 'zcdp', rho: 0.5 },
  poisson(1, gaussian(1)),
  { kind: 'fixed-size-sampled', sampleSize: 3, populationSize: 3, event: gaussian(1) },
  repeated(3, gaussian(1)),
  composed(gaussian(1), laplace(2)),
  {
    kind: 'correlated-gaussian',
    noiseMultiplier: 1,
    participations: 1,
    minSeparation: 1,
    strategy: { kind: 'banded-toeplitz', coefficients: [1, -0.5] },
  },
  { kind: 'non-private' },
];

describe('validatePlan', () => {
  it('returns well-formed plans of every kind as they are', () => {
    for (const event of EVENTS) {
      const whole = plan(event);
      expect(validatePlan(whole)).toBe(whole);
      expect(validatePlan(JSON.parse(JSON.stringify(whole)))).toEqual(whole);
    }
  });

  it.each([
    [null, 'dp/invalid-parameter', 'plan'],
    [[], 'dp/invalid-parameter', 'plan'],
    [{ relation: 'add-or-remove-one-user', event: gaussian(1) }, 'dp/invalid-parameter', 'unit'],
    [{ ...plan(gaussian(1)), unit: 'household' }, 'dp/unsupported-event', 'unit'],
    [{ ...plan(gaussian(1)), relation: 'swap' }, 'dp/unsupported-event', 'relation'],
    [inPlan(undefined), 'dp/invalid-parameter', 'event'],
    [inPlan('gaussian'), 'dp/invalid-parameter', 'event'],
    [inPlan({}), 'dp/invalid-parameter', 'event.kind'],
    [inPlan({ kind: 'telepathy' }), 'dp/unsupported-event', 'event.kind'],
    [inPlan({ kind: 'toString' }), 'dp/unsupported-event', 'event.kind'],
    [
      inPlan({ kind: 'gaussian', noiseMultiplier: 1, extra: 0 }),
      'dp/invalid-parameter',
      'event.extra',
    ],
    [inPlan({ kind: 'repeated', count: 2 }), 'dp/invalid-parameter', 'event.event'],
    [inPlan(composed()), 'dp/invalid-parameter', 'event.events'],
    [inPlan({ kind: 'composed', events: {} }), 'dp/invalid-parameter', 'event.events'],
  ])('refuses %j', (value, code, path) => {
    expect(refusal(value)).toEqual([code, path]);
  });

  it('refuses every number out of range, with the path to it', () => {
    const bad = [
      0,
      -1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** -1060,
      '1',
      null,
      undefined,
      true,
    ];
    for (const event of EVENTS) {
      for (const [name, value] of Object.entries(event)) {
        if (typeof value !== 'number' || name === 'dimension') continue;
        for (const wrong of bad) {
          const broken = composed(gaussian(1), { ...event, [name]: wrong } as DpEvent);
          expect(refusal(inPlan(broken)), `${event.kind}.${name} = ${String(wrong)}`).toEqual([
            'dp/invalid-parameter',
            `event.events[1].${name}`,
          ]);
        }
      }
    }
  });

  it('refuses rates above 1, fractions of counts and samples larger than their population', () => {
    expect(refusal(inPlan(poisson(1 + Number.EPSILON, gaussian(1))))[1]).toBe('event.samplingRate');
    expect(refusal(inPlan(repeated(2.5, gaussian(1))))[1]).toBe('event.count');
    expect(refusal(inPlan(repeated(2 ** 53, gaussian(1))))[1]).toBe('event.count');
    const event = {
      kind: 'fixed-size-sampled',
      sampleSize: 4,
      populationSize: 3,
      event: gaussian(1),
    };
    expect(refusal(inPlan(event))[1]).toBe('event.sampleSize');
    const rr = { kind: 'randomized-response', probability: 0.5, categories: 1 };
    expect(refusal(inPlan(rr))[1]).toBe('event.categories');
    const vector = { kind: 'discrete-gaussian', sigma: 1, l2Sensitivity: 1, dimension: 0 };
    expect(refusal(inPlan(vector))[1]).toBe('event.dimension');
  });

  it('checks correlation strategies', () => {
    const correlated = (strategy: unknown): unknown =>
      inPlan({
        kind: 'correlated-gaussian',
        noiseMultiplier: 1,
        participations: 1,
        minSeparation: 1,
        strategy,
      });
    expect(refusal(correlated(undefined))[1]).toBe('event.strategy');
    expect(refusal(correlated({ kind: 'tree' }))).toEqual([
      'dp/unsupported-event',
      'event.strategy.kind',
    ]);
    const bad = (coefficients: unknown): unknown =>
      refusal(correlated({ kind: 'banded-toeplitz', coefficients }))[1];
    expect(bad([])).toBe('event.strategy.coefficients');
    expect(bad([1, Number.NaN])).toBe('event.strategy.coefficients[1]');
    expect(bad([0, 1])).toBe('event.strategy.coefficients[0]');
  });

  it('refuses trees deep enough to overflow a stack', () => {
    let event: DpEvent = gaussian(1);
    for (let i = 0; i < 200; i++) event = repeated(1, event);
    expect(refusal(inPlan(event))[0]).toBe('dp/invalid-parameter');
  });

  it('names the event when asked for one alone', () => {
    expect(() => validateEvent({ kind: 'gaussian', noiseMultiplier: 0 }, 'noise')).toThrow(
      /^noise\.noiseMultiplier/,
    );
  });
});

describe('leavesOf', () => {
  it('multiplies out repetition and keeps the path', () => {
    expect(leavesOf(repeated(3, composed(gaussian(1), repeated(2, laplace(2)))))).toEqual([
      { event: gaussian(1), count: 3, path: 'event.event.events[0]' },
      { event: laplace(2), count: 6, path: 'event.event.events[1].event' },
    ]);
  });

  it('refuses more repetitions than an exact integer holds', () => {
    const many = repeated(2 ** 30, repeated(2 ** 30, gaussian(1)));
    expect(() => leavesOf(many)).toThrow(/repetitions/);
  });

  it('sees through sampling of everybody, and joins samples of samples', () => {
    expect(leavesOf(poisson(1, gaussian(2)))[0]?.event).toEqual(gaussian(2));
    const [leaf] = leavesOf(poisson(0.5, poisson(0.25, gaussian(2))));
    expect(leaf?.event).toMatchObject({ kind: 'poisson-sampled', event: gaussian(2) });
    expect(leaf?.event).toHaveProperty('samplingRate', expect.closeTo(0.125, 15));
  });

  it('joins Gaussians on one sample into one of their joint multiplier, rounded to more loss', () => {
    const [leaf] = leavesOf(poisson(0.1, composed(gaussian(3), repeated(2, gaussian(4)))));
    const exact = 1 / Math.sqrt(1 / 9 + 2 / 16);
    expect(leaf?.event).toHaveProperty(
      'event.noiseMultiplier',
      expect.toSatisfy((joint: number) => joint <= exact && joint > exact * (1 - 1e-14)),
    );
  });

  it('leaves other mixtures on one sample alone', () => {
    const inner = composed(gaussian(3), laplace(4));
    expect(leavesOf(poisson(0.1, inner))[0]?.event).toEqual(poisson(0.1, inner));
  });

  it('merges equal mechanisms whatever the order of their fields', () => {
    const turned = { samplingRate: 0.1, event: gaussian(1), kind: 'poisson-sampled' } as const;
    const merged = mergedLeaves(leavesOf(composed(turned, poisson(0.1, gaussian(1)), gaussian(2))));
    expect(merged.map(({ count }) => count).sort()).toEqual([1, 2]);
  });
});
