import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { epsilonOfGdp } from '../../src/dp/accounting/gdp.ts';
import { decodeRecord } from '../../src/dp/budget/log-record.ts';
import type { BudgetPolicy } from '../../src/dp/budget/policy.ts';
import type { Plan } from '../../src/dp/plan.ts';
import {
  openBudgetFile,
  openExistingBudgetFile,
  verifyBudgetFile,
} from '../../src/node/budget-file.ts';
import {
  openSqliteBudgetStore,
  type TransactionPoint,
} from '../../src/node/sqlite-budget-store.ts';
import type { CoordinatorNote, CoordinatorTask } from './fixtures/budget-coordinator.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-processes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const policy: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  user: { epsilon: 2 },
  scenes: { live: { perUser: { epsilon: 1.5 } } },
  reservationLease: 'PT10M',
};
const plan: Plan = {
  unit: 'user',
  relation: 'zero-out-one-user',
  event: { kind: 'gaussian', noiseMultiplier: 8 },
};
const terms = { policy, unit: plan.unit, relation: plan.relation } as const;
/** Releases of the plan that the scene's quota of 1.5 admits for one account, by the exact formula. */
const FIT = Array.from({ length: 64 }, (_, k) => k + 1).filter(
  (k) => epsilonOfGdp(Math.sqrt(k) / 8, 1e-6) <= 1.5,
).length;

const script = new URL('./fixtures/budget-coordinator.ts', import.meta.url).pathname;

/** How a coordinator ended: its exit code, or the signal that killed it. */
function coordinate(task: CoordinatorTask): Promise<number | string> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(task)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code ?? -1));
  });
}

function notesOf(path: string): readonly CoordinatorNote[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as CoordinatorNote);
}

describe('two processes on one budget file', () => {
  it('create it once, and together admit exactly what fits', async () => {
    const path = join(folder, 'race.sqlite');
    const cohorts = Array.from({ length: 12 }, () => ['anna', 'bert']);
    const tasks = ['one', 'two'].map((name) => ({
      path,
      policy,
      plan,
      scene: 'live',
      cohorts,
      name,
      notes: join(folder, `race-${name}.jsonl`),
    }));
    expect(await Promise.all(tasks.map(coordinate))).toEqual([0, 0]);
    const notes = tasks.flatMap((task) => notesOf(task.notes));
    const count = (kind: string): number => notes.filter((note) => note.kind === kind).length;
    expect(count('admitted')).toBe(FIT);
    expect(count('committed')).toBe(FIT);
    expect(count('refused')).toBe(24 - FIT);
    expect((await verifyBudgetFile(path)).problems).toEqual([]);
  });
});

describe('a coordinator killed at any point', () => {
  const KILLS = 2;
  const points: readonly TransactionPoint[] = ['begun', 'decided', 'written', 'committed'];
  const kills = (['reserve', 'commit'] as const).flatMap((operation) =>
    points.flatMap((point) =>
      Array.from({ length: KILLS }, (_, occurrence) => ({ operation, point, occurrence })),
    ),
  );

  /** Anna is in the first rounds, until she is spent; later ones would only be refused with her. */
  const cohortOf = (run: number, round: number): readonly string[] =>
    run < 2 ? ['anna', `of ${run}`] : [`of ${run} in ${round}`, `of ${run}`];

  it('loses no charge it was told of, passes no limit, and leaves orphans spent', async () => {
    const path = join(folder, 'killed.sqlite');
    await (await openBudgetFile(path, terms)).close();
    let checkpoint = (await verifyBudgetFile(path)).head;
    const notes: CoordinatorNote[] = [];
    // Two at a time, so that one is always killed while another works.
    for (let i = 0; i < kills.length; i += 2) {
      const tasks = kills.slice(i, i + 2).map((kill, j) => ({
        path,
        policy,
        plan,
        scene: 'live',
        cohorts: Array.from({ length: 4 }, (_, k) => cohortOf(i + j, k)),
        name: `kill ${i + j}`,
        notes: join(folder, `killed-${i + j}.jsonl`),
        kill,
      }));
      expect(await Promise.all(tasks.map(coordinate))).toEqual(['SIGKILL', 'SIGKILL']);
      notes.push(...tasks.flatMap((task) => notesOf(task.notes)));
      const verification = await verifyBudgetFile(path, checkpoint);
      expect(verification.problems).toEqual([]);
      checkpoint = verification.head;
    }

    const store = openSqliteBudgetStore(path);
    const records = (await store.read(-1)).map(decodeRecord);
    await store.close();
    const ids = (kind: string): readonly string[] =>
      records.flatMap((record) => (record.kind === kind && 'id' in record ? [record.id] : []));
    const told = (kind: string): readonly string[] =>
      notes.flatMap((note) => (note.kind === kind ? [note.id] : []));
    expect(ids('reserve')).toEqual(expect.arrayContaining([...told('admitted')]));
    expect(ids('commit')).toEqual(expect.arrayContaining([...told('committed')]));
    // Killed after the transaction, before the answer: booked although nobody was told.
    expect(ids('reserve').length).toBeGreaterThan(told('admitted').length);
    expect(ids('commit').length).toBeGreaterThan(told('committed').length);

    const orphans = ids('reserve').filter((id) => !ids('commit').includes(id));
    expect(orphans.length).toBeGreaterThan(0);
    const later = await openBudgetFile(path, { ...terms, clock: () => Date.now() + 3_600_000 });
    const [before] = await later.summary();
    for (const id of orphans) {
      await expect(later.release(id)).rejects.toMatchObject({ code: 'dp/reservation-closed' });
    }
    expect((await later.summary())[0]).toEqual(before);
    expect(before?.releases).toBe(ids('reserve').length);
    expect(before?.epsilonMax).toBeLessThanOrEqual(2);
    await later.close();

    const anna = await openExistingBudgetFile(path);
    const [, quota] = await anna.remaining('anna', 'live');
    expect(quota?.spent).toBeGreaterThan(0);
    expect(quota?.spent).toBeLessThanOrEqual(1.5);
    await anna.close();
  });
});
