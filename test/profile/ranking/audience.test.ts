import { describe, expect, it } from 'vitest';
import { type AudienceRequest, audienceOf } from '../../../src/profile/ranking/audience.ts';
import {
  requireTargetable,
  targetingRefusal,
  vulnerabilityTerm,
} from '../../../src/profile/ranking/targeting.ts';
import { advertised, profileOf } from './fixtures.ts';

const segment = {
  id: 's',
  scene: 'live-beauty',
  membersAtLeast: 120,
  tags: [{ tag: 'makeup', probability: 0.3 }],
};

function ask(changes: Partial<AudienceRequest> = {}): ReturnType<typeof audienceOf> {
  return audienceOf(advertised, {
    scene: 'live-beauty',
    purpose: 'advertising',
    vulnerabilityTags: [],
    profile: profileOf({ purpose: changes.purpose ?? 'advertising' }),
    segment,
    minimumSegment: 100,
    ...changes,
  });
}

const refusal = (reason: string): unknown =>
  expect.objectContaining({
    code: 'profile/ranking-refused',
    details: expect.objectContaining({ reason }),
  });

describe('audienceOf', () => {
  it('advertises to the segment and not to the person where the scene says so', () => {
    expect(ask()).toEqual({ kind: 'segment', segment: 's', tags: segment.tags, withheld: [] });
  });

  it('wants a segment that surely has enough members', () => {
    expect(() => ask({ segment: null })).toThrow(refusal('no-segment'));
    for (const membersAtLeast of [99.5, 0, -3, Number.NaN]) {
      expect(() => ask({ segment: { ...segment, membersAtLeast } })).toThrow(
        refusal('segment-too-small'),
      );
    }
    expect(() => ask({ minimumSegment: 1 })).toThrow(RangeError);
    const elsewhere = { ...segment, scene: 'feed' };
    expect(() => ask({ segment: elsewhere })).toThrow(
      expect.objectContaining({ code: 'profile/flow-unauthorised' }),
    );
  });

  it('refuses advertising in a scene without', () => {
    const profile = profileOf({ scene: 'live-food', purpose: 'advertising', tags: [] });
    expect(() => ask({ scene: 'live-food', profile })).toThrow(refusal('no-advertising'));
  });

  it('recommends by the person, and by nobody after an opt-out', () => {
    expect(ask({ purpose: 'recommendation', segment: null }).kind).toBe('person');
    const profile = profileOf({ purpose: 'advertising', personalised: false });
    expect(ask({ profile })).toEqual({ kind: 'everyone', segment: null, tags: [], withheld: [] });
  });

  it('takes no profile of another scene', () => {
    expect(() => ask({ profile: profileOf({ scene: 'feed' }) })).toThrow(
      expect.objectContaining({ code: 'profile/flow-unauthorised' }),
    );
  });
});

describe('the purpose of a profile', () => {
  const direct = { scene: 'feed', segment: null } as const;

  it('is that of the list: who opted out of advertising has another profile for it', () => {
    const profile = profileOf({ scene: 'feed' });
    expect(() => ask({ ...direct, profile })).toThrow(refusal('other-purpose'));
    expect(() => ask({ profile: profileOf() })).toThrow(refusal('other-purpose'));
    const search = profileOf({ purpose: 'search' });
    expect(() => ask({ purpose: 'recommendation', profile: search })).toThrow(
      refusal('other-purpose'),
    );
  });

  it('covers only tags that the schema declares for it', () => {
    const tags = [{ tag: 'spend-level', probability: 0.9, source: 'model' } as const];
    const profile = profileOf({ scene: 'feed', purpose: 'advertising', tags });
    expect(ask({ ...direct, profile })).toMatchObject({
      tags: [],
      withheld: [{ tag: 'spend-level', reason: 'purpose-not-declared' }],
    });
  });
});

describe('targetingRefusal', () => {
  const of = (tag: string, purpose: 'advertising' | 'recommendation', scene = 'live-beauty') =>
    targetingRefusal(advertised, tag, { scene, purpose, vulnerabilityTags: ['kitchen'] });

  it('keeps vulnerabilities out of everything', () => {
    expect(of('late-night-lonely', 'recommendation')).toBe('vulnerability');
    expect(of('kitchen', 'recommendation')).toBe('vulnerability');
  });

  it('keeps sensitive tags and barred data out of advertising only', () => {
    expect(of('friends', 'advertising')).toBe('sensitive');
    expect(of('friends', 'recommendation')).toBeNull();
    expect(of('makeup', 'advertising')).toBeNull();
    expect(of('makeup', 'advertising', 'feed')).toBe('no-advertising');
    expect(of('makeup', 'recommendation', 'feed')).toBeNull();
  });

  it('refuses a configuration by its first bad tag', () => {
    const use = { scene: 'live-beauty', purpose: 'advertising', vulnerabilityTags: [] } as const;
    requireTargetable(advertised, ['makeup'], use);
    expect(() => requireTargetable(advertised, ['makeup', 'late-night-lonely'], use)).toThrow(
      refusal('vulnerability'),
    );
    expect(() => requireTargetable(advertised, ['none'], use)).toThrow(
      expect.objectContaining({ code: 'profile/unknown-tag' }),
    );
  });

  it.each([
    ['payday-loan', 'payday'],
    ['newlyWidowed', 'widowed'],
    ['ＬＯＮＥＬＹ', 'lonely'],
    ['深夜孤独', '孤独'],
    ['childrens-books', null],
    ['minority-report', null],
  ])('finds in "%s" %s', (name, term) => {
    expect(vulnerabilityTerm(name)).toBe(term);
  });
});
