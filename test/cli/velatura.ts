import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The built command. */
export const MAIN: string = resolve(import.meta.dirname, '../../dist/cli/main.js');

/** Runs the built command as a user does. */
export function velatura(...args: string[]): { code: number; stdout: string; stderr: string } {
  if (!existsSync(MAIN)) throw new Error('dist/cli/main.js is missing: run "npm run build" first');
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status ?? -1, stdout, stderr };
}
