import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * Where Node cannot run TypeScript by itself, the sources (as in tests of this project) start their workers
 * through tsx; the built package never does.
 */
const FROM_SOURCES = `
  const { workerData } = require('node:worker_threads');
  const { loader, module } = workerData;
  import(loader).then(({ register }) => {
    register();
    return import(module);
  });
`;

/** What decides which modules a worker finds, and how. */
const MODULE_OPTIONS = [
  '--require',
  '-r',
  '--import',
  '--loader',
  '--experimental-loader',
  '--conditions',
  '-C',
  '--preserve-symlinks',
];

/**
 * The options of this process that its workers need. Others would keep a worker from starting, such as
 * `--input-type`, which only goes with `--eval`.
 */
export function workerOptions(options: readonly string[] = process.execArgv): string[] {
  return options.filter((option, i) => {
    if (option.startsWith('-')) return MODULE_OPTIONS.includes(option.split('=', 1)[0] as string);
    return MODULE_OPTIONS.includes(options[i - 1] ?? '');
  });
}

/**
 * Starts a worker on a module of this package.
 *
 * @param beside - `import.meta.url` of the caller
 * @param name - of a module in the same folder, without its ending
 */
export function startWorker(beside: string, name: string): Worker {
  if (!beside.endsWith('.ts')) {
    return new Worker(new URL(`./${name}.js`, beside), { execArgv: workerOptions() });
  }
  // What is resolved is the variant for CommonJS, which does not find its own hooks.
  const loader = new URL('./index.mjs', pathToFileURL(createRequire(beside).resolve('tsx/esm/api')))
    .href;
  const module = new URL(`./${name}.ts`, beside).href;
  return new Worker(FROM_SOURCES, { eval: true, execArgv: [], workerData: { loader, module } });
}
