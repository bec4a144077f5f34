import { describe, expect, it } from 'vitest';
import { ContributionRegister } from '../../../src/profile/consent-contributions.ts';
import { ProfileStore } from '../../../src/profile/index.ts';
import { DAY, order, START, watching } from '../fixtures.ts';
import {
  type Device,
  evidenceOf,
  newDevice,
  openStore,
  PURPOSE,
  storeOptions,
} from './fixtures.ts';

const LEFT = { code: 'profile/left' };

/** A device with some of everything, and a contribution on its way. */
async function busyDevice(cancel: () => 'cancelled' | 'used') {
  const device = newDevice();
  device.clock.time = START + DAY;
  const contributions = new ContributionRegister(device.consent);
  const asked: string[] = [];
  contributions.open({
    id: 'round-20',
    scene: 'live-food',
    purpose: PURPOSE,
    kinds: ['order'],
    cancel: () => {
      asked.push('round-20');
      return { kind: cancel() };
    },
  });
  const store = await openStore(device, { contributions });
  await store.observe(order());
  await store.observe(watching());
  await store.scene('live-food').correct('baby', false);
  return { ...device, store, contributions, asked };
}

function sealedSizes({ storage }: Pick<Device, 'storage'>): number {
  return Math.max(...[...storage.records.values()].map(({ bytes }) => bytes.length));
}

