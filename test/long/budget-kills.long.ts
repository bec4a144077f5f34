import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { FIT, killCoordinators, killPoints } from '../node/fixtures/budget-kills.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-kills-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PASSES = 9;
let kills = 0;

it.each(Array.from({ length: PASSES }, (_, pass) => pass))(
  'kills at every point of reserve, commit, bulk and snapshot, pass %i',
  async (pass) => {
    const place = join(folder, String(pass));
    mkdirSync(place);
    const report = await killCoordinators(place, killPoints(pass));
    console.log(`kill -9, pass ${pass}: ${JSON.stringify(report)}`);
    kills += report.kills;
    expect(report.mostUsed).toBe(FIT);
    expect(report.snapshots).toBeGreaterThan(0);
    expect(report.repeatedOld).toBeGreaterThan(0);
    expect(report.repeatedNew).toBeGreaterThan(0);
  },
);

it('at least 200 in all', () => {
  console.log(`kill -9: ${kills} kills`);
  expect(kills).toBeGreaterThanOrEqual(200);
});
