import { describe, expect, it } from 'vitest';
import {
  computeProfile,
  type DecisionRecord,
  describeDecision,
  explainLinearTag,
  type LinearTagExplanation,
  nonPersonalisedProfile,
  type ProfileStore,
  recordDecision,
  SceneData,
} from '../../../src/profile/index.ts';
import { DAY, HOSTILE_NAMES, order, START } from '../fixtures.ts';
import { type Device, newStore, openStore, PURPOSE } from './fixtures.ts';

const TAGS = ['kitchen', 'baby', 'health-food'];

function explain(tag: string, logit: number, noise: number): LinearTagExplanation {
  return explainLinearTag({
    ...{ tag, featureNames: ['n'], features: [1], weights: [logit], bias: 0 },
    ...{ weightNoiseStddev: noise, biasNoiseStddev: 0, confidence: 0.95 },
  });
}

async function shown({ consent }: Device, store: ProfileStore): Promise<DecisionRecord> {
  const explanations = [explain('kitchen', 1, 0.1), explain('health-food', 0.5, 1)];
  const profile = computeProfile({
    consent,
    model: {
      ...{ version: 'round-20', scene: 'live-food', tags: TAGS },
      predict: () =>
        Float32Array.of(
          explanations[0]?.probability.value as number,
          0.2,
          explanations[1]?.probability.value as number,
        ),
    },
    features: new SceneData('live-food', new Float32Array(1)),
    choices: await store.scene('live-food').choices(),
    purpose: PURPOSE,
  });
  const items = ['pan', 'apron'];
  return recordDecision({ profile, consent, items, explanations });
}

describe('the record of a shown list', () => {
  it('names model, tags with their intervals, consent and items', async () => {
    const { store, ...device } = await newStore();
    await store.scene('live-food').correct('baby', false);
    const record = await shown(device, store);
    expect(record).toMatchObject({
      scene: 'live-food',
      purpose: PURPOSE,
      at: START,
      modelVersion: 'round-20',
      personalised: true,
      withheld: [],
      consent: { noticeVersion: 3, acts: device.consent.revision, head: device.consent.head },
      items: ['pan', 'apron'],
    });
    const [kitchen, baby, healthFood] = record.tags;
    const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
    expect(kitchen?.interval?.lower).toBeCloseTo(logistic(1 - 0.196), 4);
    expect(kitchen?.mayBeNoise).toBe(false);
    expect(baby).toEqual({
      ...{ tag: 'baby', probability: 0, source: 'person', interval: null, mayBeNoise: null },
    });
    expect(healthFood?.mayBeNoise).toBe(true);
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });

  it('says it in words', async () => {
    const { store, ...device } = await newStore();
    await store.scene('live-food').correct('baby', false);
    expect(describeDecision(await shown(device, store)).split('\n')).toEqual([
      'On 2026-05-01T00:00:00.000Z you were shown 2 things in "live-food", for recommendation, by model "round-20", under your consent as of act 5 (notice 3).',
      '  kitchen: 0.731, with the privacy noise between 0.691 and 0.768 (95 %).',
      '  baby: as you said yourself.',
      '  health-food: 0.622, with the privacy noise between 0.188 and 0.921 (95 %); it may be noise.',
    ]);
    const nothing = recordDecision({
      profile: nonPersonalisedProfile({ scene: 'live-food', purpose: PURPOSE, at: START }),
      consent: device.consent,
      items: ['pan'],
    });
    expect(describeDecision(nothing)).toContain('nothing of you was used');
  });

  it('refuses explanations of something else', async () => {
    const { store, ...device } = await newStore();
    const record = await shown(device, store);
    const profile = { ...nonPersonalisedProfile({ scene: 's', purpose: PURPOSE, at: 0 }) };
    const facts = { consent: device.consent, items: [] };
    const tags = [{ tag: 'kitchen', probability: 0.9, source: 'model' }] as const;
    for (const explanation of [explain('baby', 0, 0), explain('kitchen', 1, 0.1)]) {
      expect(() =>
        recordDecision({ ...facts, profile: { ...profile, tags }, explanations: [explanation] }),
      ).toThrow(RangeError);
    }
    expect(record.id).not.toBe((await shown(device, store)).id);
  });

  it('prints hostile names harmlessly', async () => {
    const { store, ...device } = await newStore();
    const record = await shown(device, store);
    for (const name of HOSTILE_NAMES) {
      const text = describeDecision({
        ...record,
        modelVersion: name,
        tags: [{ ...(record.tags[0] as DecisionRecord['tags'][number]), tag: name }],
      });
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
      expect(text.length).toBeLessThan(600);
    }
  });
});

