import type { Sha256 } from '../../core/hash-chain.ts';
import type { RandomSource } from '../../core/random-source.ts';

/**
 * The words of SHA-256(seed ‖ 0), SHA-256(seed ‖ 1), …: everybody who knows the public seed draws
 * the same. Nothing secret may come from it.
 */
export class SeedWords implements RandomSource {
  readonly #block: Uint8Array;
  readonly #sha256: Sha256;
  #digest: DataView = new DataView(new ArrayBuffer(0));
  #counter = 0;
  #at = 0;

  constructor(seed: Uint8Array, sha256: Sha256) {
    this.#sha256 = sha256;
    this.#block = new Uint8Array(seed.length + 4);
    this.#block.set(seed);
  }

  uint32(): number {
    if (this.#at === this.#digest.byteLength) {
      new DataView(this.#block.buffer).setUint32(this.#block.length - 4, this.#counter++);
      const digest = this.#sha256(this.#block);
      this.#digest = new DataView(digest.buffer, digest.byteOffset, digest.length);
      this.#at = 0;
    }
    const word = this.#digest.getUint32(this.#at);
    this.#at += 4;
    return word;
  }

  fillUint32(target: Uint32Array): void {
    for (let i = 0; i < target.length; i++) target[i] = this.uint32();
  }
}
