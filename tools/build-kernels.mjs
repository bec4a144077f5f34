// Compiles kernels/*.ts (AssemblyScript) and commits each module as base64 in a TypeScript file, so that
// importing it needs no fetch and no file system. With --check nothing is written: the committed bytes must
// be those of the sources. Names of kernels restrict it to these.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import asc from 'assemblyscript/asc';

/** Where the module of each kernels/<name>.ts goes, and how hard it is squeezed. */
const KERNELS = {
  expansion: { target: 'src/he/expansion/expansion-wasm.ts', optimise: '-O3' },
  scoring: { target: 'src/he/kernel/scoring-wasm.ts', optimise: '-O3' },
  training: { target: 'src/core/kernels/training-wasm.ts', optimise: '-O3s' },
};
const FLAGS = [
  ...['--runtime', 'stub', '--noAssert', '--enable', 'simd', '--use', 'abort='],
  ...['--importMemory', '--initialMemory', '1', '--noExportMemory'],
];

const root = resolve(import.meta.dirname, '..');
const check = process.argv.includes('--check');
const named = process.argv.slice(2).filter((argument) => argument !== '--check');

async function compile(name, optimise) {
  let bytes;
  const options = [`kernels/${name}.ts`, '-o', `${name}.wasm`, optimise, ...FLAGS];
  const { error, stderr } = await asc.main(options, {
    readFile: (file, folder) => {
      try {
        return readFileSync(resolve(root, folder, file), 'utf8');
      } catch {
        return null;
      }
    },
    writeFile: (_file, contents) => {
      bytes = contents;
    },
    listFiles: () => [],
  });
  if (error || bytes === undefined) throw new Error(`kernels/${name}.ts: ${error}\n${stderr}`);
  return bytes;
}

function moduleSource(name, bytes) {
  return [
    `/** WebAssembly of kernels/${name}.ts as base64, ${bytes.length} bytes: written by \`npm run kernels\`. */`,
    `export const ${name.toUpperCase()}_WASM: string =`,
    `  '${Buffer.from(bytes).toString('base64')}';`,
    '',
  ].join('\n');
}

let stale = 0;
for (const file of readdirSync(join(root, 'kernels')).filter((name) => name.endsWith('.ts'))) {
  const name = basename(file, '.ts');
  if (named.length > 0 && !named.includes(name)) continue;
  if (KERNELS[name] === undefined) throw new Error(`no target for kernels/${file}`);
  const { target, optimise } = KERNELS[name];
  const bytes = await compile(name, optimise);
  const source = moduleSource(name, bytes);
  const path = join(root, target);
  if (!check) writeFileSync(path, source);
  else if (readFileSync(path, 'utf8') !== source) {
    stale++;
    console.error(`${target} is not what kernels/${file} compiles to; run npm run kernels`);
  }
  console.log(`kernels/${file}: ${bytes.length} bytes`);
}
process.exit(stale === 0 ? 0 : 1);
