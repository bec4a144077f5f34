import { describe, expect, it } from 'vitest';
import { compareAccountants } from '../../../src/dp/accounting/compare.ts';
import { epsilonOfPlan } from '../../../src/dp/accounting/create.ts';
import { describeEvent } from '../../../src/dp/accounting/describe-event.ts';
import { explainEpsilon } from '../../../src/dp/accounting/explain.ts';
import { type DpEvent, EVENT_KINDS } from '../../../src/dp/event.ts';
import { composed, gaussian, laplace, plan, poisson, repeated, sampledGaussian } from './plans.ts';

const mixed = plan(composed(sampledGaussian(0.01, 1.1, 200), laplace(8), laplace(8)));

describe('compareAccountants', () => {
  it('puts the tightest first and those that refuse last, with the reason', () => {
    const rows = compareAccountants(mixed, 1e-6);
    expect(rows.map(({ accountant }) => accountant)).toEqual(['pld', 'rdp', 'zcdp', 'gdp']);
    for (const row of rows.slice(0, 2)) {
      expect(row.epsilon).toEqual(epsilonOfPlan(mixed, 1e-6, row.accountant));
    }
    expect(rows[2]).toMatchObject({ epsilon: null, path: 'event.events[0].event' });
    expect(rows[3]).toMatchObject({ epsilon: null, reason: expect.stringContaining('Gaussian') });
  });

  it('finds all of them equal to the point for Gaussians', () => {
    const rows = compareAccountants(plan(repeated(10, gaussian(4))), 1e-6);
    expect(rows.every(({ epsilon }) => epsilon !== null)).toBe(true);
    expect(new Set(rows.slice(0, 2).map(({ accountant }) => accountant))).toEqual(
      new Set(['pld', 'gdp']),
    );
    expect(rows[0]?.epsilon?.upper).toBe(rows[1]?.epsilon?.upper);
  });

  it('refuses plans that are not well formed', () => {
    expect(() => compareAccountants(plan(gaussian(0)), 1e-6)).toThrow(/noiseMultiplier/);
    expect(() => compareAccountants(mixed, 0)).toThrow(/delta/);
  });
});

describe('explainEpsilon', () => {
  const explained = explainEpsilon(mixed, 1e-6);

  it('merges what is alike and adds up to the whole', () => {
    expect(explained.parts.map(({ count }) => count)).toEqual([200, 2]);
    expect(explained.parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(explained.epsilon).toEqual(epsilonOfPlan(mixed, 1e-6));
  });

  it('tells what each part costs alone, and the plan without it', () => {
    const [sampled, noise] = explained.parts;
    expect(sampled?.alone).toBe(epsilonOfPlan(plan(sampledGaussian(0.01, 1.1, 200)), 1e-6).upper);
    expect(sampled?.without).toBe(noise?.alone);
    expect(noise?.without).toBe(sampled?.alone);
    for (const part of explained.parts) {
      expect(part.alone).toBeLessThan(explained.epsilon.upper);
      expect(part.without).toBeLessThan(explained.epsilon.upper);
    }
  });

  it('tells what sampling saves', () => {
    const [sampled, noise] = explained.parts;
    expect(noise?.unsampled).toBeNull();
    expect(sampled?.unsampled).toBeGreaterThan(100);
  });

  it('says it in words', () => {
    expect(explained.text).toContain('Epsilon is at most');
    expect(explained.text).toContain('200 × a Poisson sample at rate 0.01 of Gaussian noise');
    expect(explained.text).toContain('event.events[1]');
    expect(explained.text).toContain('certified to six digits');
  });

  it('explains a plan without protection too', () => {
    const open = explainEpsilon(plan(composed(gaussian(1), { kind: 'non-private' })), 1e-6);
    expect(open.epsilon.upper).toBe(Number.POSITIVE_INFINITY);
    expect(open.parts[0]).toMatchObject({ share: 1, event: { kind: 'non-private' } });
    expect(open.text).toContain('without protection');
  });
});

describe('describeEvent', () => {
  const examples: readonly DpEvent[] = [
    gaussian(1),
    laplace(2),
    { kind: 'discrete-gaussian', sigma: 3, l2Sensitivity: 1, dimension: 4 },
    { kind: 'discrete-laplace', parameter: 0.5, sensitivity: 2 },
    { kind: 'skellam', mu: 100, l1Sensitivity: 2, l2Sensitivity: 1 },
    { kind: 'exponential', epsilon: 0.1 },
    { kind: 'randomized-response', probability: 0.5, categories: 4 },
    { kind: 'zcdp', rho: 0.5 },
    poisson(0.01, gaussian(1.1)),
    { kind: 'fixed-size-sampled', sampleSize: 10, populationSize: 100, event: gaussian(1) },
    repeated(3, laplace(2)),
    composed(gaussian(1), laplace(2)),
    {
      kind: 'correlated-gaussian',
      noiseMultiplier: 2,
      participations: 3,
      minSeparation: 4,
      strategy: { kind: 'banded-toeplitz', coefficients: [1] },
    },
    {
      kind: 'repeat-and-select',
      runs: { kind: 'poisson', mean: 10 },
      event: gaussian(1),
    },
    { kind: 'non-private' },
  ];

  it('has different words for every kind', () => {
    expect(examples.map(({ kind }) => kind)).toEqual(EVENT_KINDS);
    expect(new Set(examples.map(describeEvent)).size).toBe(EVENT_KINDS.length);
    expect(describeEvent(examples[2] as DpEvent)).toContain('in 4 dimensions');
    expect(describeEvent(examples[8] as DpEvent)).toBe(
      'a Poisson sample at rate 0.01 of Gaussian noise, multiplier 1.1',
    );
  });
});