describe('kept records', () => {
  it('come back in the next session, until their time is over', async () => {
    const { store, ...device } = await newStore();
    const food = store.scene('live-food');
    const record = await shown(device, store);
    await food.keepDecision(record);
    device.clock.time = START + 10 * DAY;
    await food.keepDecision(await shown(device, store));
    await store.close();
    const again = (await openStore(device)).scene('live-food');
    const list = async (): Promise<readonly DecisionRecord[]> =>
      (await again.decisions()).read('live-food', PURPOSE);
    expect((await list())[0]).toEqual(record);
    expect(await list()).toHaveLength(2);
    device.clock.time = START + 91 * DAY;
    expect(await list()).toHaveLength(1);
    device.clock.time = START + 101 * DAY;
    expect(await list()).toHaveLength(0);
  });

  it('end for a tab that has not seen them yet, too', async () => {
    const { store, ...device } = await newStore();
    const other = (await openStore(device)).scene('live-food');
    expect((await other.decisions()).read('live-food', PURPOSE)).toEqual([]);
    await store.scene('live-food').keepDecision(await shown(device, store));
    device.clock.time = START + 91 * DAY;
    expect((await other.decisions()).read('live-food', PURPOSE)).toEqual([]);
  });

  it('lose the tags that are erased', async () => {
    const { store, ...device } = await newStore();
    const food = store.scene('live-food');
    await food.keepDecision(await shown(device, store));
    const copy = device.storage.copy('d-');
    await food.erase('kitchen');
    await food.optOut('baby');
    const tags = async (from = store): Promise<readonly string[]> => {
      const [record] = (await from.scene('live-food').decisions()).read('live-food', PURPOSE);
      return (record?.tags ?? []).map((t) => t.tag);
    };
    expect(await tags()).toEqual(['health-food']);
    await store.close();
    device.storage.putBack(copy);
    expect(await tags(await openStore(device))).toEqual(['health-food']);
    await store
      .scene('live-food')
      .erase()
      .catch(() => {});
    const last = await openStore(device);
    await last.scene('live-food').erase();
    expect((await last.export()).scenes['live-food']?.decisions).toEqual([]);
  });

  it('survive a decision about a tag before the first of them', async () => {
    const { store, ...device } = await newStore();
    const food = store.scene('live-food');
    const other = await openStore(device);
    await food.erase('kitchen');
    await food.keepDecision(await shown(device, store));
    await other.sweep();
    await food.optOut('baby');
    const [record] = (await food.decisions()).read('live-food', PURPOSE);
    expect(record?.tags.map(({ tag }) => tag)).toEqual(['kitchen', 'health-food']);
  });

  it('are kept without tags that were opted out of or corrected meanwhile', async () => {
    const { store, ...device } = await newStore();
    const food = store.scene('live-food');
    const record = await shown(device, store);
    await food.keepDecision(record);
    await food.optOut('baby');
    await food.correct('kitchen', false);
    await food.keepDecision(record);
    const [, kept] = (await food.decisions()).read('live-food', PURPOSE);
    expect(kept?.tags.map(({ tag }) => tag)).toEqual(['health-food']);
  });

  it('lose what a model made of data whose consent has ended, also when it is given again', async () => {
    const { store, ...device } = await newStore();
    const food = store.scene('live-food');
    await food.correct('baby', false);
    const record = await shown(device, store);
    await food.keepDecision({
      ...record,
      withheld: [
        { tag: 'spend-level', reason: 'sensitive-combination' },
        { tag: 'kitchen', reason: 'consent' },
      ],
    });
    device.consent.withdraw({ tier: 'enhanced', scene: 'live-food' });
    await store.sweep();
    const kept = async () => (await food.decisions()).read('live-food', PURPOSE);
    expect((await kept())[0]?.tags).toHaveLength(3);
    device.consent.withdraw({ tier: 'essential' });
    device.consent.grant({
      ...{ scope: { tier: 'essential' }, purposes: [PURPOSE], controller: 'platform' },
      expiresAt: START + 365 * DAY,
    });
    await store.sweep();
    // The person's own word stays, and so does what says nothing of the person.
    expect((await kept())[0]).toMatchObject({
      tags: [{ tag: 'baby', source: 'person' }],
      withheld: [{ tag: 'kitchen', reason: 'consent' }],
    });
    await food.keepDecision(await shown(device, store));
    expect((await kept())[1]?.tags).toHaveLength(3);
  });

  it('hold any names that are text, and refuse what is none', async () => {
    const { store, ...device } = await newStore();
    const food = store.scene('live-food');
    const record = await shown(device, store);
    for (const name of HOSTILE_NAMES) {
      const keeping = food.keepDecision({ ...record, items: [name] });
      if (name === '\uD800')
        await expect(keeping).rejects.toMatchObject({ code: 'core/non-canonical' });
      else await keeping;
    }
    const kept = (await food.decisions()).read('live-food', PURPOSE).map(({ items }) => items[0]);
    expect(kept).toEqual(HOSTILE_NAMES.filter((name) => name !== '\uD800'));
  });

  it('are of their own scene and purpose', async () => {
    const { store, ...device } = await newStore();
    const record = await shown(device, store);
    await expect(store.scene('live-beauty').keepDecision(record)).rejects.toThrow(RangeError);
    await expect(
      store.scene('live-food').keepDecision({ ...record, purpose: 'search' }),
    ).rejects.toThrow(RangeError);
  });
});

describe('the export', () => {
  it('is plain JSON with everything that is kept', async () => {
    const { store, ...device } = await newStore();
    device.clock.time = START + DAY;
    await store.observe(order({ value: 3 }));
    await store.observe(order({ value: 4 }));
    await store.scene('live-food').correct('baby', false);
    await store.scene('live-food').keepDecision(await shown(device, store));
    await store.scene('live-food').optOut('health-food');
    const exported = await store.export();
    expect(JSON.parse(JSON.stringify(exported))).toEqual(exported);
    expect(exported).toMatchObject({
      format: 'velatura/profile-export',
      version: 1,
      person: 'u1',
      purpose: PURPOSE,
      exportedAt: START + DAY,
      scenes: {
        'live-food': {
          evidence: [{ tag: 'kitchen', kind: 'order', day: '2026-05-02', sum: 7, events: 2 }],
          corrections: [{ tag: 'baby', value: false, at: START + DAY }],
          optedOut: [{ tag: 'health-food', at: START + DAY }],
          decisions: [{ modelVersion: 'round-20' }],
        },
        'live-beauty': { evidence: [], decisions: [] },
      },
    });
    expect(exported.consent).toEqual(device.consent.receipts());
    expect(exported.scenes['live-food']?.tags.find((t) => t.tag === 'kitchen')?.events).toBe(2);
  });
});
