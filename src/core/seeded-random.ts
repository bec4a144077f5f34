import seedrandom from 'seedrandom';
import type { RandomSource } from './random-source.ts';

/**
 * Repeatable pseudo-random numbers for simulation, tests, splits and initial values. Anyone who knows the
 * seed knows the numbers: noise made from it protects nobody, and no real budget accepts it.
 */
export class SeededRandom implements RandomSource {
  readonly #generator: seedrandom.prng;
  /** Marks the type: a `SeededRandom` never passes where a `SecureRandom` is asked for. */
  readonly insecure = true;

  /** @param seed - the same seed gives the same sequence on every machine */
  constructor(seed: string | number) {
    this.#generator = seedrandom.alea(String(seed));
  }

  uint32(): number {
    return this.#generator.int32() >>> 0;
  }

  fillUint32(target: Uint32Array): void {
    for (let i = 0; i < target.length; i++) target[i] = this.uint32();
  }

  /** A float in [0, 1). */
  uniform(): number {
    return this.#generator();
  }

  /** A uniformly random order of 0 … length − 1 (Fisher–Yates). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({ length }, (_, i) => i);
    for (let i = length - 1; i > 0; i--) {
      const j = Math.floor(this.#generator() * (i + 1));
      const swap = order[i] as number;
      order[i] = order[j] as number;
      order[j] = swap;
    }
    return order;
  }
}
