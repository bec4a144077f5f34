import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { FIT, killCoordinators, killPoints } from '../node/fixtures/budget-kills.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-kills-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PASSES = 11;

it('at least 200 kills at every point of reserve, commit, bulk and snapshot', async () => {
  const kills = Array.from({ length: PASSES }, (_, pass) => killPoints(pass)).flat();
  expect(kills.length).toBeGreaterThanOrEqual(200);
  const report = await killCoordinators(folder, kills);
  console.log(`kill -9: ${JSON.stringify(report)}`);
  expect(report.kills).toBe(kills.length);
  expect(report.mostUsed).toBe(FIT);
  expect(report.snapshots).toBeGreaterThan(0);
  expect(report.repeatedOld).toBeGreaterThan(0);
  expect(report.repeatedNew).toBeGreaterThan(0);
});
