import type { KernelMemory } from './kernel-memory.ts';
import { SCORING_WASM } from './scoring-wasm.ts';

/** What kernels/scoring.ts exports; addresses in bytes. */
export interface ScoringFunctions {
  forward(words: number, degree: number, table: number, prime: number): void;
  inverse(words: number, degree: number, table: number, prime: number): void;
  lift(bytes: number, degree: number, words: number, prime: number): void;
  split(
    first: number,
    second: number,
    degree: number,
    target: number,
    stride: number,
    prime: number,
    largest: number,
    rounding: number,
    shift: number,
  ): void;
  multiplyAccumulate(
    query: number,
    blocks: number,
    count: number,
    offset: number,
    results: number,
    resultBytes: number,
    second: number,
    degree: number,
    pairs: number,
    group: number,
    tile: number,
    shift: number,
    dropped: number,
    prime: number,
  ): void;
  add(words: number, addend: number, degree: number, prime: number): void;
  pack(words: number, count: number, bits: number, drop: number, target: number): void;
}

let compiled: WebAssembly.Module | null | undefined;

/**
 * The module, compiled once; null where WebAssembly, its SIMD instructions or compiling at run time (a
 * Content-Security-Policy without `wasm-unsafe-eval`) are missing.
 */
export function scoringModule(): WebAssembly.Module | null {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(
        Uint8Array.from(atob(SCORING_WASM), (character) => character.charCodeAt(0)),
      );
    } catch {
      compiled = null;
    }
  }
  return compiled;
}

/** The functions on a memory. */
export function scoringFunctions(
  module: WebAssembly.Module,
  memory: KernelMemory,
): ScoringFunctions {
  const { exports } = new WebAssembly.Instance(module, { env: { memory: memory.memory } });
  return exports as unknown as ScoringFunctions;
}
