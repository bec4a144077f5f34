import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { createSqliteBudgetStore } from '../../src/node/sqlite-budget-store.ts';
import type { HolderHabit } from './fixtures/sqlite-holder.ts';
import { append, chain, readAll, SqliteFolder } from './fixtures/sqlite-log.ts';

const folder = new SqliteFolder();
const fixture = (name: string): string => new URL(`./fixtures/${name}`, import.meta.url).pathname;
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A log of one entry, of which this process keeps no locks: the thread ends together with the store. */
async function newFile(): Promise<string> {
  const path = folder.newPath();
  const store = await createSqliteBudgetStore(path);
  await append(store, 1);
  await store.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  return path;
}

/** A process that has the file open in that way, and what it says. */
class Holder {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string, habit: HolderHabit) {
    const args = ['--import', 'tsx', fixture('sqlite-holder.ts'), path, habit];
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(this.#child);
    const input = this.#child.stdout as NodeJS.ReadableStream;
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
  }

  async says(): Promise<string> {
    const { value } = await this.#lines.next();
    return value ?? 'nothing';
  }

  append(): Promise<string> {
    this.#child.stdin?.write('\n');
    return this.says();
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** Another process that opens the file, reads it and closes it. */
async function visitElsewhere(path: string): Promise<void> {
  const task = JSON.stringify({ path, task: 'visit' });
  const args = ['--import', 'tsx', fixture('sqlite-process.ts'), task];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
}

async function entriesIn(path: string): Promise<number> {
  const store = await folder.open(path);
  const log = await readAll(store);
  expect(chain.fault(chain.start(), log)).toBeNull();
  await store.close();
  return log.length;
}

describe.concurrent('another process that closes the file while this one has it open', () => {
  it.each<HolderHabit>(['nothing', 'twice', 'again', 'racing'])(
    'is never the last one, when this one has the habit "%s"',
    async (habit) => {
      const path = await newFile();
      const holder = new Holder(path, habit);
      expect(await holder.says()).toBe('open');
      for (let round = 0; round < 3; round++) {
        await visitElsewhere(path);
        expect(existsSync(`${path}-wal`)).toBe(true);
        expect(await holder.append()).toBe(`${2 + round}`);
      }
      await holder.kill();
      expect(await entriesIn(path)).toBe(5);
    },
  );

  // What the others would meet if the package ever closed a descriptor of the file itself.
  it.skipIf(process.platform === 'win32')(
    'is the last one when this one lost its locks: nothing is acknowledged any more',
    async () => {
      const path = await newFile();
      const holder = new Holder(path, 'descriptor');
      expect(await holder.says()).toBe('open');
      await visitElsewhere(path);
      // As the last one to close it does; when, is up to the garbage collector of the other process.
      rmSync(`${path}-wal`, { force: true });
      expect(await holder.append()).toBe('dp/budget-corrupt');
      await holder.kill();
      expect(await entriesIn(path)).toBe(2);
    },
  );
});
