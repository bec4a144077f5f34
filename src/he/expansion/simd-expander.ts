import type { HeParameters } from '../parameters.ts';
import { BUFFER_BYTES, fillBlake2xb, SEED_BYTES } from './blake2xb.ts';
import { EXPANSION_WASM } from './expansion-wasm.ts';
import type { SeedExpander } from './seed-expander.ts';
import { replaceRejected, streamWords } from './uniform-residues.ts';

/** What kernels/expansion.ts exports; addresses in bytes. */
export interface ExpansionFunctions {
  fill(seed: number, counter: number, target: number, scratch: number): void;
  reduce(words: number, count: number, prime: number, target: number): number;
}

/** Below lie the module's own constants. */
const SEED = 4096;
const SCRATCH = SEED + SEED_BYTES;
const STREAM = 8192;
const PAGE = 65_536;

let compiled: WebAssembly.Module | null | undefined;

/**
 * The functions of the module on a new memory of at least that many bytes; null where WebAssembly, its SIMD
 * instructions or compiling at run time are missing.
 */
export function expansionFunctions(
  bytes: number,
): { readonly functions: ExpansionFunctions; readonly memory: WebAssembly.Memory } | null {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(
        Uint8Array.from(atob(EXPANSION_WASM), (character) => character.charCodeAt(0)),
      );
    } catch {
      compiled = null;
    }
  }
  if (compiled === null) return null;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return { functions: exports as unknown as ExpansionFunctions, memory };
}

/** The expander in WebAssembly with SIMD instructions; null where the platform has none. */
export function createSimdExpander(parameters: HeParameters): SeedExpander | null {
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const words = streamWords(parameters);
  const buffers = Math.ceil((8 * words) / BUFFER_BYTES);
  const residues = STREAM + buffers * BUFFER_BYTES;
  const made = expansionFunctions(residues + 4 * words);
  if (made === null) return null;
  const { functions, memory } = made;
  const seedBytes = new Uint8Array(memory.buffer, SEED, SEED_BYTES);
  const result = new Uint32Array(memory.buffer, residues, words);

  return {
    name: 'simd',
    expand(seed: Uint8Array, target: Uint32Array): void {
      seedBytes.set(seed);
      for (let counter = 0; counter < buffers; counter++) {
        functions.fill(SEED, counter, STREAM + counter * BUFFER_BYTES, SCRATCH);
      }
      const rejected: number[] = [];
      dataPrimes.forEach((prime, row) => {
        const end = (row + 1) * degree;
        for (let at = row * degree; at < end; at++) {
          at += functions.reduce(STREAM + 8 * at, end - at, prime, residues + 4 * at);
          if (at < end) rejected.push(at);
        }
      });
      target.set(result);
      if (rejected.length > 0) {
        replaceRejected(parameters, target, rejected, (counter, output) =>
          fillBlake2xb(seed, counter, output),
        );
      }
    },
  };
}
