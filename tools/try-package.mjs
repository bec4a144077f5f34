// Packs the library, installs the tarball into an empty folder and runs every example there, as a user would.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// What an example says that its user brings along.
const alongside = ['hono'].map((name) => `${name}@${dependencies[name]}`);
const folder = mkdtempSync(join(tmpdir(), 'velatura-package-'));
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const [{ filename, size, entryCount }] = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', folder], root),
  );
  console.log(`packed ${filename}: ${entryCount} files, ${size} bytes`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  run('npm', ['install', ...quiet, `./${filename}`, ...alongside], folder);
  for (const name of readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.mjs'))) {
    cpSync(join(root, 'examples', name), join(folder, name));
    console.log(`\n$ node ${name}`);
    process.stdout.write(run(process.execPath, [name], folder));
  }
  console.log('\n$ npx velatura --version');
  process.stdout.write(run('npx', ['velatura', '--version'], folder));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
