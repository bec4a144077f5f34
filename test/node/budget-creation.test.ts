import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { budgetKeyPath, openBudgetFile } from '../../src/node/budget-file.ts';
import type * as durableFile from '../../src/node/durable-file.ts';
import { SqliteThreads } from '../../src/node/sqlite-threads.ts';

const disk = vi.hoisted(() => ({ syncsFolders: true }));
vi.mock(import('../../src/node/durable-file.ts'), async (original) => {
  const actual: typeof durableFile = await original();
  return {
    ...actual,
    syncFolder: async (path: string) => {
      if (disk.syncsFolders) return actual.syncFolder(path);
      throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' });
    },
  };
});

const root = mkdtempSync(join(tmpdir(), 'velatura-creation-'));
const threads = new SqliteThreads();
afterAll(async () => {
  await threads.close();
  rmSync(root, { recursive: true, force: true });
});

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(root, 'x-')), 'budget.sqlite');
});
afterEach(() => {
  disk.syncsFolders = true;
});

const relation = 'zero-out-one-user';
const policy = {
  version: 1,
  currency: 'auto',
  delta: 1e-6,
  user: { epsilon: 3 },
  scenes: { live: { perUser: { epsilon: 2 } } },
  reservationLease: 'PT10M',
} as const;

async function openAndClose(): Promise<void> {
  await (await openBudgetFile(path, { policy, unit: 'user', relation, threads })).close();
}

const names = (): readonly string[] => readdirSync(join(path, '..')).sort();

describe('a folder that cannot be synced', () => {
  it('is reported, and the budget keeps its key', async () => {
    disk.syncsFolders = false;
    await expect(openAndClose()).rejects.toMatchObject({ code: 'dp/budget-unavailable' });
    expect(existsSync(path)).toBe(true);
    const keys = readFileSync(budgetKeyPath(path));
    disk.syncsFolders = true;
    await openAndClose();
    expect(readFileSync(budgetKeyPath(path)).equals(keys)).toBe(true);
  });
});

describe('what a killed creation left', () => {
  const scratch = (digits: string, suffix = ''): string => `.${digits.repeat(12)}.new${suffix}`;

  function leave(file: string, seconds: number): string {
    writeFileSync(file, 'left over');
    const time = Date.now() / 1000 - seconds;
    utimesSync(file, time, time);
    return basename(file);
  }

  it('is removed on the next opening, once it is a minute old', async () => {
    for (const suffix of ['', '-wal', '-shm']) leave(path + scratch('a', suffix), 90);
    leave(budgetKeyPath(path) + scratch('b'), 90);
    await openAndClose();
    expect(names().filter((name) => name.includes('.new'))).toEqual([]);
    leave(path + scratch('a'), 90);
    await openAndClose();
    expect(names().filter((name) => name.includes('.new'))).toEqual([]);
  });

  it('stays while it may be in use, and so does everything else', async () => {
    const kept = [
      leave(path + scratch('c'), 20),
      leave(`${path}-other${scratch('d')}`, 90),
      leave(`${path}.backup.new`, 90),
      leave(join(path, '..', `second.sqlite${scratch('e')}`), 90),
      leave(`${path}${scratch('f')}.old`, 90),
    ];
    mkdirSync(path + scratch('0'));
    await openAndClose();
    expect(names()).toEqual(expect.arrayContaining(kept));
    expect(existsSync(path + scratch('0'))).toBe(true);
  });
});
