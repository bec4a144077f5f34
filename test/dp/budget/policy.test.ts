import { describe, expect, it } from 'vitest';
import { durationMilliseconds } from '../../../src/dp/budget/duration.ts';
import { explainPolicy } from '../../../src/dp/budget/explain-policy.ts';
import {
  type BudgetPolicy,
  currencyNameOf,
  scenePolicyOf,
  validatePolicy,
} from '../../../src/dp/budget/policy.ts';

const POLICY = {
  version: 1,
  currency: 'auto',
  delta: 1e-6,
  user: { epsilon: 3 },
  scenes: {
    default: { perUser: { epsilon: 1 } },
    live: {
      perUser: { epsilon: 1.5 },
      worstCase: { epsilon: 2 },
      maxReleases: 30,
      minAggregationInterval: 'PT1H',
    },
  },
  reservationLease: 'PT10M',
} as const satisfies BudgetPolicy;
const EPOCH = { kind: 'calendar', length: 'P1M', timeField: 'time' } as const;
const RUN = {
  kind: 'repeated',
  count: 10,
  event: {
    kind: 'poisson-sampled',
    samplingRate: 0.01,
    event: { kind: 'gaussian', noiseMultiplier: 1 },
  },
} as const;

describe('validatePolicy', () => {
  it('hands a good policy back as it was', () => {
    expect(validatePolicy(structuredClone(POLICY))).toEqual(POLICY);
  });

  it.each<readonly [string, unknown]>([
    ['', null],
    ['', 'policy'],
    ['version', { ...POLICY, version: 2 }],
    ['currency', { ...POLICY, currency: 'gold' }],
    ['delta', { ...POLICY, delta: 0 }],
    ['delta', { ...POLICY, delta: 1 }],
    ['delta', { ...POLICY, delta: Number.NaN }],
    ['delta', { ...POLICY, delta: 5e-324 }],
    ['additiveDelta', { ...POLICY, additiveDelta: 1e-6 }],
    ['additiveDelta', { ...POLICY, additiveDelta: -1e-9 }],
    ['user', { ...POLICY, user: undefined }],
    ['user.epsilon', { ...POLICY, user: { epsilon: -1 } }],
    ['user.epsilon', { ...POLICY, user: { epsilon: Number.POSITIVE_INFINITY } }],
    ['user.epsilon', { ...POLICY, user: { epsilon: '3' } }],
    ['user.epsilon', { ...POLICY, user: { epsilon: -0 } }],
    ['user.limit', { ...POLICY, user: { epsilon: 3, limit: 4 } }],
    ['scenes', { ...POLICY, scenes: {} }],
    ['scenes.live.maxReleases', { ...POLICY, scenes: { live: { maxReleases: 1.5 } } }],
    ['scenes.live.maxReleases', { ...POLICY, scenes: { live: { maxReleases: -1 } } }],
    [
      'scenes.live.perUser.epsilon',
      { ...POLICY, scenes: { live: { perUser: { epsilon: null } } } },
    ],
    ['scenes.live.typo', { ...POLICY, scenes: { live: { typo: 1 } } }],
    [
      'scenes.live.minAggregationInterval',
      { ...POLICY, scenes: { live: { minAggregationInterval: 'P1M' } } },
    ],
    ['scenes.__proto__', { ...POLICY, scenes: JSON.parse('{"__proto__": {}}') }],
    ['scenes.constructor', { ...POLICY, scenes: { constructor: {} } }],
    ['reservationLease', { ...POLICY, reservationLease: 'PT0S' }],
    ['reservationLease', { ...POLICY, reservationLease: '10 minutes' }],
    ['models.m.epsilon', { ...POLICY, models: { m: { epsilon: -1 } } }],
    ['models.', { ...POLICY, models: { '': { epsilon: 1 } } }],
    ['models.\ud800', { ...POLICY, models: { '\ud800': { epsilon: 1 } } }],
    ['models.prototype', { ...POLICY, models: { prototype: { epsilon: 1 } } }],
    ['groups.minors.user', { ...POLICY, groups: { minors: { epsilon: 0 } } }],
    ['groups.', { ...POLICY, groups: { '': { user: { epsilon: 1 } } } }],
    ['groups.__proto__', { ...POLICY, groups: JSON.parse('{"__proto__": {}}') }],
    ['epoch.kind', { ...POLICY, epoch: { ...EPOCH, kind: 'rolling' } }],
    ['epoch.length', { ...POLICY, epoch: { ...EPOCH, length: 'P2M' } }],
    ['epoch.length', { ...POLICY, epoch: { ...EPOCH, length: 'P7D' } }],
    ['epoch.timeField', { ...POLICY, epoch: { ...EPOCH, timeField: '' } }],
    ['epoch.zone', { ...POLICY, epoch: { ...EPOCH, zone: 'CET' } }],
    ['plannedRun', { ...POLICY, currency: 'rdp' }],
    ['plannedRun', { ...POLICY, currency: 'gdp', plannedRun: RUN }],
    ['plannedRun', { ...POLICY, currency: 'zcdp', plannedRun: RUN }],
    ['plannedRun', { ...POLICY, plannedRun: null }],
    ['plannedRun.kind', { ...POLICY, plannedRun: { kind: 'magic' } }],
    [
      'plannedRun.event.event.noiseMultiplier',
      { ...POLICY, plannedRun: { ...RUN, event: { ...RUN.event, event: { kind: 'gaussian' } } } },
    ],
    ['extra', { ...POLICY, extra: true }],
  ])('names what is wrong: %s', (path, policy) => {
    expect(() => validatePolicy(policy)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-policy', details: { path } }),
    );
  });

  it('lists the epochs there are', () => {
    const policy = { ...POLICY, epoch: { ...EPOCH, length: 'P2M' } };
    expect(() => validatePolicy(policy)).toThrow(/P1D, P1W, P1M, P3M, P1Y/);
  });

  it.each(['P1D', 'P1W', 'P1M', 'P3M', 'P1Y'] as const)('accepts epochs of %s', (length) => {
    const policy = { ...POLICY, epoch: { ...EPOCH, length } };
    expect(validatePolicy(policy)).toEqual(policy);
  });

  it('accepts models, groups and a planned run, and keeps a copy of the run', () => {
    const policy = {
      ...POLICY,
      currency: 'rdp',
      models: { tags: { epsilon: 2 } },
      groups: { minors: { user: { epsilon: 0 } } },
      plannedRun: { kind: 'gaussian', noiseMultiplier: 3 },
    };
    const checked = validatePolicy(policy);
    expect(checked).toEqual(policy);
    policy.plannedRun.noiseMultiplier = 1e-3;
    expect(checked.plannedRun).toEqual({ kind: 'gaussian', noiseMultiplier: 3 });
  });
});

