import { describe, expect, it, vi } from 'vitest';
import { rankList } from '../../../src/profile/ranking/rank-list.ts';
import { START } from '../fixtures.ts';
import { advertised, candidates, POLICY, profileOf, rankingRequest } from './fixtures.ts';

const HOUR = 3_600_000;

describe('rankList', () => {
  it('gives the personalised order at a dial of 1', () => {
    const list = rankList(advertised, POLICY, rankingRequest());
    expect(list.items).toEqual(['a', 'b', 'c', 'd']);
    expect(list).toMatchObject({ personalised: true, because: null, audience: { kind: 'person' } });
  });

  it.each([
    ['dial', { dial: 0 }],
    ['opted-out', { profile: profileOf({ personalised: false, tags: [] }) }],
    ['quiet-hours', { at: START + 2 * HOUR }],
  ] as const)(
    'gives exactly everybody’s list without asking for candidates: %s',
    (because, changes) => {
      const asked = vi.fn(() => candidates(6));
      const showings = [{ item: 'p', time: START }];
      const strict = { ...POLICY, exposure: { perProvider: 1, perItem: 1, periodMs: 1e12 } };
      const request = rankingRequest({ candidates: asked, showings, ...changes });
      const list = rankList(advertised, strict, request);
      expect(list).toMatchObject({ items: ['p', 'q', 'r', 's'], personalised: false, because });
      expect(asked).not.toHaveBeenCalled();
    },
  );

  it('never shows the ranker a tag that marks a vulnerability', () => {
    const asked = vi.fn(() => candidates(3));
    const list = rankList(advertised, POLICY, rankingRequest({ candidates: asked }));
    expect(asked).toHaveBeenCalledWith([
      { tag: 'makeup', probability: 0.9 },
      { tag: 'friends', probability: 0.7 },
    ]);
    expect(list.audience.withheld).toEqual([{ tag: 'late-night-lonely', reason: 'vulnerability' }]);
  });

  it('shows the ranker the segment and not the person where advertising is indirect', () => {
    const asked = vi.fn(() => candidates(3));
    const segment = {
      id: 'segment 4',
      scene: 'live-beauty',
      membersAtLeast: 50,
      tags: [
        { tag: 'makeup', probability: 0.2 },
        { tag: 'friends', probability: 0.2 },
      ],
    };
    const profile = profileOf({ purpose: 'advertising' });
    const request = rankingRequest({
      purpose: 'advertising',
      profile,
      segment,
      candidates: asked,
    });
    const list = rankList(advertised, POLICY, request);
    expect(asked).toHaveBeenCalledWith([{ tag: 'makeup', probability: 0.2 }]);
    expect(list.audience).toEqual({
      kind: 'segment',
      segment: 'segment 4',
      withheld: [{ tag: 'friends', reason: 'sensitive' }],
    });
  });

  it('gives all members of a segment the same list, whatever they saw or like', () => {
    const segment = { id: 's', scene: 'live-beauty', membersAtLeast: 50, tags: [] };
    const profile = profileOf({ purpose: 'advertising' });
    const policy = {
      ...POLICY,
      calibration: 1,
      exposure: { perProvider: 100, perItem: 1, periodMs: 24 * HOUR },
    };
    const at = START + 12 * HOUR;
    const list = (changes: object) =>
      rankList(
        advertised,
        policy,
        rankingRequest({ purpose: 'advertising', profile, segment, at, ...changes }),
      );
    const plain = list({});
    expect(plain.audience.kind).toBe('segment');
    expect(list({ showings: [{ item: 'a', time: at - HOUR }] })).toEqual(plain);
    expect(list({ target: new Map([['second', 1]]) })).toEqual(plain);
  });

  it('refuses advertising where there is none before it looks at anything else', () => {
    const food = { scene: 'live-food', purpose: 'advertising', at: START + 2 * HOUR } as const;
    const profile = profileOf({ ...food, tags: [] });
    for (const changes of [{ dial: 0 }, { profile: { ...profile, personalised: false } }, {}]) {
      const request = rankingRequest({ ...food, profile, ...changes });
      expect(() => rankList(advertised, POLICY, request)).toThrow(
        expect.objectContaining({ code: 'profile/ranking-refused' }),
      );
    }
  });

  it('passes no limit, whatever the other steps want', () => {
    const policy = { ...POLICY, exposure: { perProvider: 1, perItem: 2, periodMs: 24 * HOUR } };
    const at = START + 12 * HOUR;
    const showings = [1, 2].map((hours) => ({ item: 'a', time: at - hours * HOUR }));
    const list = rankList(advertised, policy, rankingRequest({ at, showings, dial: 0.9 }));
    expect(list.items).not.toContain('a');
    const providers = candidates(6).filter(({ item }) => list.items.includes(item));
    expect(new Set(providers.map(({ provider }) => provider)).size).toBe(providers.length);
  });

  it('brings in what the person saw less of, and other categories', () => {
    const at = START + 12 * HOUR;
    const showings = Array.from({ length: 8 }, () => ({ item: 'a', time: at }));
    const repeated = rankList(advertised, POLICY, rankingRequest({ at, showings }));
    expect(repeated.items).toEqual(['b', 'c', 'd', 'e']);
    const diverse = rankList(advertised, { ...POLICY, diversity: 0.6 }, rankingRequest());
    expect(diverse.items[1]).toBe('d');
    const target = new Map([['second', 1]]);
    const calibrated = rankList(
      advertised,
      { ...POLICY, calibration: 1 },
      rankingRequest({ target }),
    );
    expect(calibrated.items.slice(0, 3)).toEqual(['d', 'e', 'f']);
  });

  it.each([{ dial: 1.1 }, { dial: Number.NaN }, { length: 0 }])('refuses %j', (changes) => {
    expect(() => rankList(advertised, POLICY, rankingRequest(changes))).toThrow(RangeError);
  });
});
