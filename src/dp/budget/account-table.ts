/** Bytes of one account key. */
export const ACCOUNT_KEY_LENGTH = 16;
const WORDS = ACCOUNT_KEY_LENGTH / 4;

/** The keys as 32-bit words, `[n, 4]`; copied only where they are not aligned. */
export function keyWords(keys: Uint8Array): Uint32Array {
  const aligned = keys.byteOffset % 4 === 0 ? keys : keys.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, keys.length / 4);
}

/**
 * Account keys to dense handles 0, 1, 2 … by open addressing on typed arrays: 24 to 32 bytes an account
 * where a Map of strings takes over a hundred. The keys are outputs of a pseudo-random function, so their
 * first word is as good a hash as any and nobody without the key can make them collide.
 */
export class AccountTable {
  #keys = new Uint32Array(64 * WORDS);
  /** Handle + 1, or 0 for a free slot; at least half are free. */
  #slots = new Uint32Array(128);
  #size = 0;

  /** Number of accounts, and the next handle. */
  get size(): number {
    return this.#size;
  }

  /** The handle of the key at `words[4 · index …]`, or −1. */
  find(words: Uint32Array, index: number): number {
    return (this.#slots[this.#slotOf(words, index)] as number) - 1;
  }

  /** The handle of the key, which gets the next one if it is new. */
  intern(words: Uint32Array, index: number): number {
    if ((this.#size + 1) * 2 > this.#slots.length) this.#grow();
    const slot = this.#slotOf(words, index);
    const known = (this.#slots[slot] as number) - 1;
    if (known >= 0) return known;
    const handle = this.#size++;
    this.#keys.set(words.subarray(index * WORDS, (index + 1) * WORDS), handle * WORDS);
    this.#slots[slot] = handle + 1;
    return handle;
  }

  #slotOf(words: Uint32Array, index: number): number {
    const at = index * WORDS;
    const mask = this.#slots.length - 1;
    let slot = (words[at] as number) & mask;
    for (;;) {
      const handle = (this.#slots[slot] as number) - 1;
      if (handle < 0) return slot;
      const key = handle * WORDS;
      if (
        this.#keys[key] === words[at] &&
        this.#keys[key + 1] === words[at + 1] &&
        this.#keys[key + 2] === words[at + 2] &&
        this.#keys[key + 3] === words[at + 3]
      ) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const keys = new Uint32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let handle = 0; handle < this.#size; handle++) {
      this.#slots[this.#slotOf(keys, handle)] = handle + 1;
    }
  }
}
