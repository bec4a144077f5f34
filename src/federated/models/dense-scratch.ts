import type { Kernels, Workspace } from '../../core/kernels/kernels.ts';

/** Arrays begin on a cache line. */
const ALIGNMENT = 16;
const SHARED = new WeakMap<Kernels, DenseScratch>();

/**
 * Memory for what a model computes on the way, where its kernels reach it. One for all models on the same
 * kernels: each call of a model is done with it before another begins, so that many models cost no more than
 * the largest, and repeated calls allocate nothing.
 */
export class DenseScratch {
  readonly #kernels: Kernels;
  #workspace: Workspace;
  #memory: Float32Array = new Float32Array(0);

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#workspace = kernels.workspace();
  }

  /** Changes when the memory had to grow: arrays carved before are no longer good then. */
  get memory(): Float32Array {
    return this.#memory;
  }

  /** Arrays of these lengths, apart from each other; what they hold is left from others. */
  carve(lengths: readonly number[]): Float32Array[] {
    const room = lengths.reduce((sum, length) => sum + aligned(length), 0);
    if (room > this.#memory.length) {
      // The old memory goes when the new one is there, so that a failure leaves what can be used.
      const larger = this.#kernels.workspace();
      this.#memory = larger.float32(room);
      this.#workspace.free();
      this.#workspace = larger;
    }
    let next = 0;
    return lengths.map((length) => {
      const start = next;
      next += aligned(length);
      return this.#memory.subarray(start, start + length);
    });
  }
}

/** The memory that all models on these kernels share. */
export function sharedScratch(kernels: Kernels): DenseScratch {
  let scratch = SHARED.get(kernels);
  if (scratch === undefined) {
    scratch = new DenseScratch(kernels);
    SHARED.set(kernels, scratch);
  }
  return scratch;
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
