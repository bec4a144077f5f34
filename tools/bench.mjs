// Compiles the benchmarks as the package is compiled, and runs them: a loader that rewrites code on the way in
// (names kept on every closure, for one) would be measured along with it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const out = join(root, '.out', 'bench-js');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.bench.json')], {
  stdio: 'inherit',
});
symlinkSync(join(root, 'data'), join(out, 'data'));
const run = join(out, 'bench', 'run.js');
const { status } = spawnSync(process.execPath, ['--expose-gc', run, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
