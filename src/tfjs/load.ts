import { VelaturaError } from '../core/errors.ts';

/** Backends that {@link loadTfjs} knows by name; `tensorflow` is the native one of `@tensorflow/tfjs-node`. */
export type TfjsBackend = 'tensorflow' | 'wasm' | 'cpu';

/** TensorFlow.js as loaded: its functions, its layers and the backend in use. */
export interface Tfjs {
  readonly core: typeof import('@tensorflow/tfjs-core');
  readonly layers: typeof import('@tensorflow/tfjs-layers');
  /** Name that TensorFlow.js has for the backend: one of {@link TfjsBackend}, or what the program had set. */
  readonly backend: string;
}

/** Options of {@link loadTfjs}. */
export interface TfjsOptions {
  /** This backend or none. Left out: the one already set, else the first of native, wasm, cpu that works. */
  readonly backend?: TfjsBackend;
  /**
   * Where a browser finds the `.wasm` files of `@tensorflow/tfjs-backend-wasm`: a folder, or one address a
   * file. Node finds them by itself.
   */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;
}

/** Fastest first. */
const BACKENDS: readonly TfjsBackend[] = ['tensorflow', 'wasm', 'cpu'];
const RANGE = '^4.22.0';
const PACKAGES: Readonly<Record<TfjsBackend, string>> = {
  tensorflow: '@tensorflow/tfjs-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
};

/**
 * Loads TensorFlow.js, which is an optional peer, and picks a backend: the native one of
 * `@tensorflow/tfjs-node` where that is installed, else WebAssembly, else plain JavaScript. A backend that the
 * program has already set is kept.
 *
 * @throws {VelaturaError} `tfjs/unavailable` when the packages, or every backend asked for, are not installed
 * or do not start; details say what was tried
 */
export async function loadTfjs(options: TfjsOptions = {}): Promise<Tfjs> {
  const { backend, wasmPaths } = options;
  if (backend !== undefined && !BACKENDS.includes(backend)) {
    throw new RangeError(`"backend" expected one of ${BACKENDS.join(', ')}, got ${backend}`);
  }
  const { core, layers } = await loadPackages();
  const current: string | undefined = core.getBackend();
  if (current && (backend === undefined || backend === current)) {
    return { core, layers, backend: current };
  }
  const reasons: string[] = [];
  for (const candidate of backend === undefined ? BACKENDS : [backend]) {
    try {
      await register(candidate, wasmPaths);
      if (await core.setBackend(candidate)) return { core, layers, backend: candidate };
      reasons.push(`${PACKAGES[candidate]}: did not start`);
    } catch (cause) {
      reasons.push(`${PACKAGES[candidate]}: ${reasonOf(cause)}`);
    }
  }
  const wanted = backend === undefined ? PACKAGES.wasm : PACKAGES[backend];
  throw new VelaturaError(
    'tfjs/unavailable',
    `no backend of TensorFlow.js works here (${reasons.join('; ')}): npm install ${wanted}@${RANGE}`,
    { tried: reasons },
  );
}

async function loadPackages(): Promise<Pick<Tfjs, 'core' | 'layers'>> {
  try {
    const core = await import('@tensorflow/tfjs-core');
    // Gradients are registered by the layers package, not by the core.
    const layers = await import('@tensorflow/tfjs-layers');
    return { core, layers };
  } catch (cause) {
    throw new VelaturaError(
      'tfjs/unavailable',
      `models of TensorFlow.js need its packages: npm install @tensorflow/tfjs-core@${RANGE} @tensorflow/tfjs-layers@${RANGE} ${PACKAGES.wasm}@${RANGE}`,
      { tried: [`@tensorflow/tfjs-core, @tensorflow/tfjs-layers: ${reasonOf(cause)}`] },
      { cause },
    );
  }
}

async function register(backend: TfjsBackend, wasmPaths: TfjsOptions['wasmPaths']): Promise<void> {
  if (backend === 'tensorflow') {
    // A name that bundlers and the type checker do not follow: the package is native and mostly not there.
    const name: string = PACKAGES.tensorflow;
    await import(/* @vite-ignore */ name);
  } else if (backend === 'wasm') {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
  } else {
    await import('@tensorflow/tfjs-backend-cpu');
  }
}

/** The code of a loader's error where it has one; its text may name folders of the machine. */
function reasonOf(cause: unknown): string {
  const { code, name } = cause as { code?: unknown; name?: unknown };
  return String(code ?? name);
}
