import { describe, expect, it } from 'vitest';
import { validateSchema } from '../../../src/profile/index.ts';
import {
  DAY,
  grantAll,
  newLedger,
  order,
  reopenedLedger,
  START,
  schemaJson,
  TestClock,
  watching,
} from '../fixtures.ts';
import { evidenceOf, newDevice, newStore, openStore, PURPOSE, tagOf } from './fixtures.ts';

const ROLLED_BACK = { code: 'profile/store-rolled-back' };

describe('retention', () => {
  it('ends with the shorter of tag and kind, and takes single days', async () => {
    // Tags last 90 days, orders two years.
    const { store, clock } = await newStore({ halfLife: 'P900Y' });
    for (const day of [1, 11]) {
      clock.time = START + day * DAY;
      await store.observe(order({ time: clock.time + 4 * 60_000 }));
    }
    const left = async (days: number): Promise<number> => {
      clock.time = START + days * DAY;
      return (await tagOf(store.scene('live-food'), 'kitchen')).events;
    };
    expect(await left(90.9)).toBe(2);
    // At the latest when its first hour is 90 days old, a day is gone: never kept too long.
    expect(await left(91)).toBe(1);
    expect(await left(100.9)).toBe(1);
    expect(await left(101)).toBe(0);
  });

  it('removes from the storage what it no longer shows', async () => {
    const { store, clock, storage } = await newStore();
    clock.time = START + DAY;
    await store.observe(order());
    clock.time = START + 200 * DAY;
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
    // Read by a session that knows of no later time, it still is not there.
    const consent = newLedger(new TestClock());
    grantAll(consent);
    const after = storage.copy();
    const other = await openStore({ consent, storage });
    expect((await other.export()).scenes['live-food']?.evidence).toEqual([]);
    expect(storage.copy()).toEqual(after);
  });

  it('does not come back when the clock is set back, not even in the next session', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    const first = await openStore(device, { halfLife: 'P900Y' });
    await first.observe(order());
    device.clock.time = START + 200 * DAY;
    await first.sweep();
    await first.observe(order({ tag: 'baby', time: device.clock.time }));
    await first.close();
    device.clock.time = START + 2 * DAY;
    const consent = reopenedLedger(device.consent, device.clock);
    const second = await openStore({ consent, storage: device.storage }, { halfLife: 'P900Y' });
    expect(await evidenceOf(second, 'kitchen')).toBe(0);
    // An event of today is older than what the profile has seen, so it is not taken either.
    expect(await second.observe(order({ time: device.clock.time }))).toBe('past-retention');
  });

  it('forgives a clock that once ran ahead when everything is erased', async () => {
    const { clock, consent, storage, store } = await newStore();
    clock.time = START + 300 * DAY;
    await store.observe(order({ time: clock.time }));
    await store.close();
    clock.time = START + DAY;
    const honest = reopenedLedger(consent, clock);
    const next = await openStore({ consent: honest, storage });
    expect(await next.observe(order())).toBe('past-retention');
    await next.scene('live-food').erase();
    expect(await next.observe(order())).toBe('kept');
    expect(consent.clockSetbacks).toBe(0);
  });
});

