import type { RandomSource } from '../../core/random-source.ts';

/**
 * A uniform real number of (0, 1), exactly: its binary digits are drawn 32 at a time, and only when a
 * decision needs them.
 */
export class LazyUniform {
  readonly #random: RandomSource;
  readonly #words: number[];

  /**
   * @param random - where digits come from
   * @param words - leading digits that were drawn already, 32 bits each
   */
  constructor(random: RandomSource, words: readonly number[] = []) {
    this.#random = random;
    this.#words = [...words];
  }

  /** Digits 32·index … 32·index + 31, as an integer in [0, 2³²). */
  word(index: number): number {
    while (this.#words.length <= index) this.#words.push(this.#random.uint32());
    return this.#words[index] as number;
  }

  /** ⌊this · 2^(32·words)⌋. */
  prefix(words: number): bigint {
    let value = 0n;
    for (let i = 0; i < words; i++) value = (value << 32n) | BigInt(this.word(i));
    return value;
  }

  /** Whether this number is under the other one; draws digits of both until they differ. */
  isBelow(other: LazyUniform): boolean {
    for (let i = 0; ; i++) {
      const mine = this.word(i);
      const theirs = other.word(i);
      if (mine !== theirs) return mine < theirs;
    }
  }
}
