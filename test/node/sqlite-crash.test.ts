import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SqliteConnection } from '../../src/node/sqlite.ts';
import type { TransactionPoint } from '../../src/node/sqlite-budget-store.ts';
import { append, chain, readAll, SqliteFolder } from './fixtures/sqlite-log.ts';
import type { SqliteTask } from './fixtures/sqlite-process.ts';

const folder = new SqliteFolder();
const script = new URL('./fixtures/sqlite-process.ts', import.meta.url).pathname;

interface Ending {
  /** Exit code or signal. */
  readonly end: number | string;
  /** Lines the process said. */
  readonly said: readonly string[];
}

/** @param limit - on the size of files, in the shell's blocks; null for none */
function run(task: SqliteTask, limit: number | null = null): Promise<Ending> {
  const node = [process.execPath, '--import', 'tsx', script, JSON.stringify(task)];
  const [command, ...args] =
    limit === null ? node : ['sh', '-c', `ulimit -f ${limit}; exec "$@"`, 'sh', ...node];
  const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ end: signal ?? code ?? -1, said: output.split('\n').filter(Boolean) }),
    );
  });
}

/** The log must be a whole chain, and its page must say the last entry. */
async function lengthOf(path: string): Promise<number> {
  const store = await folder.open(path);
  const log = await readAll(store);
  expect(chain.fault(chain.start(), log)).toBeNull();
  const pages = await store.pages();
  if (log.length > 0) {
    expect(pages.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([`${log.length - 1}`]);
  }
  await store.close();
  return log.length;
}

describe.concurrent('a process killed in a transaction', () => {
  const points: readonly [TransactionPoint, number][] = [
    ['begun', 0],
    ['decided', 0],
    ['written', 0],
    ['written', 6],
    ['committed', 0],
    ['committed', 6],
  ];

  it.each(points)(
    'at "%s", after %i steps: loses nothing acknowledged, keeps nothing half',
    async (point, after) => {
      const path = folder.newPath();
      await (await folder.create(path)).close();
      const { end, said } = await run({ path, task: 'die', point, after });
      expect(end).toBe('SIGKILL');
      expect(said.length).toBeGreaterThanOrEqual(1 + Math.floor(after / 2));
      expect(existsSync(`${path}-wal`)).toBe(true);
      expect(await lengthOf(path)).toBe(said.length + (point === 'committed' ? 1 : 0));
      const store = await folder.open(path);
      const { seq } = await append(store, 1);
      expect(seq).toBe(said.length + (point === 'committed' ? 1 : 0));
      await store.close();
    },
  );
});

describe.concurrent('a process killed while it saves a snapshot', () => {
  // Three parts; the first step asks whether it is wanted.
  const points: readonly [TransactionPoint, number, number][] = [
    ['snapshot-begun', 0, 1],
    ['snapshot-part', 1, 1],
    ['snapshot-part', 3, 1],
    ['snapshot-whole', 0, 2],
  ];

  it.each(points)(
    'at "%s", after %i steps: the snapshot of entry %i is whole',
    async (point, after, seq) => {
      const path = folder.newPath();
      const store = await folder.create(path);
      await append(store, 4);
      await store.saveSnapshot({ seq: 1, bytes: new Uint8Array(1_500_000).fill(1) });
      await store.close();
      expect((await run({ path, task: 'die', point, after })).end).toBe('SIGKILL');
      const again = await folder.open(path);
      const kept = await again.loadSnapshot();
      expect(kept?.seq).toBe(seq);
      expect(kept?.bytes.every((byte) => byte === seq)).toBe(true);
      expect(kept?.bytes.length).toBe(seq === 1 ? 1_500_000 : 2_500_000);
      await again.saveSnapshot({ seq: 3, bytes: new Uint8Array(10) });
      expect((await again.loadSnapshot())?.seq).toBe(3);
      await again.close();
      const connection = new SqliteConnection(path, 1000);
      expect(connection.rows('select seq, part, parts from snapshots')).toEqual([[3, 0, 1]]);
      connection.close();
    },
  );
});

describe.concurrent('a disk that takes no more', () => {
  it.each([300, 700])(
    'is told apart from damage, and nothing acknowledged is lost (%i)',
    async (limit) => {
      const path = folder.newPath();
      await (await folder.create(path)).close();
      const { end, said } = await run({ path, task: 'fill' }, limit);
      expect(end).toBe(0);
      expect(said.at(-1)).toBe('dp/budget-unavailable');
      expect(said.length).toBeGreaterThan(2);
      expect(await lengthOf(path)).toBe(said.length - 1);
      const store = await folder.open(path);
      await append(store, 500);
      await store.close();
      expect(readFileSync(path).length).toBeGreaterThan(500 * 500);
    },
  );
});
