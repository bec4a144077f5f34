import { describe, expect, it } from 'vitest';
import { calibrateGaussian } from '../../../src/dp/accounting/gdp.ts';
import { GdpAccountant } from '../../../src/dp/accounting/gdp-accountant.ts';
import { PldAccountant } from '../../../src/dp/accounting/pld/accountant.ts';
import { planTraining } from '../../../src/dp/planning/plan-training.ts';
import type { TrainingRequest } from '../../../src/dp/planning/training-request.ts';

const SHOP: TrainingRequest = {
  population: 1952,
  dimension: 240,
  epsilon: 1,
  delta: 1e-5,
  relation: 'add-or-remove-one-user',
};

describe('planTraining', () => {
  it('prices everybody in every round by exact GDP', () => {
    const { plan, choice, alternatives, statement, noiseStddev } = planTraining({
      ...SHOP,
      participation: ['full'],
    });
    for (const { rounds, noiseMultiplier, epsilon, participations } of alternatives) {
      // Balle and Wang (2018): 3.730631635 for one release at (1, 1e-5); variances add up.
      expect(noiseMultiplier / (3.730631635 * Math.sqrt(rounds))).toBeCloseTo(1, 7);
      const exact = calibrateGaussian({ epsilon: 1, delta: 1e-5, count: rounds });
      expect(noiseMultiplier / exact).toBeCloseTo(1, 7);
      expect(epsilon).toBeLessThanOrEqual(1);
      expect(participations).toBe(rounds);
    }
    expect(plan.event).toEqual({
      kind: 'repeated',
      count: choice.rounds,
      event: { kind: 'gaussian', noiseMultiplier: choice.noiseMultiplier },
    });
    expect(statement.accountant).toBe('gdp');
    expect(statement.epsilon?.lower).toBe(statement.epsilon?.upper);
    expect(noiseStddev).toBe(choice.noiseMultiplier);
    const accountant = new GdpAccountant(plan);
    accountant.compose(plan);
    expect(accountant.epsilon(1e-5)).toEqual(statement.epsilon);
  });

  it('has the same signal over the whole run for any number of rounds of everybody', () => {
    const { alternatives } = planTraining({ ...SHOP, participation: ['full'] });
    for (const { signalToNoise } of alternatives) {
      expect(signalToNoise / alternatives[0]!.signalToNoise).toBeCloseTo(1, 7);
    }
  });

  it('charges a user of a group for the rounds of the group only', () => {
    const { alternatives } = planTraining({ ...SHOP, participation: ['rotating'] });
    for (const { rounds, samplingRate, participations, noiseMultiplier } of alternatives) {
      expect(participations).toBe(Math.ceil(rounds * samplingRate - 1e-9));
      const exact = calibrateGaussian({ epsilon: 1, delta: 1e-5, count: participations });
      expect(noiseMultiplier / exact).toBeCloseTo(1, 7);
    }
  });

  it('prices samples by PLD, with less noise than all users would need', () => {
    const { plan, statement, choice, alternatives, notes } = planTraining({
      ...SHOP,
      population: 60_000,
      epsilon: 2,
      maximumRounds: 200,
      maximumCohort: 6000,
      participation: ['poisson'],
    });
    expect(statement.accountant).toBe('pld');
    const accountant = new PldAccountant(plan);
    accountant.compose(plan);
    expect(accountant.epsilon(1e-5).upper).toBeLessThanOrEqual(2);
    expect(accountant.epsilon(1e-5).upper).toBeGreaterThan(2 * (1 - 1e-6));
    for (const { epsilon, noiseMultiplier, participations } of alternatives) {
      expect(epsilon).toBeLessThanOrEqual(2);
      expect(noiseMultiplier).toBeLessThan(
        calibrateGaussian({ epsilon: 2, delta: 1e-5, count: participations }),
      );
    }
    expect(choice.cohort).toBeLessThanOrEqual(6000);
    expect(notes.join()).toContain('the aggregator included');
    expect(statement.trustModel.server).toContain('must not learn who is in a sample');
  });

  it('puts the choice first and the rest by predicted error', () => {
    const { choice, alternatives } = planTraining(SHOP);
    const [first, ...rest] = alternatives;
    expect(first).toEqual(choice);
    expect(choice.chosen).toBe(true);
    const errors = rest.map(({ predictedError }) => predictedError);
    expect(errors).toEqual([...errors].sort((a, b) => a - b));
    expect(rest.some(({ chosen }) => chosen)).toBe(false);
    // As good as the best, and no other so good asks less of people.
    const least = Math.min(...alternatives.map(({ predictedError }) => predictedError));
    expect(choice.predictedError).toBeLessThanOrEqual(1.05 * least);
    for (const { predictedError, uploads } of rest) {
      if (predictedError <= 1.05 * least) expect(uploads).toBeGreaterThanOrEqual(choice.uploads);
    }
  });

  it('shows what one upload of moments would do', () => {
    const { alternatives, choice } = planTraining({
      ...SHOP,
      linear: { features: 16, labels: 15 },
    });
    const oneShot = alternatives.find(({ method }) => method === 'one-shot');
    expect(oneShot).toMatchObject({ dimension: 376, rounds: 1, uploads: 1, cohort: 1952 });
    expect(oneShot!.noiseMultiplier).toBeCloseTo(3.730631635, 6);
    expect(choice.method).toBe('rounds');
  });

  it('scales the noise with the clip and the relation', () => {
    const full = { ...SHOP, participation: ['full' as const], clippingNorm: 0.5 };
    const { noiseStddev, choice } = planTraining(full);
    expect(noiseStddev).toBeCloseTo(0.5 * choice.noiseMultiplier, 10);
    const replaced = planTraining({ ...full, relation: 'replace-one-user' });
    expect(replaced.noiseStddev).toBeCloseTo(replaced.choice.noiseMultiplier, 10);
    expect(replaced.statement.relation).toBe('replace-one-user');
  });

  it('says when there are too few people to learn from', () => {
    const { notes } = planTraining({ ...SHOP, population: 300 });
    expect(notes[0]).toContain('worse than popularity');
    expect(planTraining({ ...SHOP, population: 20_000 }).notes).toEqual([]);
    const few = planTraining({ ...SHOP, population: 40 });
    expect(few.notes.join()).toContain('louder than the signal');
    expect(few.choice.cohort).toBe(40);
  });

  it('carries the statement of a plan', () => {
    const trustModel = { server: 'a', otherClients: 'b', modelReaders: 'c' };
    const { statement } = planTraining({ ...SHOP, delta: 6e-4, trustModel });
    expect(statement).toMatchObject({ unit: 'user', delta: 6e-4, trustModel, insecure: false });
    expect(statement.warnings).toHaveLength(1);
    expect(statement.bounds).toContain('updates clipped to norm 1');
  });

  it.each<[string, Partial<TrainingRequest>, string]>([
    ['no users', { population: 0 }, 'dp/invalid-parameter'],
    ['half a number', { dimension: 1.5 }, 'dp/invalid-parameter'],
    ['an infinite population', { population: Infinity }, 'dp/invalid-parameter'],
    ['epsilon 0', { epsilon: 0 }, 'dp/invalid-parameter'],
    ['epsilon NaN', { epsilon: Number.NaN }, 'dp/invalid-parameter'],
    ['delta 0', { delta: 0 }, 'dp/invalid-parameter'],
    ['a delta of 1/√n', { delta: 0.03 }, 'dp/delta-too-large'],
    ['no rounds', { maximumRounds: 0 }, 'dp/invalid-parameter'],
    ['a clip of 0', { clippingNorm: 0 }, 'dp/invalid-parameter'],
    ['an alignment above 1', { alignment: 1.1 }, 'dp/invalid-parameter'],
    ['no labels', { linear: { features: 3, labels: 0 } }, 'dp/invalid-parameter'],
    ['an unknown way', { participation: ['shuffled' as never] }, 'dp/invalid-parameter'],
    ['no way at all', { participation: [] }, 'dp/no-solution'],
    ['cohorts that cannot be', { minimumCohort: 2000 }, 'dp/no-solution'],
    [
      'everybody, but not all at once',
      { maximumCohort: 100, participation: ['full'] },
      'dp/no-solution',
    ],
    ['less epsilon than any noise gives', { epsilon: 1e-12, delta: 1e-15 }, 'dp/no-solution'],
    ['an unknown relation', { relation: 'friends' as never }, 'dp/unsupported-event'],
  ])('refuses %s', (_, change, code) => {
    expect(() => planTraining({ ...SHOP, ...change })).toThrowError(
      expect.objectContaining({ code }),
    );
  });
});
