import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import {
  type FairnessLimit,
  judgeFairness,
  requireFair,
} from '../../../src/profile/fairness/fairness-policy.ts';
import { pairedTest, pairedTestOnPeople } from '../../../src/profile/fairness/paired-test.ts';
import { auditPrices, type PricedPerson } from '../../../src/profile/fairness/price-audit.ts';
import { auditProxies } from '../../../src/profile/fairness/proxy-audit.ts';
import { newBudget, publicTerms } from './fixtures.ts';

interface Shopper {
  readonly history: number;
  readonly returning: boolean;
}

const shoppers: readonly Shopper[] = Array.from({ length: 40 }, (_, i) => ({
  history: i,
  returning: false,
}));
const asReturning = (profile: Shopper): Shopper => ({ ...profile, returning: true });
const fairPrice = ({ history }: Shopper): number => 100 - history / 10;
const greedyPrice = (profile: Shopper): number =>
  fairPrice(profile) * (profile.returning && profile.history >= 10 ? 1.05 : 1);

describe('pairedTest', () => {
  it('finds nothing where the attribute is not read', () => {
    const found = pairedTest(shoppers, { change: asReturning, decide: fairPrice, tolerance: 0 });
    expect(found).toMatchObject({ pairs: 40, more: 0, less: 0, largestDifference: 0, pValue: 1 });
  });

  it('finds a price that is higher for those who come back', () => {
    const found = pairedTest(shoppers, { change: asReturning, decide: greedyPrice, tolerance: 1 });
    expect(found).toMatchObject({ more: 30, less: 0 });
    expect(found.largestDifference).toBeCloseTo(0.05 * 99);
    expect(found.pValue).toBeCloseTo(2 ** -29, 12);
  });

  it('knows the sign test of a mixed result', () => {
    const found = pairedTest([-1, -1, 1, 1, 1, 1, 1, 1], {
      change: (x) => 2 * x,
      decide: (x) => x,
      tolerance: 0.5,
    });
    // 2 · (1 + 8 + 28) / 256
    expect(found).toMatchObject({ more: 6, less: 2, meanDifference: 0.5 });
    expect(found.pValue).toBeCloseTo(74 / 256, 12);
  });

  it('refuses no profiles, a negative tolerance and what is no number', () => {
    const question = { change: asReturning, decide: fairPrice, tolerance: 0 };
    expect(() => pairedTest([], question)).toThrow(RangeError);
    expect(() => pairedTest(shoppers, { ...question, tolerance: -1 })).toThrow(RangeError);
    expect(() => pairedTest(shoppers, { ...question, decide: () => Number.NaN })).toThrow(
      RangeError,
    );
  });
});

describe('pairedTestOnPeople', () => {
  const question = { change: asReturning, decide: greedyPrice, tolerance: 1 };
  const people = Array.from({ length: 2000 }, (_, i) => ({
    account: `u${i}`,
    profile: shoppers[i % 40] as Shopper,
  }));

  it('gives noisy shares', async () => {
    const outcome = await pairedTestOnPeople(people, question, publicTerms('pairs'));
    if (outcome.kind === 'refused') throw new Error('nobody refuses');
    expect(outcome.audit.more.value).toBeCloseTo(0.75, 1);
    expect(outcome.audit.more.interval.low).toBeLessThanOrEqual(0.75);
    expect(outcome.audit.more.interval.high).toBeGreaterThanOrEqual(0.75);
    expect(outcome.audit.less.interval.low).toBe(0);
  });

  it('is refused by a budget that is used up', async () => {
    const budget = await newBudget(0.1);
    const terms = publicTerms('pairs', { budget, random: new SecureRandom(), noiseMultiplier: 1 });
    expect((await pairedTestOnPeople(people.slice(0, 10), question, terms)).kind).toBe('refused');
  });

  it('does not tell by an error that somebody’s decision is no number', async () => {
    const decide = ({ history }: Shopper): number => (history === 3 ? Number.NaN : 1);
    const outcome = await pairedTestOnPeople(people, { ...question, decide }, publicTerms('nan'));
    expect(outcome.kind).toBe('released');
  });
});

