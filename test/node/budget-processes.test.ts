import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyBudgetFile } from '../../src/node/budget-file.ts';
import type { CoordinatorTask } from './fixtures/budget-coordinator.ts';
import {
  coordinate,
  FIT,
  killCoordinators,
  killPoints,
  logOf,
  notesOf,
  PLAN,
  POLICY,
  SCENE,
} from './fixtures/budget-kills.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-processes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('several processes on one budget file', () => {
  it.each([2, 8])('%i create it once, and together admit exactly what fits', async (count) => {
    const path = join(folder, `race-${count}.sqlite`);
    const rounds = Array.from({ length: Math.ceil((2 * FIT) / count) }, () => ['anna', 'bert']);
    const tasks = Array.from(
      { length: count },
      (_, i): CoordinatorTask => ({
        path,
        policy: POLICY,
        plan: PLAN,
        scene: SCENE,
        rounds,
        name: `process ${i}`,
        notes: join(folder, `race-${count}-${i}.jsonl`),
      }),
    );
    expect(await Promise.all(tasks.map(coordinate))).toEqual(tasks.map(() => 0));
    const notes = tasks.flatMap(notesOf);
    const told = (kind: string): readonly string[] =>
      notes.flatMap((note) => (note.kind === kind ? [note.id] : []));
    expect(told('admitted').length).toBe(FIT);
    expect(told('refused').length).toBe(count * rounds.length - FIT);
    expect(new Set(told('committed'))).toEqual(new Set(told('admitted')));
    const log = await logOf(path);
    const reserved = log.filter(({ record }) => record.kind === 'reserve').map(({ id }) => id);
    expect(new Set(reserved)).toEqual(new Set(told('admitted')));
    expect((await verifyBudgetFile(path)).problems).toEqual([]);
  });
});

it('kill -9 at every point of reserve, commit, bulk and snapshot: no charge is lost, no limit passed', async () => {
  const kills = killPoints(0);
  const report = await killCoordinators(folder, kills);
  expect(report.kills).toBe(kills.length);
  expect(report.orphans).toBeGreaterThan(0);
}, 180_000);
