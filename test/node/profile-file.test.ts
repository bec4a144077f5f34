import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openProfileFile } from '../../src/node/index.ts';
import { SqliteConnection } from '../../src/node/sqlite.ts';
import { profileStorageConformance } from '../../src/testing/index.ts';
import { grantAll, newLedger } from '../profile/fixtures.ts';
import { openStore, PURPOSE } from '../profile/store/fixtures.ts';
import type { ProfileTask } from './fixtures/profile-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-profile-'));
let files = 0;
const newPath = (): string => join(folder, `profile-${files++}.sqlite`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const script = new URL('./fixtures/profile-process.ts', import.meta.url).pathname;

/** Runs a process to its end: its exit code or signal, and the last thing it was told is durable. */
function run(task: ProfileTask): Promise<{ readonly end: unknown; readonly last: number }> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({
        end: signal ?? code,
        last: Number(output.split('\n').filter(Boolean).at(-1) ?? 0),
      }),
    );
  });
}

/** Events that the profile in a file holds. */
async function eventsIn(path: string): Promise<number | undefined> {
  const consent = newLedger();
  grantAll(consent);
  const store = await openStore({ consent, storage: await openProfileFile(path) });
  const tags = (await store.scene('live-food').tags()).read('live-food', PURPOSE);
  await store.close();
  return tags.find(({ tag }) => tag === 'kitchen')?.events;
}

describe('a profile file', () => {
  const cases = profileStorageConformance({
    durable: true,
    async create() {
      const path = newPath();
      return { open: () => openProfileFile(path) };
    },
  });
  it.each(cases)('$name', ({ run }) => run());

  it('is readable by its owner only', async () => {
    const path = newPath();
    await (await openProfileFile(path)).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    chmodSync(path, 0o644);
    await (await openProfileFile(path)).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('leaves nothing of an older record behind', async () => {
    const path = newPath();
    const storage = await openProfileFile(path);
    const secret = new TextEncoder().encode('what-was-there-before '.repeat(400));
    await storage.write('e', { version: 0, bytes: new Uint8Array(secret) });
    await storage.write('e', { version: 1, bytes: new Uint8Array(10) });
    expect(readFileSync(path).includes('what-was-there-before')).toBe(false);
    expect(
      readdirSync(folder).filter((name) => name.startsWith(path.slice(folder.length + 1))),
    ).toEqual([path.slice(folder.length + 1)]);
    await storage.close();
  });

  it('refuses other files, damaged files, and places where there can be none', async () => {
    const unreadable = expect.objectContaining({ code: 'profile/store-unreadable' });
    const other = newPath();
    const connection = new SqliteConnection(other, 1000);
    connection.exec('create table theirs (x)');
    connection.close();
    await expect(openProfileFile(other)).rejects.toEqual(unreadable);
    const text = newPath();
    writeFileSync(text, 'a diary, not a database '.repeat(1000));
    await expect(openProfileFile(text)).rejects.toEqual(unreadable);
    await expect(openProfileFile(join(folder, 'missing', 'profile'))).rejects.toEqual(
      expect.objectContaining({ code: 'profile/store-unavailable' }),
    );
    expect(readFileSync(text, 'utf8').startsWith('a diary')).toBe(true);
  });

  it('tells a damaged page from an answer', async () => {
    const path = newPath();
    const storage = await openProfileFile(path);
    await storage.write('e', { version: 0, bytes: new Uint8Array(50_000).fill(3) });
    await storage.close();
    const bytes = readFileSync(path);
    // The root page of the table.
    bytes.fill(0xff, 4096, 8192);
    writeFileSync(path, bytes);
    const again = await openProfileFile(path);
    await expect(again.read('e')).rejects.toEqual(
      expect.objectContaining({ code: 'profile/store-unreadable' }),
    );
    await again.close();
  });
});

describe.concurrent('a process killed in a write', () => {
  it('leaves the record that was there before, whole', async () => {
    const path = newPath();
    const { end, last } = await run({ path, task: 'records', count: 9, dieAt: 'put', dieIn: 3 });
    expect(end).toBe('SIGKILL');
    expect(last).toBe(3);
    const storage = await openProfileFile(path);
    const record = await storage.read('e');
    expect(record?.version).toBe(2);
    expect(new Set(record?.bytes)).toEqual(new Set([2]));
    expect(await storage.write('e', { version: 3, bytes: new Uint8Array(20_000) })).toBe(true);
    await storage.close();
  });

  it.each([
    ['put', 4, 4],
    ['committed', 4, 5],
  ] as const)('at "%s" of event %i: %i events are there', async (dieAt, dieIn, expected) => {
    const path = newPath();
    const { end, last } = await run({ path, task: 'events', count: 9, dieAt, dieIn });
    expect(end).toBe('SIGKILL');
    expect(last).toBe(dieIn);
    expect(await eventsIn(path)).toBe(expected);
  });
});

describe('two processes on one file', () => {
  it('lose no event and count none twice', async () => {
    const path = newPath();
    const ends = await Promise.all([
      run({ path, task: 'events', count: 25 }),
      run({ path, task: 'events', count: 25 }),
    ]);
    expect(ends.map(({ end }) => end)).toEqual([0, 0]);
    expect(await eventsIn(path)).toBe(50);
  });
});
