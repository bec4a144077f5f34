import { describe, expect, it } from 'vitest';
import {
  nonPersonalisedProfile,
  recordDecision,
  type StoredRecord,
} from '../../../src/profile/index.ts';
import { DAY, grantAll, newLedger, order, START } from '../fixtures.ts';
import {
  evidenceOf,
  newDevice,
  newStore,
  openStore,
  PURPOSE,
  TestStorage,
  tagOf,
} from './fixtures.ts';

const ROLLED_BACK = { code: 'profile/store-rolled-back' };
const UNREADABLE = { code: 'profile/store-unreadable' };

describe('a restored backup', () => {
  it('brings evidence back, but nothing that was erased, corrected or opted out of since', async () => {
    const { store, clock } = await newStore();
    const food = store.scene('live-food');
    clock.time = START + DAY;
    for (const tag of ['kitchen', 'baby', 'health-food', 'spend-level']) {
      await store.observe(order({ tag }));
    }
    const backup = await store.backup();
    await food.erase('kitchen');
    await food.correct('baby', false);
    await food.optOut('health-food');
    await store.observe(order({ tag: 'spend-level' }));
    await store.restore(backup);
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
    expect(await evidenceOf(store, 'baby')).toBe(0);
    expect(await evidenceOf(store, 'health-food')).toBe(0);
    expect(await evidenceOf(store, 'spend-level')).toBe(2);
    expect((await tagOf(food, 'baby')).correction?.value).toBe(false);
    await food.erase();
    await store.restore(backup);
    expect(await evidenceOf(store, 'spend-level')).toBe(0);
  });

  it('replays erasures when the device puts old records back', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    const store = await openStore(device);
    for (const tag of ['kitchen', 'baby']) await store.observe(order({ tag }));
    const copy = device.storage.copy('e-');
    await store.scene('live-food').erase('kitchen');
    await store.close();
    device.storage.putBack(copy);
    const again = await openStore(device);
    expect(await evidenceOf(again, 'kitchen')).toBe(0);
    expect(await evidenceOf(again, 'baby')).toBe(2);
    // And it is gone from the record that was put back.
    expect((await again.export()).scenes['live-food']?.evidence.map((e) => e.tag)).toEqual([
      'baby',
    ]);
  });

  it('replays them from a place of their own when all the rest was put back', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    const choicesStorage = new TestStorage();
    const store = await openStore(device, { choicesStorage });
    await store.observe(order());
    const copy = device.storage.copy();
    await store.scene('live-food').erase('kitchen');
    await store.close();
    device.storage.records.clear();
    device.storage.putBack(copy);
    const again = await openStore(device, { choicesStorage });
    expect(await evidenceOf(again, 'kitchen')).toBe(0);
  });

  it('does not undo a withdrawal or lengthen a retention', async () => {
    const { store, clock, consent } = await newStore();
    clock.time = START + DAY;
    await store.observe(order());
    const backup = await store.backup();
    clock.time = START + 95 * DAY;
    await store.restore(backup);
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
    await store.observe(order({ time: clock.time }));
    const second = await store.backup();
    consent.withdraw({ tier: 'essential' });
    await store.restore(second);
    grantAll(consent);
    await store.restore(second);
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
  });

  it('moves to a new device under the same secret, decisions included', async () => {
    const { store, ...old } = await newStore();
    old.clock.time = START + DAY;
    await store.observe(order());
    await store.scene('live-food').correct('baby', false);
    const backup = await store.backup();
    const device = { ...old, storage: new TestStorage() };
    const next = await openStore(device);
    await next.restore(backup);
    expect(await evidenceOf(next, 'kitchen')).toBe(2);
    expect((await tagOf(next.scene('live-food'), 'baby')).correction?.value).toBe(false);
  });

  it('is refused where two histories of decisions would have to be one', async () => {
    const { store, ...old } = await newStore();
    await store.scene('live-food').correct('baby', false);
    const backup = await store.backup();
    const next = await openStore({ ...old, storage: new TestStorage() });
    await next.scene('live-food').optOut('kitchen');
    await expect(next.restore(backup)).rejects.toMatchObject(ROLLED_BACK);
    expect((await tagOf(next.scene('live-food'), 'kitchen')).optedOut).toBe(true);
  });

  it('mends evidence and lists that cannot be read, when the profile is opened', async () => {
    const { store, clock, storage, consent } = await newStore();
    clock.time = START + DAY;
    await store.observe(order());
    const food = store.scene('live-food');
    const profile = nonPersonalisedProfile({
      scene: 'live-food',
      purpose: PURPOSE,
      at: clock.time,
    });
    await food.keepDecision(recordDecision({ profile, consent, items: ['pan'] }));
    const backup = await store.backup();
    await food.erase('baby');
    for (const prefix of ['e-', 'd-']) {
      for (const [name, { version, bytes }] of storage.copy(prefix)) {
        const altered = bytes.slice();
        altered[40] = (altered[40] as number) ^ 1;
        storage.records.set(name, { version: version + 1, bytes: altered });
      }
      await expect(openStore({ storage, consent })).rejects.toMatchObject(UNREADABLE);
      const next = await openStore({ storage, consent }, { backup });
      expect(await evidenceOf(next, 'kitchen')).toBe(2);
      expect((await next.checkpoint())['live-food']).toBe(1);
    }
  });

  it('does not stand in for decisions that cannot be read', async () => {
    const { store, storage, consent } = await newStore();
    const backup = await store.backup();
    await store.scene('live-food').erase('baby');
    for (const [name, { version, bytes }] of storage.copy('c-')) {
      storage.records.set(name, { version, bytes: bytes.map((byte) => byte ^ 1) });
    }
    await expect(openStore({ storage, consent }, { backup })).rejects.toMatchObject(UNREADABLE);
  });

  it('does not stand in for decisions that are missing', async () => {
    const { store, storage, consent, clock } = await newStore();
    clock.time = START + DAY;
    await store.observe(order());
    await store.scene('live-food').optOut('baby');
    const backup = await store.backup();
    await store.scene('live-food').erase('kitchen');
    for (const name of storage.copy('c-').keys()) storage.records.delete(name);
    await expect(openStore({ storage, consent }, { backup })).rejects.toMatchObject(ROLLED_BACK);
  });

  it('is not left behind by a person who leaves meanwhile', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { store, clock, storage, consent } = await newStore();
      clock.time = START + DAY;
      await store.observe(order());
      const backup = await store.backup();
      const other = await openStore({ storage, consent });
      const restoring = other.restore(backup).catch(() => {});
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve, 0));
      await store.leave();
      await restoring;
      clock.time += 1000;
      consent.optIn(PURPOSE);
      // Whoever reads what lies there finds nothing, whatever the record of decisions says.
      for (const name of storage.copy('c-').keys()) storage.records.delete(name);
      await expect(openStore({ storage, consent })).resolves.toBeDefined();
      expect(await evidenceOf(await openStore({ storage, consent }), 'kitchen')).toBe(0);
    }
  });

  it('is refused when it was altered, cut short, or is of another secret or person', async () => {
    const { store, ...device } = await newStore();
    const backup = await store.backup();
    for (const at of [0, 5, 40, backup.length - 1]) {
      const altered = backup.slice();
      altered[at] = (altered[at] as number) ^ 1;
      await expect(store.restore(altered)).rejects.toMatchObject(UNREADABLE);
    }
    for (const length of [0, 1, 13, backup.length - 1]) {
      await expect(store.restore(backup.slice(0, length))).rejects.toMatchObject(UNREADABLE);
    }
    const consent = newLedger(device.clock, { person: 'u2' });
    const other = await openStore({ consent, storage: new TestStorage() });
    await expect(other.restore(backup)).rejects.toMatchObject(UNREADABLE);
    const secret = new Uint8Array(32).fill(1);
    const stranger = await openStore({ ...device, storage: new TestStorage() }, { secret });
    await expect(stranger.restore(backup)).rejects.toMatchObject(UNREADABLE);
  });
});

