import type { RandomSource } from './random-source.ts';

const POOL_WORDS = 16_384; // 64 KiB, the most one getRandomValues call may fill

/**
 * Cryptographic randomness from the platform's generator, drawn through a pool (one call a word would
 * cost two microseconds) whose words are zeroed as they are handed out, so that a later look at the
 * memory does not reveal the noise already used.
 */
export class SecureRandom implements RandomSource {
  readonly #pool = new Uint32Array(POOL_WORDS);
  #next = POOL_WORDS;

  uint32(): number {
    if (this.#next === POOL_WORDS) this.#refill();
    const at = this.#next++;
    const word = this.#pool[at] as number;
    this.#pool[at] = 0;
    return word;
  }

  fillUint32(target: Uint32Array): void {
    let done = 0;
    while (done < target.length) {
      if (this.#next === POOL_WORDS) this.#refill();
      const take = Math.min(target.length - done, POOL_WORDS - this.#next);
      target.set(this.#pool.subarray(this.#next, this.#next + take), done);
      this.#pool.fill(0, this.#next, this.#next + take);
      this.#next += take;
      done += take;
    }
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(length / 4));
    this.fillUint32(words);
    return new Uint8Array(words.buffer, 0, length);
  }

  #refill(): void {
    globalThis.crypto.getRandomValues(this.#pool);
    this.#next = 0;
  }
}
