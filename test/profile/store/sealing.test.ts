import { describe, expect, it } from 'vitest';
import type { StoredRecord } from '../../../src/profile/index.ts';
import { DAY, newLedger, order, START } from '../fixtures.ts';
import { newDevice, newStore, openStore, SECRET } from './fixtures.ts';

const UNREADABLE = { code: 'profile/store-unreadable' };

function contains(record: StoredRecord, text: string): boolean {
  return Buffer.from(record.bytes).includes(text);
}

describe('sealed records', () => {
  it('show nothing of person, scenes, tags or decisions', async () => {
    const { store, clock, storage } = await newStore();
    clock.time = START + DAY;
    await store.observe(order());
    await store.scene('live-food').correct('health-food', false);
    expect(storage.records.size).toBeGreaterThan(2);
    for (const [name, record] of storage.records) {
      expect(name).toMatch(/^(owner|[ced]-[0-9a-f]{32})$/);
      // Long enough not to come up by accident in random bytes.
      for (const text of ['live-food', 'kitchen', 'health-food', 'recommendation']) {
        expect(name).not.toContain(text);
        expect(contains(record, text)).toBe(false);
      }
    }
  });

  it('differ even where they say the same, and hide their length', async () => {
    const { store, clock, storage } = await newStore();
    clock.time = START + DAY;
    const copy = storage.copy('e-');
    await store.observe(order());
    const [name] = [...storage.copy('e-')].find(
      ([key, { version }]) => version > (copy.get(key)?.version ?? -1),
    ) as [string, StoredRecord];
    const first = storage.records.get(name) as StoredRecord;
    await store.observe(order({ tag: 'health-food' }));
    const second = storage.records.get(name) as StoredRecord;
    expect(second.bytes.length).toBe(first.bytes.length);
    const same = second.bytes.filter((byte, i) => byte === first.bytes[i]).length;
    // Of independent random bytes one in 256 agrees: 16 of 4,124 expected, 60 is beyond 10 deviations.
    expect(same).toBeLessThan(60);
  });

  it('do not open with another secret, or for another person', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    await (await openStore(device)).observe(order());
    const before = device.storage.copy();
    const secret = SECRET.slice();
    secret[31] = 0;
    await expect(openStore(device, { secret })).rejects.toMatchObject(UNREADABLE);
    const consent = newLedger(device.clock, { person: 'u2' });
    await expect(openStore({ ...device, consent })).rejects.toMatchObject(UNREADABLE);
    expect(device.storage.copy()).toEqual(before);
  });

  it('do not open when a single bit was changed, wherever it is', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    await (await openStore(device)).observe(order());
    for (const [name, { version, bytes }] of device.storage.copy()) {
      for (const at of [0, 1, 12, 13, 100, bytes.length - 1]) {
        const altered = bytes.slice();
        altered[at] = (altered[at] as number) ^ 0x10;
        device.storage.records.set(name, { version, bytes: altered });
        await expect(openStore(device)).rejects.toMatchObject(UNREADABLE);
      }
      for (const length of [0, 1, 13, 29, bytes.length - 1]) {
        device.storage.records.set(name, { version, bytes: bytes.slice(0, length) });
        await expect(openStore(device)).rejects.toMatchObject(UNREADABLE);
      }
      device.storage.records.set(name, { version, bytes });
    }
    await expect(openStore(device)).resolves.toBeDefined();
  });

  it('do not open in the place of another scene, kind of record or version', async () => {
    const { store, storage, clock, consent } = await newStore();
    clock.time = START + DAY;
    await store.observe(order());
    await store.observe(order({ scene: 'live-beauty', tag: 'spend-level' }));
    await store.scene('live-food').optOut('baby');
    const all = [...storage.copy()];
    for (const [name, record] of all) {
      for (const [other, { bytes }] of all) {
        if (other === name) continue;
        storage.records.set(name, { version: record.version, bytes });
        await expect(openStore({ storage, consent })).rejects.toMatchObject(UNREADABLE);
      }
      storage.records.set(name, { version: record.version + 1, bytes: record.bytes });
      await expect(openStore({ storage, consent })).rejects.toMatchObject(UNREADABLE);
      storage.records.set(name, record);
    }
  });

  it('want a secret of 32 bytes, a declared purpose, periods and positive units', async () => {
    const device = newDevice();
    for (const options of [
      { secret: new Uint8Array(31) },
      { purpose: 'payment' },
      { halfLife: 'a month' },
      { decisionRetention: 'P0D' },
      { evidenceUnits: { order: 0 } },
      { evidenceUnits: { order: Number.NaN } },
    ] as const) {
      await expect(openStore(device, options)).rejects.toThrow(RangeError);
    }
    expect(device.storage.records.size).toBe(0);
  });
});
