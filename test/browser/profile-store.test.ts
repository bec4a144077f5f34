import { describe, expect, it } from 'vitest';
import {
  CollectionGate,
  openIndexedDbStorage,
  ProfileStore,
  type ProfileStoreOptions,
} from '../../src/profile/index.ts';
import { profileStorageConformance } from '../../src/testing/profile-storage-conformance.ts';
import { DAY, grantAll, newLedger, order, START, TestClock } from '../profile/fixtures.ts';

const PURPOSE = 'recommendation';
let databases = 0;
const newName = (): string => `velatura-test-${Date.now()}-${databases++}`;

async function tabOptions(name: string, secret: number): Promise<ProfileStoreOptions> {
  const clock = new TestClock();
  const consent = newLedger(clock);
  grantAll(consent);
  clock.time = START + DAY;
  return {
    consent,
    purpose: PURPOSE,
    storage: await openIndexedDbStorage(name),
    secret: new Uint8Array(32).fill(secret),
    gate: (collect) => new CollectionGate({ consent, purpose: PURPOSE, collect }),
    halfLife: 'P30D',
    decisionRetention: 'P90D',
  };
}

/** What somebody sees who can open the database but has no secret. */
function rawRecords(name: string): Promise<readonly { version: number; bytes: Uint8Array }[]> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const all = opening.result.transaction('records').objectStore('records').getAll();
      all.onerror = () => reject(all.error);
      all.onsuccess = () => {
        opening.result.close();
        resolve(all.result);
      };
    };
  });
}

async function evidence(store: ProfileStore): Promise<number | undefined> {
  const tags = (await store.scene('live-food').tags()).read('live-food', PURPOSE);
  return tags.find(({ tag }) => tag === 'kitchen')?.evidence;
}

describe('records in IndexedDB', () => {
  const cases = profileStorageConformance({
    durable: true,
    async create() {
      const name = newName();
      return { open: () => openIndexedDbStorage(name) };
    },
  });
  it.each(cases)('$name', ({ run }) => run());

  it('let the database be deleted by another tab, and then are unavailable', async () => {
    const name = newName();
    const storage = await openIndexedDbStorage(name);
    await storage.write('e', { version: 0, bytes: new Uint8Array(10) });
    await new Promise<void>((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase(name);
      deleting.onsuccess = () => resolve();
      deleting.onerror = () => reject(deleting.error);
    });
    await expect(storage.read('e')).rejects.toMatchObject({ code: 'profile/store-unavailable' });
  });
});

describe('a profile in a page', () => {
  it('is kept, shared by tabs, put right, and left', async () => {
    const name = newName();
    const one = await ProfileStore.open(await tabOptions(name, 1));
    const two = await ProfileStore.open(await tabOptions(name, 1));
    const tabs = [one, two];
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => tabs[i % 2]?.observe(order({ value: 1 }))),
    );
    expect(await evidence(one)).toBe(40);
    await two.scene('live-food').correct('kitchen', false);
    expect(await one.observe(order())).toBe('corrected-by-person');
    const text = (await rawRecords(name)).map(({ bytes }) => new TextDecoder().decode(bytes));
    expect(text.length).toBeGreaterThan(2);
    for (const record of text) expect(record).not.toMatch(/kitchen|live-food|recommendation/);
    await expect(ProfileStore.open(await tabOptions(name, 2))).rejects.toMatchObject({
      code: 'profile/store-unreadable',
    });
    await one.leave();
    await expect(evidence(two)).rejects.toMatchObject({ code: 'profile/left' });
    await expect(ProfileStore.open(await tabOptions(name, 1))).rejects.toMatchObject({
      code: 'profile/left',
    });
    for (const { bytes } of await rawRecords(name)) expect(bytes.length).toBeLessThan(4096 + 64);
  });
});
