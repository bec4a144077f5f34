import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyBudgetFile } from '../../src/node/budget-file.ts';
import type { CoordinatorTask } from './fixtures/budget-coordinator.ts';
import {
  coordinate,
  entryOf,
  FIT,
  killCoordinators,
  killPoints,
  logOf,
  notesOf,
  PLAN,
  POLICY,
  reservedIn,
  SCENE,
} from './fixtures/budget-kills.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-processes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('several processes on one budget file', () => {
  it.each([2, 8])('%i create it once, and together admit exactly what fits', async (processes) => {
    const path = join(folder, `race-${processes}.sqlite`);
    const rounds = Array.from({ length: Math.ceil((2 * FIT) / processes) }, () => ['anna', 'bert']);
    const tasks = Array.from(
      { length: processes },
      (_, i): CoordinatorTask => ({
        path,
        policy: POLICY,
        plan: PLAN,
        scene: SCENE,
        rounds,
        name: `process ${i}`,
        notes: join(folder, `race-${processes}-${i}.jsonl`),
      }),
    );
    expect(await Promise.all(tasks.map(coordinate))).toEqual(tasks.map(() => 0));
    const notes = tasks.flatMap(notesOf);
    const count = (kind: string): number => notes.filter((note) => note.kind === kind).length;
    expect(count('admitted')).toBe(FIT);
    expect(count('committed')).toBe(FIT);
    expect(count('refused')).toBe(processes * rounds.length - FIT);
    const told = notes.flatMap((note) => (note.kind === 'admitted' ? [entryOf(note.id)] : []));
    expect(told.sort()).toEqual([...reservedIn(await logOf(path))].sort());
    expect((await verifyBudgetFile(path)).problems).toEqual([]);
  });
});

it('kill -9 around every commit to the disk: no charge is lost, no limit passed', async () => {
  const points: readonly string[] = ['written', 'committed', 'snapshot-part'];
  const kills = killPoints(0).filter(({ point }) => points.includes(point));
  const report = await killCoordinators(folder, kills);
  expect(report.kills).toBe(kills.length);
  expect(report.repeatedOld).toBeGreaterThan(0);
  expect(report.repeatedNew).toBeGreaterThan(0);
}, 180_000);
