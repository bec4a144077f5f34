import { describe, expect, it } from 'vitest';
import {
  CONFORMANCE_SCHEMA,
  conformanceStatement,
} from '../../../src/dp/budget/conformance-statement.ts';
import { type BudgetPolicy, validatePolicy } from '../../../src/dp/budget/policy.ts';

const TERMS = { unit: 'user', relation: 'zero-out-one-user', currency: 'gdp' } as const;
const POLICY: BudgetPolicy = {
  version: 1,
  currency: 'auto',
  delta: 1e-6,
  additiveDelta: 2.5e-7,
  user: { epsilon: 3 },
  scenes: {
    default: { perUser: { epsilon: 1 } },
    live: {
      perUser: { epsilon: 1.5 },
      worstCase: { epsilon: 2 },
      maxReleases: 30,
      minAggregationInterval: 'PT1H',
    },
    plain: {},
  },
  models: { tags: { epsilon: 2 } },
  epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' },
  groups: { minors: { user: { epsilon: 0 } } },
  reservationLease: 'PT10M',
};
const MONTH = { length: 'P1M', calendar: 'UTC', timeField: 'time' } as const;

describe('conformanceStatement', () => {
  it('promises epsilon and delta a user, over all scenes', () => {
    const { schema, guarantee, enforcement } = conformanceStatement(POLICY, TERMS);
    expect(schema).toBe(CONFORMANCE_SCHEMA);
    expect(guarantee).toEqual({
      unit: 'user',
      relation: 'zero-out-one-user',
      epsilon: 3,
      delta: 1e-6,
      period: MONTH,
      scope: 'all scenes',
      name: null,
      accounts: 'ungrouped',
      group: null,
    });
    expect(enforcement).toMatchObject({
      currency: 'gdp',
      conversionDelta: 7.5e-7,
      additiveDelta: 2.5e-7,
      plannedRun: null,
      reservationLease: 'PT10M',
    });
  });

  it('has every limit of the policy once, under the same keys as the guarantee', () => {
    const { guarantee, groups, quotas, pace } = conformanceStatement(POLICY, TERMS);
    for (const promise of [...groups, ...quotas]) {
      expect(Object.keys(promise).sort()).toEqual(Object.keys(guarantee).sort());
    }
    expect(groups.map(({ group, epsilon, accounts }) => [group, epsilon, accounts])).toEqual([
      ['minors', 0, 'group'],
    ]);
    expect(
      quotas.map(({ scope, name, accounts, epsilon }) => [scope, name, accounts, epsilon]),
    ).toEqual([
      ['every scene not named', null, 'each', 1],
      ['scene', 'live', 'each', 1.5],
      ['scene', 'live', 'worst case', 2],
      ['model', 'tags', 'each', 2],
    ]);
    expect(pace).toEqual([
      {
        scope: 'scene',
        name: 'live',
        maxReleases: 30,
        period: MONTH,
        minAggregationInterval: 'PT1H',
      },
    ]);
  });

  it('says that losses of several epochs are not bounded, and only then', () => {
    const { epoch: _, ...forLife } = POLICY;
    const renewing = conformanceStatement(POLICY, TERMS);
    const lifelong = conformanceStatement(forLife, TERMS);
    expect(lifelong.guarantee.period).toBe('lifetime');
    expect(renewing.notCovered.join()).toContain('epochs');
    expect(lifelong.notCovered.join()).not.toContain('epochs');
    expect(renewing.assumptions.join()).toContain('one user and one epoch');
    expect(lifelong.assumptions.join()).not.toContain('epoch');
    expect(lifelong.notCovered).toContain('the time a sampler takes');
  });

  it.each(['gdp', 'zcdp', 'rdp'] as const)('names a source for %s, and its planned run', (name) => {
    const policy = validatePolicy({
      ...POLICY,
      currency: name,
      ...(name === 'rdp' ? { plannedRun: { kind: 'gaussian', noiseMultiplier: 2 } } : {}),
    });
    const { enforcement } = conformanceStatement(policy, { ...TERMS, currency: name });
    expect(enforcement.source).toMatch(/20\d\d.*arXiv/);
    expect(enforcement.plannedRun).toEqual(policy.plannedRun ?? null);
  });

  it('is plain JSON', () => {
    const statement = conformanceStatement(POLICY, TERMS);
    expect(JSON.parse(JSON.stringify(statement))).toEqual(statement);
  });
});
