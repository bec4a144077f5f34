import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { HashChain } from '../../src/core/hash-chain.ts';
import { openBudget } from '../../src/dp/budget/accountant.ts';
import { SqliteConnection } from '../../src/node/sqlite.ts';
import {
  createSqliteLog,
  openSqliteBudgetStore,
  SqliteBudgetStore,
} from '../../src/node/sqlite-budget-store.ts';
import { budgetConformance } from '../../src/testing/budget-conformance.ts';
import { budgetStoreConformance } from '../../src/testing/budget-store-conformance.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function newPath(): string {
  return join(folder, `budget-${files++}.sqlite`);
}

function newLog(): string {
  const path = newPath();
  createSqliteLog(path);
  return path;
}

const chain = new HashChain('test');

describe('SqliteBudgetStore', () => {
  const cases = budgetStoreConformance({
    async create() {
      const path = newLog();
      return { open: async () => openSqliteBudgetStore(path) };
    },
  });
  for (const { name, run } of cases) it(name, run);
});

describe('a budget in SQLite', () => {
  const accountKey = new Uint8Array(32).fill(7);
  const cases = budgetConformance({
    async create() {
      const path = newLog();
      return {
        durable: true,
        open: (opening) =>
          openBudget({ ...opening, store: openSqliteBudgetStore(path), accountKey }),
      };
    },
  });
  for (const { name, run } of cases) it(name, run);
});

/** A log of `entries` entries of 500 bytes, closed. */
async function filledLog(entries: number): Promise<string> {
  const path = newLog();
  const store = openSqliteBudgetStore(path);
  await store.transact(-1, () => {
    const append = [chain.append(chain.start(), new Uint8Array(500))];
    while (append.length < entries) {
      append.push(chain.append(append.at(-1) ?? chain.start(), new Uint8Array(500)));
    }
    return { append, result: null };
  });
  await store.close();
  return path;
}

describe('durability', () => {
  it('writes ahead and syncs every commit, whatever the connection did before', () => {
    const path = newLog();
    const connection = new SqliteConnection(path, 1000);
    connection.exec('pragma synchronous = off');
    new SqliteBudgetStore(path, connection);
    expect(connection.rows('pragma synchronous')).toEqual([[2]]);
    expect(connection.rows('pragma journal_mode')).toEqual([['wal']]);
    connection.close();
  });

  it('is complete without its journal once closed', async () => {
    const copy = newPath();
    copyFileSync(await filledLog(40), copy);
    expect(await openSqliteBudgetStore(copy).read(-1)).toHaveLength(40);
  });

  it('books nothing when the disk is full, and goes on when there is room', async () => {
    const path = newLog();
    const connection = new SqliteConnection(path, 1000);
    const store = new SqliteBudgetStore(path, connection);
    const [pages] = connection.rows('pragma page_count')[0] as [number];
    connection.rows(`pragma max_page_count = ${pages + 2}`);
    const large = chain.append(chain.start(), new Uint8Array(100_000));
    await expect(
      store.transact(-1, () => ({ append: [large], result: null })),
    ).rejects.toMatchObject({
      code: 'dp/budget-unavailable',
      details: { sqliteCode: 'SQLITE_FULL' },
    });
    expect(await store.read(-1)).toEqual([]);
    connection.rows('pragma max_page_count = 100000');
    await store.transact(-1, () => ({ append: [large], result: null }));
    expect(await store.read(-1)).toHaveLength(1);
    await store.close();
  });

  it('says so when another process holds the file too long', async () => {
    const path = await filledLog(1);
    const other = new SqliteConnection(path, 0);
    other.exec('begin immediate');
    const store = openSqliteBudgetStore(path, { busyTimeout: 20 });
    await expect(store.transact(0, () => ({ append: [], result: null }))).rejects.toMatchObject({
      code: 'dp/budget-unavailable',
    });
    other.exec('rollback');
    await store.transact(0, () => ({ append: [], result: null }));
    await store.close();
    other.close();
  });
});

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
    'another version': (whole) => {
      const other = Buffer.from(whole);
      other.writeUInt32BE(99, 60);
      return other;
    },
  };

  it.each(Object.entries(damage))('%s: is refused and left as it was', async (_, spoil) => {
    const path = newPath();
    const bytes = spoil(readFileSync(await filledLog(40)));
    writeFileSync(path, bytes);
    const use = async (): Promise<unknown> => openSqliteBudgetStore(path).read(-1);
    await expect(use()).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('is refused when it has other tables', async () => {
    const path = await filledLog(1);
    const connection = new SqliteConnection(path, 1000);
    connection.exec('create table extra (a)');
    connection.close();
    expect(() => openSqliteBudgetStore(path)).toThrow(
      expect.objectContaining({ code: 'dp/budget-corrupt' }),
    );
  });

  it('is not created by opening it', () => {
    const path = newPath();
    expect(() => openSqliteBudgetStore(path)).toThrow(
      expect.objectContaining({ code: 'data/missing-file' }),
    );
    expect(existsSync(path)).toBe(false);
    expect(() => openSqliteBudgetStore(folder)).toThrow(
      expect.objectContaining({ code: 'dp/budget-unavailable' }),
    );
  });
});

describe('a file that changes while in use', () => {
  it('is found to be rolled back or altered', async () => {
    for (const change of [
      'delete from log where seq >= 2',
      "update log set hash = x'00' where seq = 3",
    ]) {
      const path = await filledLog(4);
      const store = openSqliteBudgetStore(path);
      expect(await store.read(-1)).toHaveLength(4);
      const other = new SqliteConnection(path, 1000);
      other.exec(change);
      other.close();
      await expect(store.transact(3, () => ({ append: [], result: null }))).rejects.toMatchObject({
        code: 'dp/budget-corrupt',
      });
      await store.close();
    }
  });

  it('is found to be replaced', async () => {
    const path = await filledLog(4);
    const store = openSqliteBudgetStore(path);
    renameSync(await filledLog(4), path);
    await expect(store.read(-1)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    await store.close();
  });
});