describe('consent', () => {
  it('takes its data along when it is withdrawn, and leaves the rest', async () => {
    const { store, clock, consent } = await newStore();
    clock.time = START + DAY;
    await store.observe(watching());
    await store.observe(order());
    consent.withdraw({ tier: 'enhanced', scene: 'live-beauty' });
    const beauty = store.scene('live-beauty');
    expect((await tagOf(beauty, 'makeup')).events).toBe(0);
    expect((await store.export()).scenes['live-beauty']?.evidence).toEqual([]);
    expect(await evidenceOf(store, 'kitchen')).toBe(2);
  });

  it('does not revive what was withdrawn by being given again', async () => {
    const { store, clock, consent } = await newStore();
    clock.time = START + DAY;
    await store.observe(watching());
    consent.withdraw({ tier: 'enhanced', scene: 'live-beauty' });
    grantAll(consent);
    expect((await tagOf(store.scene('live-beauty'), 'makeup')).events).toBe(0);
  });

  it('does not revive what expired by being given again', async () => {
    const { store, clock, consent } = await newStore({ halfLife: 'P900Y' });
    clock.time = START + 360 * DAY;
    await store.observe(order({ time: clock.time }));
    const backup = await store.backup();
    clock.time = START + 370 * DAY;
    const terms = { purposes: [PURPOSE], controller: 'platform' } as const;
    const again = { scope: { tier: 'essential' }, ...terms, expiresAt: START + 700 * DAY } as const;
    consent.grant(again);
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
    await store.restore(backup);
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
    expect(await store.observe(order({ time: clock.time }))).toBe('kept');
    // Renewed in time, nothing has ended.
    consent.grant({ ...again, expiresAt: START + 800 * DAY });
    expect(await evidenceOf(store, 'kitchen')).toBe(2);
    // Nor does an agreement to something else in between keep it.
    consent.grant({ ...again, purposes: ['order-fulfilment'] });
    consent.grant(again);
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
  });

  it('takes its data along when it expires', async () => {
    const { store, clock } = await newStore({ halfLife: 'P900Y' });
    clock.time = START + 360 * DAY;
    await store.observe(order({ time: clock.time }));
    clock.time = START + 365 * DAY;
    expect((await tagOf(store.scene('live-food'), 'kitchen')).events).toBe(0);
    // Gone, and not only hidden.
    expect((await store.export()).scenes['live-food']?.evidence).toEqual([]);
  });

  it('only hides its data during a pause', async () => {
    const { store, clock, consent } = await newStore();
    clock.time = START + DAY;
    await store.observe(order());
    consent.setWatchOnly('live-food', true);
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
    const counts = await store.scene('live-food').counts(['kitchen']);
    expect([...counts.read('live-food', PURPOSE)]).toEqual([0]);
    expect((await store.export()).scenes['live-food']?.evidence).toHaveLength(1);
    consent.setWatchOnly('live-food', false);
    expect(await evidenceOf(store, 'kitchen')).toBe(2);
  });

  it('is refused with a history shorter than the profile has seen', async () => {
    const device = newDevice();
    const { consent, clock } = device;
    clock.time = START + DAY;
    const store = await openStore(device);
    consent.withdraw({ tier: 'enhanced', scene: 'live-beauty' });
    await store.observe(order());
    const forgetful = newLedger(clock);
    grantAll(forgetful);
    await expect(openStore({ ...device, consent: forgetful })).rejects.toMatchObject({
      code: 'profile/store-rolled-back',
    });
  });
});

describe('another history of consent', () => {
  it('is refused in a tab that missed a withdrawal, also after acts of its own', async () => {
    const device = newDevice();
    const { consent, clock, storage } = device;
    clock.time = START + DAY;
    const one = await openStore(device);
    const missed = reopenedLedger(consent, clock);
    const two = await openStore({ consent: missed, storage });
    consent.withdraw({ tier: 'enhanced', scene: 'live-beauty' });
    await one.sweep();
    await expect(tagOf(two.scene('live-beauty'), 'makeup')).rejects.toMatchObject(ROLLED_BACK);
    missed.optOut('fraud-prevention');
    await expect(tagOf(two.scene('live-beauty'), 'makeup')).rejects.toMatchObject(ROLLED_BACK);
    await expect(two.observe(order())).rejects.toMatchObject(ROLLED_BACK);
    await expect(two.restore(await one.backup())).rejects.toMatchObject(ROLLED_BACK);
    // The whole history is welcome.
    const next = await openStore({ consent: reopenedLedger(consent, clock), storage });
    expect(await next.observe(order())).toBe('kept');
  });
});

describe('a schema that no longer declares a tag', () => {
  it('takes its evidence and its choices along', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    const store = await openStore(device);
    await store.observe(order({ tag: 'baby' }));
    await store.observe(order());
    await store.scene('live-food').correct('health-food', true);
    await store.close();
    const json = schemaJson();
    delete json.tags['baby'];
    delete json.tags['health-food'];
    json.sensitiveCombinations = [];
    const consent = reopenedLedger(device.consent, device.clock, { schema: validateSchema(json) });
    const next = await openStore({ consent, storage: device.storage });
    expect((await next.export()).scenes['live-food']?.evidence.map((row) => row.tag)).toEqual([
      'kitchen',
    ]);
    const choices = (await next.scene('live-food').choices()).read('live-food', PURPOSE);
    expect([...choices.corrections.keys()]).toEqual([]);
  });
});