describe('leaving', () => {
  it('is one call: stops collection, cancels what is on its way, destroys what is kept', async () => {
    const { store, consent, contributions, asked, ...device } = await busyDevice(() => 'cancelled');
    const before = device.storage.copy();
    await store.leave();
    expect(asked).toEqual(['round-20']);
    expect(contributions.unresolved()).toEqual([]);
    expect(contributions.mayLeave('round-20')).toBe(false);
    expect(consent.hasOptedOut(PURPOSE)).toBe(true);
    await expect(store.observe(order())).rejects.toMatchObject(LEFT);
    await expect(store.scene('live-food').tags()).rejects.toMatchObject(LEFT);
    await expect(store.scene('live-food').correct('baby', true)).rejects.toMatchObject(LEFT);
    await expect(store.export()).rejects.toMatchObject(LEFT);
    // Every record was replaced, and one page each is enough for what is left.
    for (const [name, { version }] of device.storage.records) {
      if (name !== 'owner') expect(version).toBe((before.get(name)?.version ?? -1) + 1);
    }
    expect(sealedSizes(device)).toBeLessThan(4096 + 64);
    await store.leave();
    expect(asked).toEqual(['round-20']);
    await expect(openStore({ ...device, consent })).rejects.toMatchObject(LEFT);
  });

  it('does not open a backup afterwards, nor records that were put back', async () => {
    const { store, consent, ...device } = await busyDevice(() => 'cancelled');
    const backup = await store.backup();
    const copy = device.storage.copy('e-');
    await store.leave();
    await expect(store.restore(backup)).rejects.toMatchObject(LEFT);
    device.storage.putBack(copy);
    await expect(openStore({ ...device, consent })).rejects.toMatchObject(LEFT);
    device.clock.time += 1000;
    consent.optIn(PURPOSE);
    const again = await openStore({ ...device, consent }, { rejoin: true });
    expect(await evidenceOf(again, 'kitchen')).toBe(0);
    await again.restore(backup);
    expect(await evidenceOf(again, 'kitchen')).toBe(0);
    expect(await again.observe(order())).toBe('before-consent');
    device.clock.time += DAY;
    expect(await again.observe(order({ time: device.clock.time }))).toBe('kept');
  });

  it('says when a contribution was not stopped, destroys the rest, and can be repeated', async () => {
    let reachable = false;
    const { store, contributions, storage } = await busyDevice(() => {
      if (!reachable) throw new Error('no network');
      return 'cancelled';
    });
    await expect(store.leave()).rejects.toMatchObject({
      code: 'profile/leave-incomplete',
      details: { pending: 1 },
    });
    await expect(store.scene('live-food').tags()).rejects.toMatchObject(LEFT);
    expect(sealedSizes({ storage })).toBeLessThan(4096 + 64);
    reachable = true;
    await store.leave();
    expect(contributions.unresolved()).toEqual([]);
  });

  it.each([0, 1])('is finished by the next session when scene %i interrupted it', async (scene) => {
    const { store, consent, ...device } = await busyDevice(() => 'cancelled');
    let emptied = 0;
    device.storage.beforeWrite = (name) => {
      if (name.startsWith('e-') && emptied++ === scene) throw new Error('killed');
    };
    await expect(store.leave()).rejects.toThrow('killed');
    device.storage.beforeWrite = () => {};
    await expect(openStore({ ...device, consent })).rejects.toMatchObject(LEFT);
    // Nothing is hidden behind the record that says so.
    for (const name of device.storage.copy('c-').keys()) device.storage.records.delete(name);
    const bare = await openStore({ ...device, consent });
    for (const { evidence } of Object.values((await bare.export()).scenes)) {
      expect(evidence).toEqual([]);
    }
  });

  it('writes nothing more once it is done', async () => {
    const { store, consent, ...device } = await busyDevice(() => 'cancelled');
    await store.leave();
    const after = device.storage.copy();
    await store.leave();
    await expect(openStore({ ...device, consent })).rejects.toMatchObject(LEFT);
    expect(device.storage.copy()).toEqual(after);
  });

  it('also ends a profile that cannot be read, without opening it', async () => {
    const { asked, contributions, consent, storage } = await busyDevice(() => 'cancelled');
    for (const [name, { version, bytes }] of storage.copy()) {
      if (name === 'owner') continue;
      storage.records.set(name, { version, bytes: bytes.map((byte) => byte ^ 255) });
    }
    const options = storeOptions({ consent, storage }, { contributions });
    await expect(ProfileStore.open(options)).rejects.toMatchObject({
      code: 'profile/store-unreadable',
    });
    await ProfileStore.leave(options);
    expect(asked).toEqual(['round-20']);
    expect(sealedSizes({ storage })).toBeLessThan(4096 + 64);
    await expect(ProfileStore.open(options)).rejects.toMatchObject(LEFT);
  });

  it('also ends a profile whose records were set back while it was open', async () => {
    const { store, consent, storage } = await busyDevice(() => 'cancelled');
    const copy = storage.copy();
    await store.observe(order());
    await store.scene('live-food').correct('kitchen', false);
    await store.scene('live-beauty').erase();
    storage.putBack(copy);
    await store.leave();
    expect(sealedSizes({ storage })).toBeLessThan(4096 + 64);
    await expect(store.scene('live-food').tags()).rejects.toMatchObject(LEFT);
    await expect(openStore({ storage, consent })).rejects.toMatchObject(LEFT);
  });

  it('also writes over what is empty, so that no writer that began before it ends after it', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    const store = await openStore(device);
    const food = store.scene('live-food');
    await store.leave();
    const before = device.storage.copy();
    device.consent.optIn(PURPOSE);
    device.clock.time += DAY;
    const other = await openStore(device, { rejoin: true });
    const after = device.storage.copy();
    const names = [...before.keys()].filter((name) => name !== 'owner');
    expect(names.filter((name) => name.startsWith('d-'))).toHaveLength(2);
    await other.leave();
    for (const name of names) {
      const version = after.get(name)?.version as number;
      expect(device.storage.records.get(name)?.version, name).toBeGreaterThan(version);
    }
    await expect(food.tags()).rejects.toMatchObject(LEFT);
  });

  it('does not pretend to end a profile under another secret', async () => {
    const { consent, storage } = await busyDevice(() => 'cancelled');
    const secret = new Uint8Array(32).fill(1);
    await expect(
      ProfileStore.leave(storeOptions({ consent, storage }, { secret })),
    ).rejects.toMatchObject({ code: 'profile/store-unreadable' });
    expect(await evidenceOf(await openStore({ consent, storage }), 'kitchen')).toBe(2);
  });

  it('ends the profile in other tabs too', async () => {
    const { store, ...device } = await busyDevice(() => 'cancelled');
    const other = await openStore(device);
    await store.leave();
    await expect(other.scene('live-food').tags()).rejects.toMatchObject(LEFT);
    device.consent.optIn(PURPOSE);
    device.clock.time += DAY;
    await expect(other.observe(order({ time: device.clock.time }))).rejects.toMatchObject(LEFT);
  });
});
