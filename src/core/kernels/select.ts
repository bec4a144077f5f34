import type { Kernels } from './kernels.ts';
import { PlainKernels } from './plain.ts';
import { SimdKernels } from './simd.ts';

let selected: Kernels | undefined;

/**
 * The fastest kernels that run here: WebAssembly with 128-bit vectors, or plain ones where the engine has no
 * vectors or a content security policy forbids compiling (`wasm-unsafe-eval`). One for the whole thread, so
 * that models share its memory; the choice does not change while it runs.
 */
export function selectKernels(): Kernels {
  if (selected === undefined) {
    try {
      selected = new SimdKernels();
    } catch {
      selected = new PlainKernels();
    }
  }
  return selected;
}
