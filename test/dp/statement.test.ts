import { describe, expect, it } from 'vitest';
import {
  checkDelta,
  describeStatement,
  EVENT_KINDS,
  isInsecure,
  type Plan,
  type PrivacyStatement,
  UNCOVERED_SIDE_CHANNELS,
} from '../../src/dp/index.ts';
import { PlainSum } from '../../src/federated/index.ts';
import { SecureRandom } from '../../src/index.ts';
import { planConformance, SeededRandom, statementConformance } from '../../src/testing/index.ts';

const statement: PrivacyStatement = {
  unit: 'user',
  relation: 'zero-out-one-user',
  epsilon: { lower: 0.99, upper: 1 },
  delta: 1e-6,
  accountant: 'pld',
  trustModel: new PlainSum().trust,
  sybilAssumption: 'one person, one account',
  bounds: ['norm at most 1'],
  sideChannelsNotCovered: UNCOVERED_SIDE_CHANNELS,
  insecure: false,
  simulation: null,
  warnings: [],
};

describe.each<[string, PrivacyStatement]>([
  ['private', statement],
  ['exact', { ...statement, epsilon: { lower: 1, upper: 1 } }],
  ['upper bound only', { ...statement, epsilon: { lower: null, upper: 1 } }],
  ['not private', { ...statement, epsilon: null, accountant: 'none' }],
  ['insecure', { ...statement, insecure: true }],
  ['simulated', { ...statement, simulation: 'Simulation on public data' }],
])('a statement, %s', (_, subject) => {
  for (const { name, run } of statementConformance(subject)) it(name, run);
});

describe('statementConformance', () => {
  it.each<[string, PrivacyStatement]>([
    ['an empty interval', { ...statement, epsilon: { lower: 2, upper: 1 } }],
    ['an adversary without a line', { ...statement, sybilAssumption: '' }],
    ['no side channel', { ...statement, sideChannelsNotCovered: [] }],
    ['no epsilon but an accountant', { ...statement, epsilon: null }],
  ])('catches %s', (_, subject) => {
    const failures = statementConformance(subject).filter(({ run }) => {
      try {
        run();
        return false;
      } catch {
        return true;
      }
    });
    expect(failures.length).toBeGreaterThan(0);
  });
});

describe('describeStatement', () => {
  it('says the interval, the unit and the relation', () => {
    const prose = describeStatement(statement);
    expect(prose).toContain('0.9900 to 1.000');
    expect(prose).toContain('zero-out-one-user');
    expect(prose).toContain('delta 0.000001');
  });
});

describe('a plan', () => {
  const plan: Plan = {
    unit: 'user',
    relation: 'add-or-remove-one-user',
    event: {
      kind: 'composed',
      events: [
        { kind: 'repeated', count: 3, event: { kind: 'gaussian', noiseMultiplier: 2 } },
        { kind: 'laplace', noiseMultiplier: 8 },
      ],
    },
  };
  for (const { name, run } of planConformance(plan)) it(name, run);

  it('names each kind of event once', () => {
    expect(new Set(EVENT_KINDS).size).toBe(EVENT_KINDS.length);
  });
});

describe('isInsecure', () => {
  it('trusts nothing but the platform’s generator', () => {
    expect(isInsecure(new SecureRandom())).toBe(false);
    expect(isInsecure(new SeededRandom(1))).toBe(true);
    expect(isInsecure({ uint32: () => 4, fillUint32: () => {} })).toBe(true);
  });
});

describe('checkDelta', () => {
  it('is content far below 1/n, warns from 1/n on, refuses from 1/√n on unless told by name', () => {
    expect(checkDelta(1e-6, 1000)).toBe(null);
    expect(checkDelta(1e-3, 1000)).toContain('1/1000');
    expect(() => checkDelta(0.04, 1000)).toThrow(
      expect.objectContaining({ code: 'dp/delta-too-large' }),
    );
    expect(checkDelta(0.04, 1000, { allowLargeDelta: true })).toContain('1/1000');
  });

  it.each([0, 1, Number.NaN, -1e-6])('refuses the delta %d', (delta) => {
    expect(() => checkDelta(delta, 1000)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });
});
