/** Bytes of one account key. */
export const ACCOUNT_KEY_LENGTH = 16;
const WORDS = ACCOUNT_KEY_LENGTH / 4;

/** The keys as 32-bit words, `[n, 4]`; copied only where they are not aligned. */
export function keyWords(keys: Uint8Array): Uint32Array {
  const aligned = keys.byteOffset % 4 === 0 ? keys : new Uint8Array(keys); // a Buffer's slice would not copy
  return new Uint32Array(aligned.buffer, aligned.byteOffset, keys.length / 4);
}

/**
 * Account keys to dense handles 0, 1, 2 … by open addressing on typed arrays: 24 to 48 bytes an account
 * where a Map of strings takes over a hundred. The keys are outputs of a pseudo-random function, so their
 * first word is as good a hash as any and nobody without the secret can make them collide.
 */
export class AccountTable {
  /** `[handles, 4]`. */
  #keys: Uint32Array;
  /** Handle + 1, or 0 for a free slot; at least half are free. */
  #slots: Uint32Array;
  #size = 0;

  /** @param capacity - accounts to make room for at once */
  constructor(capacity = 0) {
    const slots = 2 ** Math.max(7, Math.ceil(Math.log2(2 * capacity)));
    this.#slots = new Uint32Array(slots);
    this.#keys = new Uint32Array((slots / 2) * WORDS);
  }

  /** Number of accounts, and the next handle. */
  get size(): number {
    return this.#size;
  }

  /** The handle of the key at `words[4 · index …]`, or −1. */
  find(words: Uint32Array, index: number): number {
    return (this.#slots[this.#slotOf(words, index * WORDS)] as number) - 1;
  }

  /** The handle of the key, which gets the next one if it is new. */
  intern(words: Uint32Array, index: number): number {
    if ((this.#size + 1) * 2 > this.#slots.length) this.#grow();
    const slot = this.#slotOf(words, index * WORDS);
    const known = (this.#slots[slot] as number) - 1;
    if (known >= 0) return known;
    const handle = this.#size++;
    this.#store(handle, words, index * WORDS);
    this.#slots[slot] = handle + 1;
    return handle;
  }

  /** The key of the account: four words, as they stand now. */
  keyAt(handle: number): Uint32Array {
    this.#checkHandle(handle);
    return this.#keys.slice(handle * WORDS, (handle + 1) * WORDS);
  }

  /** The keys of the handles `from … to − 1`: `[to − from, 16]` bytes. */
  keyBytes(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#keys.slice(from * WORDS, to * WORDS).buffer);
  }

  /** Gives the account another key; the old one is unknown from then on. */
  rekey(handle: number, words: Uint32Array, index: number): void {
    this.#checkHandle(handle);
    const holder = this.find(words, index);
    if (holder === handle) return;
    if (holder >= 0) throw new RangeError(`"key" expected an unknown one, got that of ${holder}`);
    this.#vacate(this.#slotOf(this.#keys, handle * WORDS));
    this.#store(handle, words, index * WORDS);
    this.#slots[this.#slotOf(words, index * WORDS)] = handle + 1;
  }

  /** Forgets the newest accounts until `size` are left. */
  truncate(size: number): void {
    while (this.#size > size) {
      this.#vacate(this.#slotOf(this.#keys, (this.#size - 1) * WORDS));
      this.#size--;
      this.#keys.fill(0, this.#size * WORDS, (this.#size + 1) * WORDS);
    }
  }

  #checkHandle(handle: number): void {
    if (!Number.isInteger(handle) || handle < 0 || handle >= this.#size) {
      throw new RangeError(`"handle" expected an integer in [0, ${this.#size}), got ${handle}`);
    }
  }

  #store(handle: number, words: Uint32Array, at: number): void {
    const key = handle * WORDS;
    for (let i = 0; i < WORDS; i++) this.#keys[key + i] = words[at + i] as number;
  }

  #slotOf(words: Uint32Array, at: number): number {
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

  /**
   * Frees a slot and moves later ones of its run up, so that no search stops short and no marks of deleted
   * slots pile up (Knuth, TAOCP vol. 3, 6.4, algorithm R).
   */
  #vacate(slot: number): void {
    const mask = this.#slots.length - 1;
    let hole = slot;
    for (let next = (hole + 1) & mask; ; next = (next + 1) & mask) {
      const entry = this.#slots[next] as number;
      if (entry === 0) break;
      const home = (this.#keys[(entry - 1) * WORDS] as number) & mask;
      // Only an entry whose search passes the hole may move into it.
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        this.#slots[hole] = entry;
        hole = next;
      }
    }
    this.#slots[hole] = 0;
  }

  #grow(): void {
    const keys = new Uint32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let handle = 0; handle < this.#size; handle++) {
      this.#slots[this.#slotOf(keys, handle * WORDS)] = handle + 1;
    }
  }
}
