/**
 * How a residue is cut into two signed limbs of 16 bits, so that the lanes can multiply and add pairs of them
 * in one instruction: residue ≡ upper·2^shift + lower, with h = 2^(shift−1).
 *
 * Items have limbs in [−h, h−1], ciphertexts in [−h+1, h]. A product of two limbs then lies in [−h², h²), and
 * 2³¹/h² of them can be added in 32 bits without wrapping, whatever the residues are: the extremes of one
 * side never meet those of the other.
 */
export interface LimbLayout {
  /** Bits of the lower limb. */
  readonly shift: number;
  /** Pairs of features whose products fit a sum of 32 bits. */
  readonly pairsPerSum: number;
  readonly items: LimbRange;
  readonly ciphertexts: LimbRange;
}

/** Which numbers stand for the residues, and how they are rounded to the upper limb. */
export interface LimbRange {
  /** Residues above this are taken less the prime. */
  readonly largest: number;
  /** upper = (number + rounding) >> shift. */
  readonly rounding: number;
}

/**
 * The layout for a prime.
 *
 * @param bits - bits of a residue, at most 28
 */
export function limbLayout(bits: number): LimbLayout {
  const shift = Math.ceil(bits / 2);
  const half = 2 ** (shift - 1);
  const radix = 2 ** shift;
  return {
    shift,
    pairsPerSum: 2 ** 30 / half ** 2,
    items: { largest: (half - 1) * (radix + 1), rounding: half },
    ciphertexts: { largest: half * (radix + 1), rounding: half - 1 },
  };
}