describe('currencyNameOf', () => {
  it('is GDP by itself, and RDP where a run is planned', () => {
    expect(currencyNameOf(POLICY)).toBe('gdp');
    expect(currencyNameOf({ ...POLICY, plannedRun: RUN })).toBe('rdp');
    expect(currencyNameOf({ ...POLICY, currency: 'zcdp' })).toBe('zcdp');
  });
});

describe('scenePolicyOf', () => {
  it('falls back to the default, where there is one', () => {
    expect(scenePolicyOf(POLICY, 'live')).toBe(POLICY.scenes.live);
    expect(scenePolicyOf(POLICY, 'toString')).toBe(POLICY.scenes.default);
    const { live } = POLICY.scenes;
    expect(scenePolicyOf({ ...POLICY, scenes: { live } }, 'toString')).toBeUndefined();
  });
});

describe('explainPolicy', () => {
  it('states the guarantee first, and each quota', () => {
    const lines = explainPolicy({ ...POLICY, additiveDelta: 1e-7 }).split('\n');
    expect(lines[0]).toMatch(/^Guarantee: .*epsilon 3 at delta 0.000001/);
    expect(lines).toContain(
      'Scene "live": at most epsilon 1.5 a user; at most epsilon 2 for someone present in every release; at most 30 releases; at least PT1H between two releases.',
    );
    expect(lines).toContain('Every other scene: at most epsilon 1 a user.');
    expect(lines.join('\n')).toContain('1e-7 is set aside');
    expect(lines.at(-1)).toContain('PT10M');
  });

  it('says when no other scene is known, and when a quota never binds', () => {
    const text = explainPolicy({ ...POLICY, scenes: { a: { perUser: { epsilon: 9 } }, b: {} } });
    expect(text).toContain('No other scene is known');
    expect(text).toContain('never binds');
    expect(text).toContain('Scene "b": no quota of its own.');
  });

  it('calls a quota binding that is under the total of some group', () => {
    const text = explainPolicy({
      ...POLICY,
      scenes: { a: { perUser: { epsilon: 9 } } },
      groups: { staff: { user: { epsilon: 20 } } },
    });
    expect(text).not.toContain('never binds');
  });

  it('explains epochs, groups, models and the pinned curve', () => {
    const lines = explainPolicy({
      ...POLICY,
      epoch: { ...EPOCH, length: 'P3M' },
      models: { tags: { epsilon: 2 } },
      groups: { minors: { user: { epsilon: 0 } }, staff: { user: { epsilon: 5 } } },
      plannedRun: RUN,
    }).split('\n');
    const text = lines.join('\n');
    expect(lines[0]).toMatch(/^Guarantee: .* for each quarter of a year of their data\.$/);
    expect(text).not.toContain('for life');
    expect(lines).toContain('Accounts in the group "minors": nothing may be released about them.');
    expect(lines).toContain('Accounts in the group "staff": epsilon 5 in place of 3.');
    expect(lines).toContain(
      'Model "tags": at most epsilon 2 a user, over all scenes that feed it.',
    );
    expect(text).toContain('at most 30 releases for each quarter of a year of data');
    expect(text).toContain('its field "time" names');
    expect(text).toContain('10 times a Poisson sample at rate 0.01 of Gaussian noise');
  });
});

describe('durationMilliseconds', () => {
  it.each([
    ['PT1S', 1000],
    ['PT0.5S', 500],
    ['PT10M', 600_000],
    ['PT1H', 3_600_000],
    ['P1D', 86_400_000],
    ['P2W', 1_209_600_000],
    ['P1DT2H3M4.005S', 93_784_005],
    ['PT0S', 0],
    ['PT36H', 129_600_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(durationMilliseconds(text)).toBe(milliseconds);
  });

  it.each([
    '',
    'P',
    'PT',
    'P1DT',
    'P1M',
    'P1Y',
    'P1W1D',
    'PT1',
    '-PT1H',
    'PT-1H',
    'PT1.5H',
    'pt1h',
    'PT1H ',
    'P9999999999D',
  ])('%j is none', (text) => {
    expect(durationMilliseconds(text)).toBeNull();
  });
});
