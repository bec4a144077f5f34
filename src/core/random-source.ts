/**
 * Where random bits come from. Two classes implement it and are unrelated as types: `SecureRandom`,
 * which every real release needs, and `SeededRandom`, which repeats and therefore hides nothing.
 */
export interface RandomSource {
  /** The next 32 bits, as an integer in [0, 2³²). */
  uint32(): number;
  /** Overwrites `target` with uniform 32-bit words; the fast way for bulk work. */
  fillUint32(target: Uint32Array): void;
}

/** The next 53 bits, as an integer in [0, 2⁵³). */
export function uint53(random: RandomSource): number {
  return (random.uint32() >>> 11) * 0x1_0000_0000 + random.uint32();
}

/**
 * A uniform integer in [0, bound), without bias (rejection).
 *
 * @param bound - an integer in [1, 2⁵³]
 */
export function uniformInteger(random: RandomSource, bound: number): number {
  if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 53) {
    throw new RangeError(`"bound" expected an integer in [1, 2^53], got ${bound}`);
  }
  if (bound <= 2 ** 32) {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const word = random.uint32();
      if (word < limit) return word % bound;
    }
  }
  const limit = 2 ** 53 - (2 ** 53 % bound);
  for (;;) {
    const word = uint53(random);
    if (word < limit) return word % bound;
  }
}
