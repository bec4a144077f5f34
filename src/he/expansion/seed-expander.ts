import type { HeParameters } from '../parameters.ts';
import { createPlainExpander } from './plain-expander.ts';
import { createSimdExpander } from './simd-expander.ts';

/**
 * Turns the seed of a ciphertext into its second polynomial: uniform residues that everybody can compute, so
 * that a query carries 64 bytes in the place of half a ciphertext. All expanders give the same words, those
 * of SEAL's seeded encryption.
 *
 * Why this takes nothing from security: `seeded-query.proof.md`.
 */
export interface SeedExpander {
  readonly name: string;
  /**
   * @param seed - 64 bytes
   * @param target - `[primes, N]` residues, written
   */
  expand(seed: Uint8Array, target: Uint32Array): void;
}

/**
 * The fastest expander this platform runs: WebAssembly with SIMD where it compiles, plain TypeScript
 * otherwise, which takes some 30 times longer.
 */
export function createSeedExpander(parameters: HeParameters): SeedExpander {
  return createSimdExpander(parameters) ?? createPlainExpander(parameters);
}
