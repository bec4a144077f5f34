import type { ProfileStorage, StoredRecord } from '../profile/index.ts';
import { type ConformanceCase, check, errorCode } from './conformance.ts';

/** One place for records, which can be opened more than once. */
export interface ProfileStorageHome {
  /** Another handle on the same records, as another tab or process would have. */
  open(): Promise<ProfileStorage>;
}

/** What {@link profileStorageConformance} checks. */
export interface ProfileStorageSubject {
  /** A new, empty place. */
  create(): Promise<ProfileStorageHome>;
  /** Whether records outlive the last handle. */
  readonly durable: boolean;
}

type StorageCheck = (
  storage: ProfileStorage,
  home: ProfileStorageHome,
  subject: ProfileStorageSubject,
) => Promise<void>;

const NAME = 'e-0123456789abcdef';
const WRITERS = 4;
const WRITES = 12;

const CASES: Readonly<Record<string, StorageCheck>> = {
  'has nothing at first': async (storage) => {
    check((await storage.read(NAME)) === null, 'a record nobody wrote was read');
  },

  'gives back what was written last, by name': async (storage) => {
    await put(storage, 0, 1);
    check(await storage.write('other', recordOf(0, 9)), 'the first record was not taken');
    await put(storage, 1, 2);
    await expectRecord(storage, 1, 2);
    check((await storage.read('other'))?.bytes[0] === 9, 'names were mixed up');
  },

  'takes each version once and in order': async (storage) => {
    check(!(await storage.write(NAME, recordOf(1, 1))), 'a version without the one before it');
    await put(storage, 0, 1);
    check(!(await storage.write(NAME, recordOf(0, 2))), 'version 0 was taken twice');
    check(!(await storage.write(NAME, recordOf(2, 2))), 'version 1 was left out');
    await expectRecord(storage, 0, 1);
  },

  'keeps copies': async (storage) => {
    const record = recordOf(0, 1);
    await storage.write(NAME, record);
    record.bytes.fill(7);
    (await storage.read(NAME))?.bytes.fill(8);
    await expectRecord(storage, 0, 1);
  },

  'keeps records of any size': async (storage) => {
    for (const [version, length] of [1, 5000, 300_000].entries()) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 31);
      check(await storage.write(NAME, { version, bytes }), `${length} bytes were not taken`);
      const back = (await storage.read(NAME))?.bytes;
      check(back?.length === length && back.every((b, i) => b === bytes[i]), 'bytes changed');
    }
  },

  'shows every handle what another one wrote': async (storage, home) => {
    const other = await home.open();
    try {
      await put(storage, 0, 1);
      await expectRecord(other, 0, 1);
      await put(other, 1, 2);
      await expectRecord(storage, 1, 2);
      check(!(await storage.write(NAME, recordOf(1, 3))), 'a version was taken twice');
    } finally {
      await other.close();
    }
  },

  'lets one of several writers win each version': async (_, home) => {
    const won = Array.from({ length: WRITERS }, () => 0);
    await Promise.all(
      won.map(async (__, writer) => {
        const storage = await home.open();
        try {
          while ((won[writer] as number) < WRITES) {
            const version = ((await storage.read(NAME))?.version ?? -1) + 1;
            if (await storage.write(NAME, recordOf(version, writer))) {
              won[writer] = (won[writer] as number) + 1;
            }
          }
        } finally {
          await storage.close();
        }
      }),
    );
    const storage = await home.open();
    const version = (await storage.read(NAME))?.version;
    await storage.close();
    check(version === WRITERS * WRITES - 1, `${WRITERS * WRITES} writes made version ${version}`);
  },

  'refuses names and versions that no record has': async (storage) => {
    for (const name of ['', '../x', 'A', 'a/b', 'a\0', 'x'.repeat(65)]) {
      check((await errorCode(() => storage.read(name))) === 'RangeError', `read "${name}"`);
      check(
        (await errorCode(() => storage.write(name, recordOf(0, 1)))) === 'RangeError',
        `wrote "${name}"`,
      );
    }
    for (const version of [-1, 0.5, Number.NaN]) {
      check(
        (await errorCode(() => storage.write(NAME, recordOf(version, 1)))) === 'RangeError',
        `wrote version ${version}`,
      );
    }
  },

  'refuses everything once closed, and keeps what it acknowledged': async (
    storage,
    home,
    { durable },
  ) => {
    await put(storage, 0, 1);
    await storage.close();
    await storage.close();
    for (const use of [() => storage.read(NAME), () => storage.write(NAME, recordOf(1, 1))]) {
      const code = await errorCode(use);
      check(
        code === 'profile/store-unavailable',
        `expected profile/store-unavailable, got ${code}`,
      );
    }
    if (!durable) return;
    const again = await home.open();
    try {
      await expectRecord(again, 0, 1);
    } finally {
      await again.close();
    }
  },
};

/** What every `ProfileStorage` must do. */
export function profileStorageConformance(
  subject: ProfileStorageSubject,
): readonly ConformanceCase[] {
  return Object.entries(CASES).map(([name, body]) => ({
    name,
    async run(): Promise<void> {
      const home = await subject.create();
      const storage = await home.open();
      try {
        await body(storage, home, subject);
      } finally {
        await storage.close();
      }
    },
  }));
}

function recordOf(version: number, byte: number): StoredRecord {
  return { version, bytes: new Uint8Array(100).fill(byte) };
}

async function put(storage: ProfileStorage, version: number, byte: number): Promise<void> {
  check(await storage.write(NAME, recordOf(version, byte)), `version ${version} was not taken`);
}

async function expectRecord(storage: ProfileStorage, version: number, byte: number): Promise<void> {
  const record = await storage.read(NAME);
  check(record?.version === version, `expected version ${version}, got ${record?.version}`);
  check(
    record.bytes.length === 100 && record.bytes.every((b) => b === byte),
    `the bytes of version ${version} changed`,
  );
}
