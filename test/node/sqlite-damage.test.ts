import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChainEntry } from '../../src/core/hash-chain.ts';
import type { BudgetStore } from '../../src/dp/budget/store.ts';
import { SqliteConnection } from '../../src/node/sqlite.ts';
import { SqliteBudgetLog } from '../../src/node/sqlite-budget-log.ts';
import { append, chain, readAll, SqliteFolder } from './fixtures/sqlite-log.ts';

const folder = new SqliteFolder();

/** What a user meets: the code of the error in opening or reading, or none. */
async function codeOf(use: () => Promise<unknown>): Promise<string> {
  try {
    await use();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

async function readOnce(path: string): Promise<unknown> {
  const store = await folder.open(path);
  try {
    return await readAll(store);
  } finally {
    await store.close();
  }
}

describe('a file that is no budget', () => {
  const damage: Readonly<Record<string, (whole: Buffer) => Buffer>> = {
    empty: () => Buffer.alloc(0),
    text: () => Buffer.from('user,epsilon\nanna,1\n'),
    'header cut short': (whole) => whole.subarray(0, 60),
    'header only': (whole) => whole.subarray(0, 100),
    'first page only': (whole) => whole.subarray(0, 4096),
    'half of it': (whole) => whole.subarray(0, Math.floor(whole.length / 8192) * 4096),
    'last byte gone': (whole) => whole.subarray(0, whole.length - 1),
    'last page overwritten': (whole) => Buffer.from(whole).fill(0xaa, whole.length - 4096),
    'second page overwritten': (whole) => Buffer.from(whole).fill(0xaa, 4096, 8192),
    'magic overwritten': (whole) => Buffer.from(whole).fill(0, 0, 4),
    'another application': (whole) => {
      const other = Buffer.from(whole);
      other.writeUInt32BE(1, 68);
      return other;
    },
  };

  it.each(Object.entries(damage))('%s: is refused and left as it was', async (_, spoil) => {
    const path = folder.newPath();
    const bytes = spoil(readFileSync(await folder.filled(40)));
    writeFileSync(path, bytes);
    expect(await codeOf(() => readOnce(path))).toBe('dp/budget-corrupt');
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('is not created by opening it, and not replaced by creating one', async () => {
    const path = folder.newPath();
    const { threads } = folder;
    const { openSqliteBudgetStore } = await import('../../src/node/sqlite-budget-store.ts');
    expect(await codeOf(() => openSqliteBudgetStore(path, { threads }))).toBe('data/missing-file');
    expect(existsSync(path)).toBe(false);
    mkdirSync(path);
    expect(await codeOf(() => readOnce(path))).toBe('dp/budget-unavailable');
    const there = await folder.filled(1);
    const bytes = readFileSync(there);
    expect(await codeOf(() => folder.create(there))).toBe('dp/budget-unavailable');
    expect(readFileSync(there).equals(bytes)).toBe(true);
  });
});

describe('a journal that was torn', () => {
  /** File and journal as a crash after the last commit leaves them; every entry came with page 0. */
  async function crashed(entries: number): Promise<readonly [Buffer, Buffer]> {
    const path = folder.newPath();
    const store = await folder.create(path);
    for (let i = 0; i < entries; i++) {
      await append(store, 1, ({ seq }) => [{ page: 0, bytes: Buffer.from(`${seq}`) }]);
    }
    const files = [readFileSync(path), readFileSync(`${path}-wal`)] as const;
    await store.close();
    return files;
  }

  /** Number of entries that are left; they must be a chain, with the page of the last. */
  async function recovered(file: Buffer, journal: Uint8Array): Promise<number> {
    const path = folder.newPath();
    writeFileSync(path, file);
    writeFileSync(`${path}-wal`, journal);
    const store = await folder.open(path);
    const log = await readAll(store);
    expect(chain.fault(chain.start(), log)).toBeNull();
    const pages = await store.pages();
    expect(pages.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(
      log.length === 0 ? [] : [`${log.length - 1}`],
    );
    const { seq } = await append(store, 1);
    expect(seq).toBe(log.length);
    await store.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    return log.length;
  }

  it('keeps what was committed before, wherever it ends', async () => {
    const [file, journal] = await crashed(12);
    expect(await recovered(file, journal)).toBe(12);
    let last = -1;
    const lengths = new Set<number>();
    // A step that is no divisor of a frame, so that ends fall before, in and behind headers and pages.
    for (let length = 0; length < journal.length; length += 1361) {
      const left = await recovered(file, journal.subarray(0, length));
      expect(left).toBeGreaterThanOrEqual(last);
      last = left;
      lengths.add(left);
    }
    expect([...lengths].slice(0, 12)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  it('keeps what was committed before a byte that is wrong', async () => {
    const [file, journal] = await crashed(8);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 32, max: journal.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const wrong = Buffer.from(journal);
          wrong[at] = (wrong[at] as number) ^ change;
          const intact = await recovered(file, journal.subarray(0, at));
          expect(await recovered(file, wrong)).toBe(intact);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a file that changes while in use', () => {
  const nothing = { append: [], pages: [], result: null };

  function use(store: BudgetStore, entries: number): Promise<unknown> {
    return store.transact({ entries, pages: entries }, () => nothing);
  }

  it.each([
    ['entries were deleted', 'delete from log where seq >= 2'],
    ['the last entry was altered', "update log set hash = x'00' where seq = 3"],
    ['the log was emptied', 'delete from log'],
  ])('is refused when %s', async (_, sql) => {
    const path = await folder.filled(4);
    const store = await folder.open(path);
    expect(await readAll(store)).toHaveLength(4);
    const other = new SqliteConnection(path, 1000);
    other.exec(sql);
    other.close();
    for (const entries of [-1, 3]) {
      expect(await codeOf(() => use(store, entries))).toBe('dp/budget-corrupt');
    }
    // For those who look into it.
    expect(chain.fault(chain.start(), await readAll(store)) === null).toBe(!sql.includes('hash'));
    await store.close();
  });

  it('is not forgotten by reading its beginning again', async () => {
    const path = await folder.filled(6000);
    const store = await folder.open(path);
    await readAll(store);
    for await (const batch of store.read(-1)) {
      expect(batch.length).toBeLessThan(6000);
      break;
    }
    const other = new SqliteConnection(path, 1000);
    other.exec('delete from log where seq = 5999');
    other.close();
    expect(await codeOf(() => use(store, 5998))).toBe('dp/budget-corrupt');
    await store.close();
  });

  it('is refused when the reader knows more than there is', async () => {
    const store = await folder.open(await folder.filled(4));
    expect(await codeOf(() => use(store, 4))).toBe('dp/budget-corrupt');
    await store.close();
  });

  it('is refused when another file took its place', async () => {
    const path = await folder.filled(4);
    const store = await folder.open(path);
    renameSync(await folder.filled(4), path);
    expect(await codeOf(() => use(store, -1))).toBe('dp/budget-corrupt');
    expect(await codeOf(() => readAll(store))).toBe('dp/budget-corrupt');
    await store.close();
  });

  it('is refused when its journal was removed', async () => {
    const path = await folder.filled(4);
    const store = await folder.open(path);
    await append(store, 1);
    rmSync(`${path}-wal`);
    expect(await codeOf(() => append(store, 1))).toBe('dp/budget-corrupt');
    await store.close();
  });

  it.each([
    ['its journal was removed', '-wal'],
    ['the file was removed', ''],
  ])('acknowledges nothing when %s within a transaction', async (_, suffix) => {
    const path = await folder.filled(4);
    const opening = { path, create: false, busyTimeout: 0, decisionTimeout: 0, maxPageCount: null };
    const log = new SqliteBudgetLog(opening);
    const last = log.begin({ entries: -1, pages: -1 }).entries.at(-1) as ChainEntry;
    const entries = [chain.append(last, new Uint8Array(5))];
    log.write(entries, []);
    rmSync(path + suffix);
    expect(await codeOf(async () => log.commit(entries))).toBe('dp/budget-corrupt');
    log.close();
  });

  /** Brings everything from the journal into the file. */
  function checkpoint(path: string): void {
    const connection = new SqliteConnection(path, 1000);
    connection.rows('pragma wal_checkpoint(truncate)');
    connection.close();
  }

  it.each([
    ['and shorter', 40],
    ['of the same length', 1],
  ])('is refused when an older copy %s was written over it', async (_, more) => {
    const path = await folder.filled(3);
    const store = await folder.open(path);
    checkpoint(path);
    const backup = folder.newPath();
    copyFileSync(path, backup);
    await append(store, more);
    checkpoint(path);
    const grown = readFileSync(path).length - readFileSync(backup).length;
    expect(grown > 0).toBe(more > 1);
    expect(await readAll(store)).toHaveLength(3 + more);
    copyFileSync(backup, path);
    expect(await codeOf(() => use(store, 2 + more))).toBe('dp/budget-corrupt');
    await store.close();
  });
});