describe('auditPrices', () => {
  const shop = (returning: boolean, price: number, count: number): PricedPerson[] =>
    Array.from({ length: count }, (_, i) => ({
      account: `${returning} ${i}`,
      returning,
      price,
      listPrice: 100,
    }));
  const run = async (people: readonly PricedPerson[], seed: string) => {
    const outcome = await auditPrices(people, { ...publicTerms(seed), bound: 0.2 });
    if (outcome.kind === 'refused') throw new Error('nobody refuses');
    return outcome.audit;
  };

  it('finds that returning people pay more', async () => {
    const { difference, returning } = await run(
      [...shop(true, 108, 3000), ...shop(false, 100, 3000)],
      'a',
    );
    expect(returning.value).toBeCloseTo(1.08, 2);
    expect(difference.value).toBeCloseTo(0.08, 2);
    expect(difference.interval?.low).toBeGreaterThan(0.07);
  });

  it('clips what is far from the list and leaves out what is no price', async () => {
    const odd = shop(true, Number.NaN, 500).concat(shop(true, 1e9, 3000));
    const { returning } = await run([...odd, ...shop(false, 100, 3000)], 'b');
    expect(returning.value).toBeCloseTo(1.2, 2);
  });

  it('says nothing of a group that the noise drowns', async () => {
    const { difference } = await run([...shop(true, 108, 3), ...shop(false, 100, 3000)], 'c');
    expect(difference).toEqual({ value: null, interval: null });
  });

  it('refuses a bound out of range', async () => {
    await expect(auditPrices([], { ...publicTerms('d'), bound: 0 })).rejects.toThrow(RangeError);
  });
});

describe('auditProxies', () => {
  const people = Array.from({ length: 4000 }, (_, i) => ({
    account: `u${i}`,
    attribute: ['x', 'y', 'z', 'unlisted'][i % 4] as string,
    tags: {
      // Gives x away; the other tag is independent of it.
      telling: i % 4 === 0 ? 'high' : 'low',
      silent: i % 8 < 4 ? 'on' : 'off',
    },
  }));
  const terms = {
    ...publicTerms('proxies'),
    attributes: ['x', 'y', 'z'],
    tags: { silent: ['on', 'off'], telling: ['low', 'middle', 'high'] },
  };

  it('puts the tag that gives most away first', async () => {
    const outcome = await auditProxies(people, terms);
    if (outcome.kind === 'refused') throw new Error('nobody refuses');
    const [first, second] = outcome.audit.tags;
    expect(first?.tag).toBe('telling');
    expect(first?.advantage.interval.low).toBeGreaterThan(0.9);
    expect(second?.advantage.interval.low).toBe(0);
    expect(second?.advantage.value).toBeLessThan(0.1);
    expect(outcome.audit.statement.bounds[0]).toContain('2 tables');
  });

  it.each([{ attributes: ['x'] }, { tags: {} }, { tags: { silent: ['on'] } }])(
    'refuses %j',
    async (changes) => {
      await expect(auditProxies(people, { ...terms, ...changes })).rejects.toThrow(RangeError);
    },
  );
});

describe('a fairness policy', () => {
  const limit = (changes: Partial<FairnessLimit> = {}): FairnessLimit => ({
    measure: 'parity',
    atMost: 0.1,
    whenBeyond: 'refuse',
    whenUnclear: 'warn',
    ...changes,
  });
  const judge = (low: number, high: number, changes: Partial<FairnessLimit> = {}) =>
    judgeFairness({ parity: { value: 0.1, interval: { low, high } } }, [limit(changes)]);

  it('tells within, beyond and unclear apart', () => {
    expect(judge(0, 0.1)[0]).toMatchObject({ verdict: 'within', action: null });
    expect(judge(0.11, 0.2)[0]).toMatchObject({ verdict: 'beyond', action: 'refuse' });
    expect(judge(0.05, 0.2)[0]).toMatchObject({ verdict: 'unclear', action: 'warn' });
    const ratio = {
      measure: 'parity',
      atLeast: 0.8,
      whenBeyond: 'warn',
      whenUnclear: 'refuse',
    } as const;
    const found = judgeFairness({ parity: { value: 0.7, interval: { low: 0.6, high: 0.79 } } }, [
      ratio,
    ]);
    expect(found[0]).toMatchObject({ verdict: 'beyond', action: 'warn' });
  });

  it('holds what was not measured, or drowned, to be unclear', () => {
    expect(judgeFairness({}, [limit()])[0]?.verdict).toBe('unclear');
    expect(judgeFairness({}, [limit({ measure: 'constructor' })])[0]?.verdict).toBe('unclear');
    const drowned = { parity: { value: null, interval: null } };
    expect(judgeFairness(drowned, [limit()])[0]?.verdict).toBe('unclear');
    expect(() => judgeFairness({}, [{ ...limit(), atMost: Number.POSITIVE_INFINITY }])).toThrow(
      RangeError,
    );
  });

  it('refuses, or passes on the warnings', () => {
    expect(() => requireFair(judge(0.11, 0.2))).toThrow(
      expect.objectContaining({ code: 'profile/unfair', details: { measures: ['parity'] } }),
    );
    expect(() => requireFair(judge(0.05, 0.2, { whenUnclear: 'refuse' }))).toThrow(/may be beyond/);
    expect(requireFair(judge(0.05, 0.2))).toHaveLength(1);
    expect(requireFair(judge(0, 0.05))).toEqual([]);
  });
});
