import { describe, expect, it, vi } from 'vitest';
import {
  computeProfile,
  NO_CHOICES,
  nonPersonalisedProfile,
  type ProfileRequest,
  profileVector,
  SceneData,
  type SceneModel,
  type StatedValue,
  type TagChoices,
  validateSchema,
} from '../../src/profile/index.ts';
import {
  DAY,
  grantAll,
  HOSTILE_NAMES,
  newLedger,
  START,
  schemaJson,
  TestClock,
} from './fixtures.ts';

const TAGS = ['kitchen', 'baby', 'health-food'];

function foodModel(
  probabilities: readonly number[],
  tags: readonly string[] = TAGS,
): SceneModel<'live-food'> {
  return {
    version: 'round-20',
    scene: 'live-food',
    tags,
    predict: () => Float32Array.from(probabilities),
  };
}

function request(model: SceneModel<'live-food'>): ProfileRequest<'live-food'> {
  const consent = newLedger();
  grantAll(consent);
  return {
    consent,
    model,
    features: new SceneData('live-food', new Float32Array([1])),
    choices: new SceneData('live-food', NO_CHOICES),
    purpose: 'recommendation',
  };
}

describe('computeProfile', () => {
  it('gives tags with probability, model and scene', () => {
    const profile = computeProfile(request(foodModel([0.75, 0.25, 0.5])));
    expect(profile).toEqual({
      scene: 'live-food',
      purpose: 'recommendation',
      modelVersion: 'round-20',
      computedAt: START,
      personalised: true,
      tags: [
        { tag: 'kitchen', probability: 0.75, source: 'model' },
        { tag: 'baby', probability: 0.25, source: 'model' },
        { tag: 'health-food', probability: 0.5, source: 'model' },
      ],
      withheld: [],
    });
  });

  it('hands the features of the person to the model', () => {
    const predict = vi.fn(() => new Float32Array(3));
    computeProfile({
      ...request({ ...foodModel([]), predict }),
      features: new SceneData('live-food', new Float32Array([1, 2])),
    });
    expect(predict).toHaveBeenCalledExactlyOnceWith(new Float32Array([1, 2]));
  });

  it('withholds a sensitive combination when all of it is likely', () => {
    const profile = computeProfile(request(foodModel([0.9, 0.5, 0.8])));
    expect(profile.tags).toEqual([
      { tag: 'kitchen', probability: expect.closeTo(0.9, 6), source: 'model' },
    ]);
    expect(profile.withheld).toEqual([
      { tag: 'baby', reason: 'sensitive-combination' },
      { tag: 'health-food', reason: 'sensitive-combination' },
    ]);
  });

  it('takes the threshold it is given', () => {
    const at = (combinationThreshold: number): number =>
      computeProfile({ ...request(foodModel([0.9, 0.2, 0.1])), combinationThreshold }).tags.length;
    expect(at(0)).toBe(1);
    expect(at(0.15)).toBe(3);
    expect(() => at(1.5)).toThrow(RangeError);
    expect(() => at(Number.NaN)).toThrow(RangeError);
  });

  it('withholds tags without consent for their data', () => {
    const tags = ['makeup', 'friends', 'spend-level'];
    const consent = newLedger();
    grantAll(consent);
    const compute = () =>
      computeProfile({
        consent,
        model: { version: '1', scene: 'live-beauty', tags, predict: () => new Float32Array(3) },
        features: new SceneData('live-beauty', new Float32Array(1)),
        choices: new SceneData('live-beauty', NO_CHOICES),
        purpose: 'recommendation',
      });
    expect(compute().tags.map((t) => t.tag)).toEqual(tags);
    consent.withdraw({ tier: 'enhanced', scene: 'live-beauty' });
    consent.withdraw({
      tier: 'restricted',
      scene: 'live-beauty',
      kind: 'social-graph',
      explicit: true,
    });
    expect(compute().tags.map((t) => t.tag)).toEqual(['spend-level']);
    expect(compute().withheld).toEqual([
      { tag: 'makeup', reason: 'consent' },
      { tag: 'friends', reason: 'consent' },
    ]);
  });

  it('withholds tags for another purpose and tags whose review is overdue', () => {
    const fulfilment = { ...request(foodModel([1, 1, 1])), purpose: 'order-fulfilment' } as const;
    expect(computeProfile(fulfilment).withheld.map((t) => t.reason)).toEqual(
      Array(3).fill('purpose-not-declared'),
    );
    const json = schemaJson();
    json.tags['kitchen']!['reviewBy'] = '2026-04-30';
    const consent = newLedger(new TestClock(), { schema: validateSchema(json) });
    grantAll(consent);
    const overdue = computeProfile({ ...request(foodModel([1, 0, 0])), consent });
    expect(overdue.withheld).toEqual([{ tag: 'kitchen', reason: 'review-overdue' }]);
  });

  it('withholds tags whose consent has expired, also when the clock is set back', () => {
    const clock = new TestClock();
    const consent = newLedger(clock);
    grantAll(consent);
    const withheld = (): string[] =>
      computeProfile({ ...request(foodModel([1, 0, 0])), consent }).withheld.map((t) => t.reason);
    expect(withheld()).toEqual([]);
    clock.time = START + 365 * DAY;
    expect(withheld()).toEqual(['consent', 'consent', 'consent']);
    clock.time = START;
    expect(withheld()).toEqual(['consent', 'consent', 'consent']);
  });

  it('does not ask the model after an opt-out', () => {
    const predict = vi.fn(() => new Float32Array(3));
    const asked = request({ ...foodModel([]), predict });
    asked.consent.optOut('recommendation');
    const profile = computeProfile(asked);
    expect(predict).not.toHaveBeenCalled();
    expect(profile).toEqual(
      nonPersonalisedProfile({ scene: 'live-food', purpose: 'recommendation', at: START }),
    );
    expect(profile.personalised).toBe(false);
  });

  it('refuses undeclared tags, tags of other scenes and undeclared scenes', () => {
    for (const name of HOSTILE_NAMES) {
      expect(() => computeProfile(request(foodModel([1], [name])))).toThrow(
        expect.objectContaining({ code: 'profile/unknown-tag' }),
      );
    }
    expect(() => computeProfile(request(foodModel([1], ['makeup'])))).toThrow(
      expect.objectContaining({ code: 'profile/flow-unauthorised' }),
    );
    const nowhere = { ...foodModel([1]), scene: '__proto__' } as unknown as SceneModel<'live-food'>;
    expect(() => computeProfile(request(nowhere))).toThrow(
      expect.objectContaining({ code: 'data/unknown-scene' }),
    );
  });

  it('does not compile with features of another scene, and fails at run time', () => {
    const beauty = new SceneData('live-beauty', new Float32Array([1]));
    // @ts-expect-error features of another scene
    expect(() => computeProfile({ ...request(foodModel([1, 1, 1])), features: beauty })).toThrow(
      expect.objectContaining({ code: 'profile/flow-unauthorised' }),
    );
  });

  it.each([[[Number.NaN, 0, 0]], [[1.5, 0, 0]], [[-0.1, 0, 0]]])(
    'refuses %j for probabilities',
    (answer) => {
      expect(() => computeProfile(request(foodModel(answer)))).toThrow(
        expect.objectContaining({ code: 'data/invalid-value' }),
      );
    },
  );

  it('refuses an answer of another length', () => {
    expect(() => computeProfile(request(foodModel([1])))).toThrow(RangeError);
  });
});

