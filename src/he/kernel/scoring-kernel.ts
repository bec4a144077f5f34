import type { ScoringKernel } from '../kernel.ts';
import type { HeParameters } from '../parameters.ts';
import { createPlainKernel } from '../plain-kernel.ts';
import { createSimdKernel } from './simd-kernel.ts';

/**
 * The fastest kernel this platform runs: WebAssembly with SIMD where it compiles, plain TypeScript otherwise.
 * Both give the same bits.
 *
 * @throws {RangeError} if the platform has no memory left for one
 */
export function createScoringKernel(parameters: HeParameters): ScoringKernel {
  return createSimdKernel(parameters) ?? createPlainKernel(parameters);
}
