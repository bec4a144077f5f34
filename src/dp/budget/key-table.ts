import { SecureRandom } from '../../core/secure-random.ts';

const INITIAL_SLOTS = 64;

let processKey: readonly [number, number] | undefined;

function hashKey(): readonly [number, number] {
  if (processKey === undefined) {
    const random = new SecureRandom();
    processKey = [random.uint32() | 0, random.uint32() | 0];
  }
  return processKey;
}

function rotl(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/**
 * Texts to values, as a Map with a fifth of its cost at a million entries: slots, hashes and values lie in
 * flat arrays. The hash is HalfSipHash-1-3 (Aumasson and Bernstein 2012) under a key of this process, so
 * that nobody who chooses texts can make them collide.
 */
export class KeyTable<V> {
  readonly #k0: number;
  readonly #k1: number;
  readonly #keys: string[] = [];
  readonly #values: V[] = [];
  #hashes = new Int32Array(INITIAL_SLOTS / 2);
  /** Index + 1, or 0 for a free slot; at least half are free. */
  #slots = new Int32Array(INITIAL_SLOTS);

  /** The last text asked for, since who asks often adds next. */
  #lastKey = '';
  #lastHash: number;

  constructor() {
    [this.#k0, this.#k1] = hashKey();
    this.#lastHash = this.#halfSip('');
  }

  get size(): number {
    return this.#keys.length;
  }

  get(key: string): V | undefined {
    const index = (this.#slots[this.#slotOf(key, this.#hash(key))] as number) - 1;
    return index < 0 ? undefined : this.#values[index];
  }

  /** Adds a value under a new key; false when the key is there already, and nothing changes. */
  add(key: string, value: V): boolean {
    const hash = this.#hash(key);
    let slot = this.#slotOf(key, hash);
    if ((this.#slots[slot] as number) > 0) return false;
    const index = this.#keys.length;
    if ((index + 1) * 2 > this.#slots.length) {
      this.#grow();
      slot = this.#slotOf(key, hash);
    }
    this.#keys.push(key);
    this.#values.push(value);
    this.#hashes[index] = hash;
    this.#slots[slot] = index + 1;
    return true;
  }

  /** In the order in which they were added. */
  *entries(): Generator<readonly [key: string, value: V]> {
    for (let i = 0; i < this.#keys.length; i++) {
      yield [this.#keys[i] as string, this.#values[i] as V];
    }
  }

  #slotOf(key: string, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const index = (this.#slots[slot] as number) - 1;
      if (index < 0 || (this.#hashes[index] === hash && this.#keys[index] === key)) return slot;
    }
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const hashes = new Int32Array(slots.length / 2);
    hashes.set(this.#hashes);
    const mask = slots.length - 1;
    for (let i = 0; i < this.#keys.length; i++) {
      let slot = (hashes[i] as number) & mask;
      while ((slots[slot] as number) > 0) slot = (slot + 1) & mask;
      slots[slot] = i + 1;
    }
    this.#slots = slots;
    this.#hashes = hashes;
  }

  #hash(key: string): number {
    if (key !== this.#lastKey) {
      this.#lastHash = this.#halfSip(key);
      this.#lastKey = key;
    }
    return this.#lastHash;
  }

  #halfSip(key: string): number {
    let v0 = this.#k0;
    let v1 = this.#k1;
    let v2 = this.#k0 ^ 0x6c796765;
    let v3 = this.#k1 ^ 0x74656462;
    const { length } = key;
    const words = (length >> 1) + 1;
    for (let i = 0; i < words + 3; i++) {
      let word = 0;
      if (i < words) {
        const at = 2 * i;
        word = at < length ? key.charCodeAt(at) : 0;
        // The last word also says how long the text was.
        word |= at + 1 < length ? key.charCodeAt(at + 1) << 16 : length << 24;
      } else if (i === words) {
        v2 ^= 0xff;
      }
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = rotl(v1, 5) ^ v0;
      v0 = rotl(v0, 16);
      v2 = (v2 + v3) | 0;
      v3 = rotl(v3, 8) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = rotl(v3, 7) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = rotl(v1, 13) ^ v2;
      v2 = rotl(v2, 16);
      v0 ^= word;
    }
    return v1 ^ v3;
  }
}