describe('the person and the model', () => {
  const ask = (probabilities: readonly number[], choices: Partial<TagChoices>) =>
    computeProfile({
      ...request(foodModel(probabilities)),
      choices: new SceneData('live-food', { ...NO_CHOICES, ...choices }),
    });
  const said = (tag: string, value: StatedValue) => new Map([[tag, { value, at: START }]]);

  it('puts what the person said above what any model says', () => {
    for (const predicted of [0.99, 0.5, 0]) {
      const { tags } = ask([0.5, predicted, 0], { corrections: said('baby', false) });
      expect(tags[1]).toEqual({ tag: 'baby', probability: 0, source: 'person' });
    }
    const { tags } = ask([0.1, 0, 0], { corrections: said('kitchen', true) });
    expect(tags[0]).toEqual({ tag: 'kitchen', probability: 1, source: 'person' });
  });

  it('keeps a denied tag at 0 in the vector, and not at what is popular', () => {
    const profile = ask([0.5, 0.9, 0.5], { corrections: said('baby', false) });
    expect([...profileVector(profile, TAGS, [0.3, 0.2, 0.1])]).toEqual([0.5, 0, 0.5]);
  });

  it('adds what the person said of tags that the model does not know', () => {
    const { tags } = ask([0.5, 0, 0], { corrections: said('spend-level', 'high') });
    expect(tags.at(-1)).toEqual({
      ...{ tag: 'spend-level', probability: 1, source: 'person', level: 'high' },
    });
  });

  it('needs no consent for data to keep to what the person said', () => {
    const asked = request(foodModel([0.9, 0.9, 0]));
    asked.consent.withdraw({ tier: 'essential' });
    const choices = new SceneData('live-food', { ...NO_CHOICES, corrections: said('baby', false) });
    const profile = computeProfile({ ...asked, choices });
    expect(profile.tags).toEqual([{ tag: 'baby', probability: 0, source: 'person' }]);
    expect(profile.withheld.map((t) => t.reason)).toEqual(['consent', 'consent']);
  });

  it("keeps what the person said out of minors' mode, watching only and advertising", () => {
    const asked = (choices = said('baby', true)) => ({
      ...request(foodModel([0.9, 0, 0])),
      choices: new SceneData('live-food', { ...NO_CHOICES, corrections: choices }),
    });
    const minor = asked();
    minor.consent.setMinorsMode(true);
    const watching = asked();
    watching.consent.setWatchOnly('live-food', true);
    for (const { profile } of [minor, watching].map((one) => ({ profile: computeProfile(one) }))) {
      expect(profile.tags).toEqual([]);
      expect(profile.withheld).toContainEqual({ tag: 'baby', reason: 'consent' });
    }
    const json = schemaJson();
    json.purposes.push('advertising');
    (json.kinds['order']!['purposes'] as string[]).push('advertising');
    json.tags['baby']!['purposes'] = ['recommendation', 'advertising'];
    for (const [mode, shown] of [
      ['none', 0],
      ['indirect-only', 0],
      ['direct', 1],
    ] as const) {
      json.scenes['live-food'].advertising = mode;
      const consent = newLedger(new TestClock(), { schema: validateSchema(json) });
      const features = new SceneData('live-food', new Float32Array(1));
      const { tags } = computeProfile({ ...asked(), consent, features, purpose: 'advertising' });
      expect(tags).toHaveLength(shown);
    }
  });

  it('leaves out a tag that the person opted out of, also one that the person corrected', () => {
    const optedOut = new Map([['baby', START]]);
    for (const corrections of [NO_CHOICES.corrections, said('baby', true)]) {
      const profile = ask([0.9, 0.9, 0], { optedOut, corrections });
      expect(profile.tags.map((t) => t.tag)).toEqual(['kitchen', 'health-food']);
      expect(profile.withheld).toEqual([{ tag: 'baby', reason: 'opted-out-of-tag' }]);
    }
  });

  it('withholds a sensitive combination that the person named', () => {
    const corrections = new Map([...said('baby', true), ...said('health-food', true)]);
    const profile = ask([0.9, 0, 0], { corrections });
    expect(profile.tags.map((t) => t.tag)).toEqual(['kitchen']);
  });

  it('does not compile with choices of another scene, and fails at run time', () => {
    const choices = new SceneData('live-beauty', NO_CHOICES);
    // @ts-expect-error choices of another scene
    expect(() => computeProfile({ ...request(foodModel([1, 1, 1])), choices })).toThrow(
      expect.objectContaining({ code: 'profile/flow-unauthorised' }),
    );
  });

  it('refuses data that a flow brought for another purpose', () => {
    const features = new SceneData('live-food', new Float32Array(1), ['search']);
    expect(() => computeProfile({ ...request(foodModel([1, 1, 1])), features })).toThrow(
      expect.objectContaining({ code: 'profile/flow-unauthorised' }),
    );
  });
});

describe('profileVector', () => {
  const popularity = [0.3, 0.2, 0.1];

  it('takes known tags from the profile and the rest from what is public', () => {
    const profile = computeProfile(request(foodModel([0.75, 0.5, 0.5])));
    expect([...profileVector(profile, TAGS, popularity)]).toEqual([0.75, 0.2, 0.1]);
  });

  it('is the same for everybody without personalisation', () => {
    const profile = nonPersonalisedProfile({
      scene: 'live-food',
      purpose: 'recommendation',
      at: 0,
    });
    expect([...profileVector(profile, TAGS, popularity)]).toEqual(popularity);
    expect(() => profileVector(profile, TAGS, [1])).toThrow(RangeError);
  });
});
