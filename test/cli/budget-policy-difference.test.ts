import { describe, expect, it } from 'vitest';
import { policyChanges } from '../../src/cli/budget/policy-difference.ts';
import type { BudgetPolicy } from '../../src/dp/budget/policy.ts';

const policy: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  user: { epsilon: 3 },
  scenes: {
    default: { perUser: { epsilon: 1 } },
    live: { perUser: { epsilon: 2 }, maxReleases: 30, minAggregationInterval: 'PT1H' },
  },
  models: { tags: { epsilon: 2 } },
  reservationLease: 'PT10M',
};

const texts = (to: BudgetPolicy, from: BudgetPolicy = policy): readonly string[] =>
  policyChanges(from, to).map(({ text }) => text);

describe('the difference of two policies in words', () => {
  it('is nothing for the same policy, written in another order', () => {
    const { scenes, ...rest } = structuredClone(policy);
    const { live = {}, default: others = {} } = scenes;
    expect(texts({ scenes: { live, default: others }, ...rest })).toEqual([]);
  });

  it('names what is lowered and what is raised', () => {
    const changes = policyChanges(policy, {
      ...policy,
      user: { epsilon: 2.5 },
      delta: 1e-5,
      reservationLease: 'PT5M',
    });
    expect(changes).toEqual([
      {
        path: 'user.epsilon',
        from: 3,
        to: 2.5,
        direction: 'stricter',
        text: 'epsilon a user over all scenes: 3 → 2.5 (stricter)',
      },
      {
        path: 'delta',
        from: 1e-6,
        to: 1e-5,
        direction: 'looser',
        text: 'delta a user: 0.000001 → 0.00001 (looser)',
      },
      {
        path: 'reservationLease',
        from: 'PT10M',
        to: 'PT5M',
        direction: 'other',
        text: 'the lease of a reservation: PT10M → PT5M',
      },
    ]);
  });

  it('compares limits that come and go, and durations by their length', () => {
    const live = { worstCase: { epsilon: 4 }, maxReleases: 10, minAggregationInterval: 'PT90M' };
    expect(texts({ ...policy, scenes: { ...policy.scenes, live } })).toEqual([
      'scene "live": epsilon a user: 2 → no limit (looser)',
      'scene "live": epsilon of somebody in every release: no limit → 4 (stricter)',
      'scene "live": releases: 30 → 10 (stricter)',
      'scene "live": time between releases: PT1H → PT90M (stricter)',
    ]);
    const { models: _, ...without } = policy;
    expect(texts(without)).toEqual(['model "tags": epsilon a user: 2 → no limit (looser)']);
  });

  it('compares a scene that is named no longer with the default that holds then', () => {
    const { default: others = {} } = policy.scenes;
    expect(texts({ ...policy, scenes: { default: others } })).toEqual([
      'scene "live": epsilon a user: 2 → 1 (stricter)',
      'scene "live": releases: 30 → no limit (looser)',
      'scene "live": time between releases: PT1H → none (looser)',
    ]);
  });

  it('says when a scene is known no longer, or known at last', () => {
    const { live = {} } = policy.scenes;
    const closed = { ...policy, scenes: { live } };
    expect(texts(closed)).toEqual([
      'scenes not named: no longer known, every request is refused (stricter)',
    ]);
    expect(texts({ ...closed, scenes: { live, shop: {} } }, closed)).toEqual([
      'scene "shop": known from now on (looser)',
    ]);
  });

  it("measures a group by everyone's total where it has none of its own", () => {
    const minors = { ...policy, groups: { minors: { user: { epsilon: 0 } } } };
    expect(texts(minors)).toEqual([
      'group "minors": epsilon a user over all scenes: as everyone → 0 (stricter)',
    ]);
    expect(texts(policy, minors)).toEqual([
      'group "minors": epsilon a user over all scenes: 0 → as everyone (looser)',
    ]);
    const vip = { ...policy, groups: { vip: { user: { epsilon: 5 } } } };
    expect(texts(vip)[0]).toContain('(looser)');
  });

  it('tells what cannot change too', () => {
    const epoch = { kind: 'calendar', length: 'P1M', timeField: 'time' } as const;
    expect(texts({ ...policy, currency: 'zcdp', epoch })).toEqual([
      'the currency: gdp → zcdp',
      'the epochs: none → {"kind":"calendar","length":"P1M","timeField":"time"}',
    ]);
  });
});
