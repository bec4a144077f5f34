import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const EXAMPLE = join(import.meta.dirname, '../../examples/tfjs-node/train.mjs');
const SOURCES = pathToFileURL(join(import.meta.dirname, 'fixtures/from-sources.mjs')).href;

it('runs the example on WebAssembly, which learns, is charged, and keeps no tensor', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--import', 'tsx', '--import', SOURCES],
    ...[EXAMPLE, 'wasm'],
  ]);
  expect(stdout).toContain('backend wasm: 83 parameters');
  expect(stdout).toContain('tensors kept by 6 rounds: 0');
  const [, auc] = /6 rounds, AUC (0\.\d+|1\.00)/.exec(stdout) ?? [];
  expect(Number(auc)).toBeGreaterThan(0.8);
});