describe('a storage that was set back as a whole', () => {
  it('is found by the checkpoint kept elsewhere', async () => {
    const device = newDevice();
    const store = await openStore(device);
    await store.scene('live-food').optOut('baby');
    const copy = device.storage.copy();
    await store.scene('live-food').erase();
    const checkpoint = await store.checkpoint();
    expect(checkpoint).toEqual({ 'live-beauty': 0, 'live-food': 2 });
    await store.close();
    await expect(openStore(device, { checkpoint })).resolves.toBeDefined();
    device.storage.records.clear();
    device.storage.putBack(copy);
    await expect(openStore(device, { checkpoint })).rejects.toMatchObject(ROLLED_BACK);
  });

  it('is found where only the decisions were set back', async () => {
    const device = newDevice();
    const store = await openStore(device);
    const before = device.storage.copy('c-');
    await store.scene('live-food').optOut('baby');
    const copy = device.storage.copy('c-');
    await store.scene('live-food').erase();
    await store.close();
    device.storage.putBack(copy);
    await expect(openStore(device)).rejects.toMatchObject(ROLLED_BACK);
    for (const name of copy.keys()) device.storage.records.delete(name);
    device.storage.putBack(before);
    await expect(openStore(device)).rejects.toMatchObject(ROLLED_BACK);
  });

  it('is found where the decisions are those of another history', async () => {
    const device = newDevice();
    const store = await openStore(device);
    await store.scene('live-food').erase('baby');
    await store.close();
    const other = { ...device, storage: new TestStorage() };
    const longer = await openStore(other);
    for (const tag of ['kitchen', 'health-food']) await longer.scene('live-food').erase(tag);
    device.storage.putBack(other.storage.copy('c-'));
    await expect(openStore(device)).rejects.toMatchObject(ROLLED_BACK);
  });

  it('is found by a store that is open meanwhile', async () => {
    const { store, storage, clock } = await newStore();
    clock.time = START + DAY;
    const copy = storage.copy('e-');
    await store.observe(order());
    const [name] = [...storage.copy('e-')].find(
      ([key, { version }]) => version > (copy.get(key)?.version ?? -1),
    ) as [string, StoredRecord];
    await store.observe(order());
    storage.records.set(name, { version: 0, bytes: new Uint8Array(5000) });
    await expect(store.scene('live-food').tags()).rejects.toMatchObject(ROLLED_BACK);
  });
});
