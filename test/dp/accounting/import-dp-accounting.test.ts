import { describe, expect, it } from 'vitest';
import { importDpAccounting } from '../../../src/dp/accounting/import-dp-accounting.ts';
import { composed, gaussian, laplace, plan, poisson, repeated } from './plans.ts';

const TERMS = { unit: 'user', relation: 'add-or-remove-one-user' } as const;

describe('importDpAccounting', () => {
  it('reads what Python prints', () => {
    const text =
      'SelfComposedDpEvent(event=PoissonSampledDpEvent(sampling_probability=0.01, ' +
      'event=GaussianDpEvent(noise_multiplier=1.0)), count=1_000)';
    expect(importDpAccounting(text, TERMS)).toEqual(
      plan(repeated(1000, poisson(0.01, gaussian(1)))),
    );
  });

  it('reads lists, tuples, modules, exponents, and passes over what costs nothing', () => {
    const text = `dp_event.ComposedDpEvent(events=[
      NoOpDpEvent(), LaplaceDpEvent(noise_multiplier=1e1),
      ComposedDpEvent(events=(ZCDpEvent(rho=0.5, xi=0), ExponentialMechanismDpEvent(epsilon=.1),)),
      RandomizedResponseDpEvent(noise_parameter=0.5, num_buckets=4),
      NonPrivateDpEvent(),
    ])`;
    expect(importDpAccounting(text, TERMS)).toEqual(
      plan(
        composed(
          laplace(10),
          composed({ kind: 'zcdp', rho: 0.5 }, { kind: 'exponential', epsilon: 0.1 }),
          { kind: 'randomized-response', probability: 0.5, categories: 4 },
          { kind: 'non-private' },
        ),
      ),
    );
  });

  it('reads named tuples by the class they name', () => {
    const text =
      "_GaussianDpEventNamedTupleWrapper(module_name='dp_accounting.dp_event', " +
      "class_name='GaussianDpEvent', noise_multiplier=2.0)";
    expect(importDpAccounting(text, TERMS)).toEqual(plan(gaussian(2)));
  });

  it('halves multipliers where a record is replaced, since theirs are per norm of one record', () => {
    const text =
      'SampledWithoutReplacementDpEvent(source_dataset_size=1000, sample_size=10, ' +
      'event=GaussianDpEvent(noise_multiplier=2.0))';
    expect(importDpAccounting(text, { ...TERMS, relation: 'replace-one-user' })).toEqual(
      plan(
        { kind: 'fixed-size-sampled', sampleSize: 10, populationSize: 1000, event: gaussian(1) },
        'replace-one-user',
      ),
    );
  });

  it('takes no noise for no protection', () => {
    expect(importDpAccounting('GaussianDpEvent(noise_multiplier=0.0)', TERMS).event).toEqual({
      kind: 'non-private',
    });
  });

  it.each([
    ['MixtureOfGaussiansDpEvent(standard_deviation=1)', 'dp/unsupported-event', 'event'],
    [
      'SelfComposedDpEvent(event=UnsupportedDpEvent(), count=2)',
      'dp/unsupported-event',
      'event.event',
    ],
    ['ComposedDpEvent(events=[TreeDpEvent()])', 'dp/unsupported-event', 'event.events[0]'],
    ['ZCDpEvent(rho=1, xi=0.1)', 'dp/unsupported-event', 'event.xi'],
    ['toString(a=1)', 'dp/unsupported-event', 'event'],
    ['constructor()', 'dp/unsupported-event', 'event'],
    ['GaussianDpEvent()', 'dp/invalid-parameter', 'event.noise_multiplier'],
    ["GaussianDpEvent(noise_multiplier='1')", 'dp/invalid-parameter', 'event.noise_multiplier'],
    ['GaussianDpEvent(noise_multiplier=-1.0)', 'dp/invalid-parameter', 'event.noiseMultiplier'],
    ['GaussianDpEvent(noise_multiplier=nan)', 'dp/invalid-parameter', 'event.noiseMultiplier'],
    ['ComposedDpEvent(events=[NoOpDpEvent()])', 'dp/invalid-parameter', 'event.events'],
    ['NoOpDpEvent()', 'dp/unsupported-event', 'event'],
    ['GaussianDpEvent(noise_multiplier=1.0', 'dp/invalid-parameter', 'event'],
    ['GaussianDpEvent(noise_multiplier=1.0) + 1', 'dp/invalid-parameter', 'event'],
    ['GaussianDpEvent(1.0)', 'dp/invalid-parameter', 'event'],
    ['__import__("os").system("true")', 'dp/invalid-parameter', 'event'],
    ['', 'dp/invalid-parameter', 'event'],
    ['3', 'dp/invalid-parameter', 'event'],
    [`${'['.repeat(1000)}`, 'dp/invalid-parameter', 'event'],
  ])('refuses %s', (text, code, path) => {
    expect(() => importDpAccounting(text, TERMS)).toThrow(
      expect.objectContaining({ code, details: expect.objectContaining({ path }) }),
    );
  });
});
