import {
  CollectionGate,
  type ConsentLedger,
  type ProfileStorage,
  ProfileStore,
  type ProfileStoreOptions,
  type SceneProfile,
  type StoredRecord,
  type TagState,
} from '../../../src/profile/index.ts';
import { grantAll, newLedger, TestClock } from '../fixtures.ts';

export const SECRET: Uint8Array = new Uint8Array(32).fill(9);
export const PURPOSE = 'recommendation';

/** Records that a test can copy, put back, alter, and make fail. */
export class TestStorage implements ProfileStorage {
  records = new Map<string, StoredRecord>();
  /** Called before each write; may throw, or wait. */
  beforeWrite: (name: string) => void | Promise<void> = () => {};

  async read(name: string): Promise<StoredRecord | null> {
    return this.records.get(name) ?? null;
  }

  async write(name: string, record: StoredRecord): Promise<boolean> {
    await this.beforeWrite(name);
    if ((this.records.get(name)?.version ?? -1) !== record.version - 1) return false;
    this.records.set(name, record);
    return true;
  }

  async close(): Promise<void> {}

  /** A copy of the records whose names begin so, as a backup of the device would make it. */
  copy(prefix = ''): Map<string, StoredRecord> {
    return new Map([...this.records].filter(([name]) => name.startsWith(prefix)));
  }

  /** Puts a copy back, as if the device had been restored. */
  putBack(copy: ReadonlyMap<string, StoredRecord>): void {
    for (const [name, record] of copy) this.records.set(name, record);
  }
}

/** A person's device: what outlives a closed store. */
export interface Device {
  readonly clock: TestClock;
  readonly consent: ConsentLedger;
  readonly storage: TestStorage;
}

/** A device of a person who agreed to everything. */
export function newDevice(): Device {
  const clock = new TestClock();
  const consent = newLedger(clock);
  grantAll(consent);
  return { clock, consent, storage: new TestStorage() };
}

/** With what the profile of a device is opened. */
export function storeOptions(
  { consent, storage }: Pick<ProfileStoreOptions, 'consent' | 'storage'>,
  options: Partial<ProfileStoreOptions> = {},
): ProfileStoreOptions {
  return {
    consent,
    purpose: PURPOSE,
    storage,
    secret: SECRET,
    gate: (collect) => new CollectionGate({ consent, purpose: PURPOSE, collect }),
    halfLife: 'P30D',
    decisionRetention: 'P90D',
    ...options,
  };
}

/** Opens the profile of a device, as one more tab would. */
export function openStore(
  device: Pick<ProfileStoreOptions, 'consent' | 'storage'>,
  options: Partial<ProfileStoreOptions> = {},
): Promise<ProfileStore> {
  return ProfileStore.open(storeOptions(device, options));
}

/** A device with its open store. */
export async function newStore(
  options: Partial<ProfileStoreOptions> = {},
): Promise<Device & { readonly store: ProfileStore }> {
  const device = newDevice();
  return { ...device, store: await openStore(device, options) };
}

/** The state of one tag. */
export async function tagOf<S extends string>(
  profile: SceneProfile<S>,
  tag: string,
): Promise<TagState> {
  const states = (await profile.tags()).read(profile.scene as NoInfer<S>, PURPOSE);
  const state = states.find((s) => s.tag === tag);
  if (state === undefined) throw new Error(`no tag ${tag}`);
  return state;
}

/** How much evidence there is for a tag. */
export async function evidenceOf(store: ProfileStore, tag: string): Promise<number> {
  return (await tagOf(store.scene('live-food'), tag)).evidence;
}
