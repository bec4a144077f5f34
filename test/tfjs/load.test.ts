import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadTfjs, type TfjsBackend } from '../../src/tfjs/index.ts';

const SOURCE = pathToFileURL(join(import.meta.dirname, '../../src/tfjs/index.ts')).href;
const HIDE = pathToFileURL(join(import.meta.dirname, 'fixtures/without-tfjs.mjs')).href;
const CORE = '@tensorflow/tfjs-core,@tensorflow/tfjs-layers';
const NATIVE = '@tensorflow/tfjs-node';
const WASM = '@tensorflow/tfjs-backend-wasm';
const CPU = '@tensorflow/tfjs-backend-cpu';

/** What `loadTfjs` says to each of the options, in a process of its own where those packages are missing. */
async function without(hidden: string, ...options: readonly object[]): Promise<unknown[]> {
  const script = `
    const { loadTfjs } = await import(${JSON.stringify(SOURCE)});
    const found = [];
    for (const option of ${JSON.stringify(options)}) {
      found.push(await loadTfjs(option).then(
        ({ backend }) => ({ backend }),
        ({ code, message, details }) => ({ code, message, details }),
      ));
    }
    console.log(JSON.stringify(found));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--import', HIDE, '--input-type=module', '--eval', script],
    { env: { ...process.env, HIDDEN_PACKAGES: hidden } },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as unknown[];
}

describe('loadTfjs', () => {
  it('says what to install when TensorFlow.js is missing, and only when it is asked for', async () => {
    const message = expect.stringContaining('npm install @tensorflow/tfjs-core@^4.22.0');
    const [found] = await without(CORE, {});
    expect(found).toMatchObject({ code: 'tfjs/unavailable', message });
  });

  it('takes WebAssembly before plain JavaScript, or what was asked for, or nothing', async () => {
    const [first, native, plain] = await without(
      NATIVE,
      {},
      { backend: 'tensorflow' },
      { backend: 'cpu' },
    );
    expect(first).toEqual({ backend: 'wasm' });
    const message = expect.stringContaining(`npm install ${NATIVE}`);
    expect(native).toMatchObject({ code: 'tfjs/unavailable', message });
    expect(plain).toEqual({ backend: 'cpu' });
    expect(await without(`${NATIVE},${WASM}`, {})).toEqual([{ backend: 'cpu' }]);
  });

  it('says what it tried when there is no backend', async () => {
    const [found] = await without(`${NATIVE},${WASM},${CPU}`, {});
    expect(found).toMatchObject({
      code: 'tfjs/unavailable',
      message: expect.stringContaining(`npm install ${WASM}`),
      details: {
        tried: [NATIVE, WASM, CPU].map((name) => `${name}: ERR_MODULE_NOT_FOUND`),
      },
    });
  });

  it('refuses a backend nobody knows', async () => {
    await expect(loadTfjs({ backend: 'gpu' as TfjsBackend })).rejects.toThrow(RangeError);
  });

  it('keeps a backend that is in use', async () => {
    const { core } = await loadTfjs({ backend: 'cpu' });
    expect((await loadTfjs()).backend).toBe('cpu');
    expect(core.getBackend()).toBe('cpu');
    expect((await loadTfjs({ backend: 'wasm' })).backend).toBe('wasm');
  });
});
