import { type ProfileSchema, validateSchema } from '../../../src/profile/index.ts';
import type { Profile } from '../../../src/profile/profile.ts';
import type { Candidate } from '../../../src/profile/ranking/candidate.ts';
import type { RankingPolicy, RankingRequest } from '../../../src/profile/ranking/rank-list.ts';
import { START, schemaJson } from '../fixtures.ts';

const DAY = 86_400_000;

/** The schema of the other tests, with advertising and a tag that marks a vulnerability. */
export const advertised: ProfileSchema = validateSchema({
  ...schemaJson(),
  purposes: ['recommendation', 'order-fulfilment', 'fraud-prevention', 'advertising'],
  scenes: {
    'live-beauty': { riskLevel: 'elevated', advertising: 'indirect-only' },
    'live-food': { riskLevel: 'normal', advertising: 'none' },
    feed: { riskLevel: 'normal', advertising: 'direct' },
  },
  kinds: {
    ...schemaJson().kinds,
    'watch-time': {
      ...schemaJson().kinds['watch-time'],
      purposes: ['recommendation', 'advertising'],
    },
    'social-graph': {
      ...schemaJson().kinds['social-graph'],
      purposes: ['recommendation', 'advertising'],
    },
  },
  tags: {
    ...schemaJson().tags,
    makeup: {
      ...schemaJson().tags['makeup'],
      scenes: ['live-beauty', 'feed'],
      purposes: ['recommendation', 'advertising'],
    },
    friends: {
      ...schemaJson().tags['friends'],
      scenes: ['live-beauty', 'feed'],
      purposes: ['recommendation', 'advertising'],
      sensitivity: 'sensitive',
    },
    'late-night-lonely': {
      ...schemaJson().tags['makeup'],
      scenes: ['live-beauty', 'feed'],
      purposes: ['recommendation', 'advertising'],
    },
  },
  riskRules: [{ kinds: ['watch-time'], scenes: ['feed'], obligations: ['no-advertising'] }],
});

export function profileOf(changes: Partial<Profile> = {}): Profile {
  return {
    scene: 'live-beauty',
    purpose: 'recommendation',
    modelVersion: 'v1',
    computedAt: START,
    personalised: true,
    tags: [
      { tag: 'makeup', probability: 0.9, source: 'model' },
      { tag: 'friends', probability: 0.7, source: 'model' },
      { tag: 'late-night-lonely', probability: 0.8, source: 'model' },
    ],
    withheld: [],
    ...changes,
  };
}

/** Candidates a, b, c, … from best to worst, two categories and one provider each in turn. */
export function candidates(count: number): readonly Candidate[] {
  return Array.from({ length: count }, (_, i) => ({
    item: String.fromCharCode(97 + i),
    relevance: count - i,
    categories: [i < count / 2 ? 'first' : 'second'],
    provider: `provider ${i % 3}`,
  }));
}

export const POLICY: RankingPolicy = {
  vulnerabilityTags: [],
  minimumSegment: 50,
  quietHours: { 'live-beauty': { from: '23:00', to: '07:00' } },
  exposure: { perProvider: 100, perItem: 100, periodMs: DAY },
  repetition: { retained: 0.5, halfLifeMs: DAY },
  diversity: 0,
  calibration: 0,
};

export function rankingRequest(changes: Partial<RankingRequest> = {}): RankingRequest {
  return {
    scene: 'live-beauty',
    purpose: 'recommendation',
    profile: profileOf(),
    segment: null,
    dial: 1,
    length: 4,
    nonPersonalised: ['p', 'q', 'r', 's', 't'],
    candidates: () => candidates(6),
    target: null,
    showings: [],
    at: START + 12 * 3_600_000,
    utcOffsetMinutes: 0,
    ...changes,
  };
}
