import { SeededRandom } from '../../src/core/seeded-random.ts';
import type { Batch } from '../../src/federated/index.ts';
import { loadTfjs, type Tfjs } from '../../src/tfjs/index.ts';

/** The backends that start here; a missing native one is told by name. */
export async function backendsHere(): Promise<readonly Tfjs[]> {
  const found: Tfjs[] = [];
  for (const backend of ['wasm', 'cpu', 'tensorflow'] as const) {
    try {
      found.push(await loadTfjs({ backend }));
    } catch (error) {
      if (backend !== 'tensorflow') throw error;
      console.warn('SKIPPED: TensorFlow.js on @tensorflow/tfjs-node, which is not installed');
    }
  }
  return found;
}

/** Runs on that backend, whichever was in use before. */
export async function on<T>({ core, backend }: Tfjs, body: () => T | Promise<T>): Promise<T> {
  await core.setBackend(backend);
  return body();
}

export function uniform(seed: number, length: number, low = -1, high = 1): Float32Array {
  const random = new SeededRandom(seed);
  return Float32Array.from({ length }, () => low + (high - low) * random.uniform());
}

export function tagBatch(seed: number, rows: number, inputs: number, outputs: number): Batch {
  const labels = uniform(seed + 1, rows * outputs, 0, 1).map((value) => (value < 0.4 ? 1 : 0));
  return { rows, features: uniform(seed, rows * inputs), labels };
}

/** One class a row. */
export function classBatch(seed: number, rows: number, inputs: number, classes: number): Batch {
  const labels = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) labels[row * classes + (row % classes)] = 1;
  return { rows, features: uniform(seed, rows * inputs), labels };
}
