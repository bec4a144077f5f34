/**
 * Residues packed at `bits` bits each, least significant bit first, no padding between them. The total
 * must be a whole number of 32-bit words, which holds for polynomials of degree 32 and more.
 *
 * @param values - each below 2^bits
 * @param bits - from 1 to 31
 * @param target - at least `values.length · bits / 8` bytes from `offset` on
 */
export function packBits(
  values: Uint32Array,
  bits: number,
  target: DataView,
  offset: number,
): void {
  let word = 0;
  let filled = 0;
  let at = offset;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    word |= value << filled;
    filled += bits;
    if (filled >= 32) {
      target.setUint32(at, word >>> 0, true);
      at += 4;
      filled -= 32;
      word = filled === 0 ? 0 : value >>> (bits - filled);
    }
  }
}

/**
 * The reverse of {@link packBits}: fills `values` with words of `bits` bits.
 *
 * @param bits - from 1 to 31
 * @param source - at least `values.length · bits / 8` bytes from `offset` on
 */
export function unpackBits(
  source: DataView,
  offset: number,
  bits: number,
  values: Uint32Array,
): void {
  const mask = 2 ** bits - 1;
  let word = 0;
  let left = 0;
  let at = offset;
  for (let i = 0; i < values.length; i++) {
    if (left >= bits) {
      values[i] = word & mask;
      word >>>= bits;
      left -= bits;
    } else {
      const next = source.getUint32(at, true);
      at += 4;
      values[i] = (word | (next << left)) & mask;
      const taken = bits - left;
      word = next >>> taken;
      left = 32 - taken;
    }
  }
}

/** Bits that a residue below `prime` needs. */
export function residueBits(prime: number): number {
  return 32 - Math.clz32(prime - 1);
}
