import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveCoordinator } from '../../../src/federated/live/coordinator.ts';
import { CoordinatorDatabase } from '../../../src/node/coordinator/coordinator-database.ts';
import { openSqliteLiveJournal } from '../../../src/node/coordinator/sqlite-live-journal.ts';
import { freshRemains, PLAIN_TASK, portsOver, settled } from '../../federated/live/fixtures.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'velatura-journal-'));
  path = join(folder, 'coordinator.sqlite');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the journal of a coordinator in SQLite', () => {
  it('gives back what was appended, and after compacting only that', async () => {
    const database = await CoordinatorDatabase.open(path);
    const journal = openSqliteLiveJournal(database);
    await journal.append(bytes(1));
    await journal.append(bytes(2, 3));
    expect(await journal.read()).toEqual([bytes(1), bytes(2, 3)]);
    await journal.compact(bytes(4));
    await journal.append(bytes(5));
    await journal.close();
    const again = openSqliteLiveJournal(database);
    expect(await again.read()).toEqual([bytes(4), bytes(5)]);
    await again.close();
    database.close();
  });

  it('keeps nothing of a round that was compacted away, and is for its owner only', async () => {
    const database = await CoordinatorDatabase.open(path);
    const journal = openSqliteLiveJournal(database);
    const secret = 'an update of somebody, in the clear';
    await journal.append(new TextEncoder().encode(secret.repeat(200)));
    await journal.compact(bytes(1));
    const files = [path, `${path}-wal`];
    for (const file of files) {
      expect((await readFile(file)).includes(secret)).toBe(false);
      expect((await stat(file)).mode & 0o077).toBe(0);
    }
    await journal.close();
    database.close();
  });

  it('lets one coordinator write, and after its lease another, and the first never again', async () => {
    const database = await CoordinatorDatabase.open(path);
    const other = await CoordinatorDatabase.open(path);
    let time = 1_000;
    const now = (): number => time;
    const first = openSqliteLiveJournal(database, { lease: 500, now });
    await first.append(bytes(1));
    expect(() => openSqliteLiveJournal(other, { lease: 500, now })).toThrow(
      expect.objectContaining({ code: 'federated/coordinator-busy' }),
    );
    time += 400;
    // A write renews the lease.
    await first.append(bytes(2));
    time += 400;
    expect(() => openSqliteLiveJournal(other, { lease: 500, now })).toThrow(
      expect.objectContaining({ code: 'federated/coordinator-busy' }),
    );
    time += 200;
    const second = openSqliteLiveJournal(other, { lease: 500, now });
    await second.append(bytes(3));
    const superseded = { code: 'federated/coordinator-superseded' };
    await expect(first.append(bytes(9))).rejects.toMatchObject(superseded);
    await expect(first.compact(bytes(9))).rejects.toMatchObject(superseded);
    // Nor does its clock or its end change anything.
    time += 10_000;
    await expect(first.append(bytes(9))).rejects.toMatchObject(superseded);
    await first.close();
    expect(await second.read()).toEqual([bytes(1), bytes(2), bytes(3)]);
    await second.close();
    database.close();
    other.close();
  });

  it('stops a coordinator that was taken for dead: it runs no round', async () => {
    const database = await CoordinatorDatabase.open(path);
    let time = 0;
    const now = (): number => time;
    const remains = await freshRemains(PLAIN_TASK);
    const open = async (): Promise<LiveCoordinator> =>
      LiveCoordinator.open(
        await portsOver(remains, PLAIN_TASK, {
          journal: openSqliteLiveJournal(database, { lease: 500, now }),
        }),
      );
    const first = await open();
    await settled(first);
    expect(first.status.stage).toBe('selecting');
    time += 1_000;
    const second = await open();
    await settled(second);
    const member = { account: 'somebody', key: '00' };
    await expect(first.checkIn(member)).rejects.toMatchObject({
      code: 'federated/coordinator-superseded',
    });
    expect(await second.checkIn(member)).toBe('candidate');
    await expect(first.abort()).rejects.toMatchObject({
      code: 'federated/coordinator-superseded',
    });
    await first.stop();
    await second.stop();
    database.close();
  });

  it('refuses a file that is something else', async () => {
    await writeFile(path, 'no database at all, but long enough to look like one'.repeat(40));
    await expect(CoordinatorDatabase.open(path)).rejects.toMatchObject({ code: 'data/unwritable' });
  });
});
