import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { workerOptions } from '../../src/node/worker-thread.ts';

describe('workerOptions', () => {
  it.each([
    ['--input-type=module -e code', ''],
    ['--expose-gc --max-old-space-size=100 --import tsx', '--import tsx'],
    ['-r ./.pnp.cjs --loader=./loader.mjs -p 1', '-r ./.pnp.cjs --loader=./loader.mjs'],
    ['-C development --inspect', '-C development'],
  ])('%s', (given, kept) => {
    expect(workerOptions(given.split(' ')).join(' ')).toBe(kept);
  });
});

describe('startWorker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'velatura-worker-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('starts from a built package in a program given as text', () => {
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'echo.js'), "console.log('started');");
    const source = new URL('../../src/node/worker-thread.ts', import.meta.url).href;
    const beside = pathToFileURL(join(folder, 'index.js')).href;
    const code = `import { startWorker } from '${source}'; startWorker('${beside}', 'echo');`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', code],
      { encoding: 'utf8' },
    );
    expect(stderr).not.toContain('ERR_');
    expect(stdout).toBe('started\n');
  });
});
