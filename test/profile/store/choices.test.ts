import { describe, expect, it } from 'vitest';
import {
  computeProfile,
  type Profile,
  type ProfileStore,
  SceneData,
  type SceneModel,
  type StatedValue,
} from '../../../src/profile/index.ts';
import { DAY, HOSTILE_NAMES, order, START } from '../fixtures.ts';
import { type Device, evidenceOf, newStore, openStore, PURPOSE, tagOf } from './fixtures.ts';

/** A model of the given version that is sure of everything. */
function model(version: string, probability = 1): SceneModel<'live-food'> {
  const tags = ['kitchen', 'baby'];
  const predict = (): Float32Array => new Float32Array(tags.length).fill(probability);
  return { version, scene: 'live-food', tags, predict };
}

async function profileBy(
  { consent }: Device,
  store: ProfileStore,
  version: string,
): Promise<Profile> {
  return computeProfile({
    consent,
    model: model(version),
    features: new SceneData('live-food', new Float32Array(1)),
    choices: await store.scene('live-food').choices(),
    purpose: PURPOSE,
  });
}

const DENIED = { tag: 'baby', probability: 0, source: 'person' };

describe('a correction', () => {
  it('is not overwritten by events, retraining or another model, and outlives the session', async () => {
    const { store, ...device } = await newStore();
    const food = store.scene('live-food');
    device.clock.time = START + DAY;
    await store.observe(order({ tag: 'baby', value: 50 }));
    await food.correct('baby', false);
    for (const version of ['round-20', 'round-21', 'another-model']) {
      expect(await store.observe(order({ tag: 'baby', value: 50 }))).toBe('corrected-by-person');
      expect((await profileBy(device, store, version)).tags).toContainEqual(DENIED);
    }
    await store.close();
    const again = await openStore(device);
    expect((await profileBy(device, again, 'round-99')).tags).toContainEqual(DENIED);
  });

  it('takes the evidence of its tag away, also from what is trained on', async () => {
    const { store, clock } = await newStore();
    const food = store.scene('live-food');
    clock.time = START + DAY;
    await store.observe(order({ tag: 'baby' }));
    await store.observe(order());
    await food.correct('baby', false);
    expect([...(await food.counts(['baby', 'kitchen'])).read('live-food', PURPOSE)]).toEqual([
      0, 2,
    ]);
    expect(await tagOf(food, 'baby')).toMatchObject({
      correction: { value: false, at: START + DAY },
      events: 0,
    });
  });

  it('can be withdrawn: then the tag begins anew', async () => {
    const { store, ...device } = await newStore();
    device.clock.time = START + DAY;
    await store.scene('live-food').correct('baby', false);
    await store.scene('live-food').withdrawCorrection('baby');
    expect((await profileBy(device, store, '1')).tags).toContainEqual({
      ...{ tag: 'baby', probability: 1, source: 'model' },
    });
    expect(await store.observe(order({ tag: 'baby' }))).toBe('kept');
  });

  it('names a level where the tag has levels, and only those it has', async () => {
    const { store } = await newStore();
    const food = store.scene('live-food');
    await food.correct('spend-level', 'high');
    expect((await tagOf(food, 'spend-level')).correction?.value).toBe('high');
    await food.correct('spend-level', false);
    const refused: [string, StatedValue, string][] = [
      ['spend-level', 'enormous', 'data/invalid-value'],
      ['spend-level', true, 'data/invalid-value'],
      ['kitchen', 'high', 'data/invalid-value'],
      ['makeup', true, 'profile/flow-unauthorised'],
    ];
    for (const [tag, value, code] of refused) {
      await expect(food.correct(tag, value)).rejects.toMatchObject({ code });
    }
  });

  it('holds in its scene only', async () => {
    const { store } = await newStore();
    await store.scene('live-food').correct('spend-level', 'low');
    expect((await tagOf(store.scene('live-beauty'), 'spend-level')).correction).toBeNull();
  });
});

describe('opting out of a tag', () => {
  it('ends collection and display, not display alone', async () => {
    const { store, ...device } = await newStore();
    const food = store.scene('live-food');
    device.clock.time = START + DAY;
    await store.observe(order());
    await food.optOut('kitchen');
    expect(await store.observe(order())).toBe('opted-out-of-tag');
    expect((await profileBy(device, store, '1')).withheld).toEqual([
      { tag: 'kitchen', reason: 'opted-out-of-tag' },
    ]);
    expect(await tagOf(food, 'kitchen')).toMatchObject({ optedOut: true, events: 0 });
    expect(await store.observe(order({ tag: 'baby' }))).toBe('kept');
    await food.optIn('kitchen');
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
    expect(await store.observe(order())).toBe('kept');
  });
});

describe('erasing', () => {
  it('takes one tag, or all, and leaves the person word standing', async () => {
    const { store, clock } = await newStore();
    const food = store.scene('live-food');
    clock.time = START + DAY;
    for (const tag of ['kitchen', 'baby']) await store.observe(order({ tag }));
    await food.correct('health-food', false);
    await food.erase('baby');
    expect(await evidenceOf(store, 'baby')).toBe(0);
    expect(await evidenceOf(store, 'kitchen')).toBe(2);
    expect(await store.observe(order({ tag: 'baby' }))).toBe('kept');
    await food.erase();
    expect(await evidenceOf(store, 'baby')).toBe(0);
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
    expect((await tagOf(food, 'health-food')).correction?.value).toBe(false);
  });

  it('is finished by whoever comes next when it was interrupted', async () => {
    const { store, ...device } = await newStore();
    device.clock.time = START + DAY;
    await store.observe(order());
    device.storage.beforeWrite = (name) => {
      if (name.startsWith('e-')) throw new Error('killed');
    };
    await expect(store.scene('live-food').erase('kitchen')).rejects.toThrow('killed');
    device.storage.beforeWrite = () => {};
    const next = await openStore(device);
    expect(await evidenceOf(next, 'kitchen')).toBe(0);
  });
});

describe('hostile tags', () => {
  it('are refused by every call that names one', async () => {
    const { store } = await newStore();
    const food = store.scene('live-food');
    const unknown = { code: 'profile/unknown-tag' };
    for (const tag of HOSTILE_NAMES) {
      await expect(food.correct(tag, true)).rejects.toMatchObject(unknown);
      await expect(food.optOut(tag)).rejects.toMatchObject(unknown);
      await expect(food.erase(tag)).rejects.toMatchObject(unknown);
      await expect(food.counts([tag])).rejects.toMatchObject(unknown);
    }
    expect((await store.checkpoint())['live-food']).toBe(0);
  });
});
