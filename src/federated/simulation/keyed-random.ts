import { portableSha256 } from '../../core/hash-chain.ts';
import type { RandomSource } from '../../core/random-source.ts';

/** What a stream of numbers is for; streams of different uses are unrelated. */
export type StreamUse = 'cohort' | 'attendance' | 'order' | 'data' | 'noise';

const USE_NUMBERS: Readonly<Record<StreamUse, number>> = {
  cohort: 1,
  attendance: 2,
  order: 3,
  data: 4,
  noise: 5,
};

/** Turns after which every bit of a new state depends on every bit of the key. */
const WARM_UP = 15;

/**
 * Repeatable numbers that depend on a seed, a use, a round and a user, and on nothing else: not on how many
 * threads there are, nor on who came before. Starting a stream allocates nothing. Anyone who knows the seed
 * knows the numbers.
 *
 * Source: sfc32 of Chris Doty-Humphrey's PractRand, seeded with four words.
 */
export class KeyedRandom implements RandomSource {
  readonly insecure = true;
  readonly #key: Uint32Array;
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 0;

  /** @param seed - the same seed gives the same streams on every machine */
  constructor(seed: string) {
    const digest = portableSha256(new TextEncoder().encode(seed));
    const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
    this.#key = Uint32Array.from({ length: 4 }, (_, i) => view.getUint32(4 * i, true));
    this.start('data', 0, 0);
  }

  /**
   * Goes to the beginning of a stream.
   *
   * @param round - of 32 bits
   * @param user - of 32 bits
   */
  start(use: StreamUse, round: number, user: number): this {
    const key = this.#key;
    this.#a = (key[0] as number) ^ user;
    this.#b = (key[1] as number) ^ round;
    this.#c = (key[2] as number) ^ USE_NUMBERS[use];
    this.#counter = key[3] as number;
    for (let i = 0; i < WARM_UP; i++) this.uint32();
    return this;
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  fillUint32(target: Uint32Array): void {
    for (let i = 0; i < target.length; i++) target[i] = this.uint32();
  }

  /** A float in [0, 1), a multiple of 2⁻³². */
  uniform(): number {
    return this.uint32() * 2 ** -32;
  }
}
