import { spawn } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ChainHead } from '../../src/core/hash-chain.ts';
import type { IdentityPage } from '../../src/dp/budget/store.ts';
import { SqliteConnection } from '../../src/node/sqlite.ts';
import {
  createSqliteBudgetStore,
  type TransactionPoint,
} from '../../src/node/sqlite-budget-store.ts';
import { type SqliteThread, SqliteThreads } from '../../src/node/sqlite-threads.ts';
import { budgetStoreConformance } from '../../src/testing/budget-store-conformance.ts';
import { append, chain, readAll, SqliteFolder } from './fixtures/sqlite-log.ts';

const folder = new SqliteFolder();
const nothing = { append: [], pages: [], result: null };

describe('SqliteBudgetStore', () => {
  const cases = budgetStoreConformance({
    async create() {
      const path = folder.newPath();
      await (await folder.create(path)).close();
      return { open: () => folder.open(path) };
    },
  });
  for (const { name, run } of cases) it(name, run);
});

describe('durability', () => {
  it('is complete without its journal once closed, and only for its owner', async () => {
    const copy = folder.newPath();
    const path = await folder.filled(40);
    copyFileSync(path, copy);
    const store = await folder.open(copy);
    expect(await readAll(store)).toHaveLength(40);
    for (const suffix of ['', '-wal', '-shm']) {
      expect(statSync(copy + suffix).mode & 0o777).toBe(0o600);
    }
    await store.close();
  });

  it('books nothing when the disk is full, and goes on with what has room', async () => {
    const path = folder.newPath();
    const store = await folder.create(path, { maxPageCount: 20 });
    const large = chain.append(chain.start(), new Uint8Array(100_000));
    const page = { page: 0, bytes: new Uint8Array(10) };
    const write = store.transact({ entries: -1, pages: -1 }, () => ({
      append: [large],
      pages: [page],
      result: null,
    }));
    await expect(write).rejects.toMatchObject({
      code: 'dp/budget-unavailable',
      details: { sqliteCode: 'SQLITE_FULL' },
    });
    expect(await readAll(store)).toEqual([]);
    expect(await store.pages()).toEqual([]);
    const snapshot = { seq: 0, bytes: new Uint8Array(200_000) };
    await expect(store.saveSnapshot(snapshot)).rejects.toMatchObject({
      code: 'dp/budget-unavailable',
    });
    expect(await store.loadSnapshot()).toBeNull();
    await append(store, 1);
    await store.close();
    const roomy = await folder.open(path);
    await append(roomy, 1000);
    expect(await readAll(roomy)).toHaveLength(1001);
    await roomy.close();
  });

  it('wipes replaced identity pages from file and journal, even while it stays open', async () => {
    const path = folder.newPath();
    const store = await folder.create(path);
    const pagesOf = (text: string) => (): readonly IdentityPage[] =>
      [3, 4].map((page) => ({ page, bytes: Buffer.from(`${text}-${page} `.repeat(300)) }));
    await append(store, 1, pagesOf('SECRET'));
    await append(store, 40);
    await append(store, 1, pagesOf('EMPTIED'));
    const files = (): string =>
      readdirSync(folder.path)
        .filter((name) => name.startsWith(basename(path)))
        .map((name) => readFileSync(join(folder.path, name), 'latin1'))
        .join();
    expect(files()).toContain('SECRET-3');
    await expect.poll(files, { timeout: 10_000 }).not.toContain('SECRET');
    expect(files()).toContain('EMPTIED-4');
    await store.close();
  });

  /** What the files of a budget hold, as text. */
  function contentsOf(path: string): string {
    return ['', '-wal'].map((suffix) => readFileSync(path + suffix, 'latin1')).join();
  }

  it('wipes them while it is never at rest', async () => {
    const path = folder.newPath();
    const store = await folder.create(path);
    const pagesOf = (text: string) => (): readonly IdentityPage[] => [
      { page: 0, bytes: Buffer.from(text.repeat(600)) },
    ];
    await append(store, 1, pagesOf('SECRET'));
    await append(store, 1, pagesOf('EMPTIED'));
    expect(contentsOf(path)).toContain('SECRET');
    const end = performance.now() + 2500;
    while (performance.now() < end) {
      await append(store, 1);
      if (!contentsOf(path).includes('SECRET')) break;
    }
    expect(performance.now()).toBeLessThan(end);
    await store.close();
  });

  it('wipes what a killed process left when it is opened', async () => {
    const path = folder.newPath();
    await (await createSqliteBudgetStore(path)).close();
    const script = new URL('./fixtures/sqlite-process.ts', import.meta.url).pathname;
    const task = JSON.stringify({ path, task: 'die', point: 'committed', after: 20 });
    const child = spawn(process.execPath, ['--import', 'tsx', script, task], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
    // Every page of this process says a number, and only the last one may be left.
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    const store = await folder.open(path);
    expect(statSync(`${path}-wal`).size).toBe(0);
    const entries = await readAll(store);
    expect(entries.length).toBeGreaterThan(10);
    await store.close();
  });

  it('wipes it later when somebody is reading just then', async () => {
    const path = await folder.filled(1);
    const other = new SqliteConnection(path, 1000);
    const store = await folder.open(path);
    await append(store, 1);
    other.exec('begin');
    expect(other.rows('select count(*) from log')).toEqual([[2]]);
    await append(store, 1);
    const late = await folder.open(path);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    other.exec('rollback');
    await expect.poll(() => statSync(`${path}-wal`).size, { timeout: 10_000 }).toBe(0);
    await store.close();
    await late.close();
    other.close();
  });

  it('wipes them at once when it is closed', async () => {
    const path = folder.newPath();
    const store = await folder.create(path);
    const pagesOf = (text: string) => (): readonly IdentityPage[] => [
      { page: 0, bytes: Buffer.from(text.repeat(600)) },
    ];
    await append(store, 1, pagesOf('SECRET'));
    await append(store, 1, pagesOf('EMPTIED'));
    await store.close();
    expect(readFileSync(path, 'latin1')).not.toContain('SECRET');
  });
});

describe('waiting', () => {
  it('does not hold up this thread', async () => {
    const path = await folder.filled(1);
    const other = new SqliteConnection(path, 0);
    other.exec('begin immediate');
    const store = await folder.open(path);
    let done = false;
    const waiting = append(store, 1).then((head) => {
      done = true;
      return head.seq;
    });
    for (let i = 0; i < 10; i++) await setTimeout(10);
    expect(done).toBe(false);
    other.exec('rollback');
    expect(await waiting).toBe(1);
    await store.close();
    other.close();
  });

  it('ends with an error when another process holds the file too long', async () => {
    const path = await folder.filled(1);
    const other = new SqliteConnection(path, 0);
    other.exec('begin immediate');
    const store = await folder.open(path, { busyTimeout: 20 });
    await expect(store.transact({ entries: 0, pages: 0 }, () => nothing)).rejects.toMatchObject({
      code: 'dp/budget-unavailable',
      details: { sqliteCode: 'SQLITE_BUSY' },
    });
    other.exec('rollback');
    await store.transact({ entries: 0, pages: 0 }, () => nothing);
    await store.close();
    other.close();
  });

  /** Keeps this thread busy. */
  function block(milliseconds: number): void {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
  }

  it('lets others in when a decision takes too long, and writes nothing of it', async () => {
    const path = await folder.filled(1);
    const store = await folder.open(path, { decisionTimeout: 50 });
    const late = store.transact({ entries: 0, pages: 0 }, () => {
      block(400);
      const other = new SqliteConnection(path, 0);
      other.exec('begin immediate; rollback');
      other.close();
      const entry = chain.append({ seq: 0, hash: new Uint8Array(32) }, new Uint8Array(5));
      return { append: [entry], pages: [], result: null };
    });
    await expect(late).rejects.toMatchObject({ code: 'dp/budget-unavailable' });
    expect(await readAll(store)).toHaveLength(1);
    expect((await append(store, 1)).seq).toBe(1);
    await store.close();
  });

  it('reads the news again when this thread heard of them too late', async () => {
    const path = await folder.filled(1);
    const store = await folder.open(path, { decisionTimeout: 50 });
    let handed = 0;
    const blocked = store.transact({ entries: -1, pages: -1 }, ({ entries }) => {
      handed = entries.length;
      const entry = chain.append(entries.at(-1) as ChainHead, new Uint8Array(5));
      return { append: [entry], pages: [], result: entry.seq };
    });
    for (let i = 0; i < 10; i++) await null; // the request is on its way, and no answer is heard
    block(400);
    const other = new SqliteConnection(path, 0);
    const body = new Uint8Array(5);
    const [row] = other.rows('select seq, hash from log');
    const entry = chain.append({ seq: 0, hash: row?.[1] as Uint8Array }, body);
    const { seq, hash } = entry;
    other.run('insert into log (seq, body, hash) values (?, ?, ?)', [seq, body, hash]);
    other.close();
    expect(await blocked).toBe(2);
    expect(handed).toBe(2);
    expect(chain.fault(chain.start(), await readAll(store))).toBeNull();
    await store.close();
  });

  it('keeps others out of exclusive work, however long it takes', async () => {
    const path = await folder.filled(1);
    const store = await folder.open(path, { decisionTimeout: 20 });
    const other = new SqliteConnection(path, 0);
    await store.exclusively(async () => {
      await setTimeout(200);
      expect(() => other.exec('begin immediate')).toThrow(/locked/);
    });
    await store.close();
    other.close();
  });

  it('lets others in while nobody decides', async () => {
    const path = await folder.filled(1);
    const store = await folder.open(path);
    const position = { entries: 0, pages: 0 };
    await store.transact(position, () => nothing);
    await expect(
      store.transact(position, () => {
        throw new RangeError('no');
      }),
    ).rejects.toThrow('no');
    await expect
      .poll(() => {
        const other = new SqliteConnection(path, 0);
        try {
          other.exec('begin immediate; rollback');
          return 'free';
        } catch (error) {
          return String(error);
        } finally {
          other.close();
        }
      })
      .toBe('free');
    await store.close();
  });
});

class WatchedThreads extends SqliteThreads {
  readonly taken: SqliteThread[] = [];

  override take(): SqliteThread {
    const thread = super.take();
    this.taken.push(thread);
    return thread;
  }
}

describe('the thread of a store', () => {
  const script = new URL('./fixtures/sqlite-process.ts', import.meta.url).pathname;

  it('does not keep a process from ending, but does what was asked first', async () => {
    const path = await folder.filled(1);
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', script, JSON.stringify({ path, task: 'leave' })],
      { stdio: 'inherit' },
    );
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(0);
    const store = await folder.open(path);
    expect(await readAll(store)).toHaveLength(2);
    await store.close();
  });

  it('is not forgotten when it dies: the store refuses and can be closed', async () => {
    const threads = new WatchedThreads();
    const path = await folder.filled(1);
    const store = await folder.open(path, { threads });
    const [thread] = threads.taken;
    const late = store.transact({ entries: 0, pages: 0 }, () => {
      void thread?.end();
      return nothing;
    });
    await late.catch(() => {});
    await expect.poll(() => thread?.failed).toBe(true);
    await expect(append(store, 1)).rejects.toMatchObject({ code: 'dp/budget-unavailable' });
    await expect(store.pages()).rejects.toMatchObject({ code: 'dp/budget-unavailable' });
    await store.close();
    const again = await folder.open(path);
    expect((await append(again, 1)).seq).toBe(1);
    await again.close();
  });

  it('serves one file after the other when it is shared', async () => {
    const threads = new WatchedThreads();
    const path = await folder.filled(1);
    for (let i = 1; i <= 70; i++) {
      const store = await folder.open(path, { threads });
      if (i % 10 === 0) await append(store, 1);
      await store.close();
    }
    const started = new Set(threads.taken);
    expect(started.size).toBe(2);
    const store = await folder.open(path, { threads });
    expect(await readAll(store)).toHaveLength(8);
    await threads.close();
    await append(store, 1);
    await store.close();
    expect([...started].every(({ failed }) => failed)).toBe(true);
  });
});

describe('points of a transaction', () => {
  it('are passed in order', async () => {
    const points: TransactionPoint[] = [];
    const store = await folder.create(undefined, { onPoint: (point) => points.push(point) });
    await append(store, 1);
    expect(points.splice(0)).toEqual(['begun', 'decided', 'written', 'committed']);
    const head: ChainHead = await append(store, 0);
    expect(points.splice(0)).toEqual(['begun', 'decided']);
    await store.saveSnapshot({ seq: head.seq, bytes: new Uint8Array(1_100_000) });
    expect(points.splice(0)).toEqual([
      'snapshot-begun',
      'snapshot-part',
      'snapshot-part',
      'snapshot-whole',
    ]);
    await store.close();
  });
});
