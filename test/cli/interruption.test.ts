import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { velatura } from './velatura.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-interrupted-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a quickstart and sends the signal once the first round was shown. */
function interrupted(
  out: string,
  signal: NodeJS.Signals,
): Promise<{ code: number | null; stderr: string }> {
  const main = resolve(import.meta.dirname, '../../dist/cli/main.js');
  const child = spawn(process.execPath, [main, 'quickstart', '--out', out]);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
    // Once: a second Ctrl-C ends the process at once.
    if (!child.killed && /^ +1 +\d+/m.test(stderr)) child.kill(signal);
  });
  return new Promise((done) => child.on('close', (code) => done({ code, stderr })));
}

describe('an interrupted quickstart', () => {
  it('stops on Ctrl-C with one coded line, and what was reserved stays spent', async () => {
    const out = join(folder, 'ctrl-c');
    const { code, stderr } = await interrupted(out, 'SIGINT');
    expect(code).toBe(1);
    expect(stderr).toContain('velatura: interrupted [core/aborted]');
    expect(stderr).not.toContain('Utility against epsilon');
    const show = velatura('budget', 'show', '--budget', join(out, 'budget.sqlite'), '--json');
    const { users, chain } = JSON.parse(show.stdout);
    expect(chain.ok).toBe(true);
    expect(users.epsilonMax).toBeGreaterThan(0);
  }, 240_000);

  it('survives kill -9: the budget verifies, and a second run is refused', async () => {
    const out = join(folder, 'kill');
    await interrupted(out, 'SIGKILL');
    const verify = velatura('budget', 'verify', '--budget', join(out, 'budget.sqlite'), '--json');
    expect(JSON.parse(verify.stdout).chain.ok).toBe(true);
    expect(velatura('quickstart', '--out', out).code).toBe(2);
  }, 240_000);

  it('names a folder that cannot be made', () => {
    const run = velatura('quickstart', '--out', '/proc/velatura', '--json');
    expect(run.code).toBe(1);
    expect(JSON.parse(run.stdout).error.code).toBe('data/unwritable');
  });
});
