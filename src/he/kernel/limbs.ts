import { MAX_FEATURES } from '../limits.ts';

/**
 * How a residue is cut into two signed limbs of 16 bits, so that the lanes can multiply and add pairs of them
 * in one instruction: residue ≡ upper·2^shift + lower, with h = 2^(shift−1).
 *
 * Items have limbs in [−h, h−1], ciphertexts in [−h+1, h]. A product of two limbs then lies in [−h², h²), and
 * 2³¹/h² of them can be added in 32 bits without wrapping, whatever the residues are: the extremes of one
 * side never meet those of the other.
 *
 * A sum is reduced by an estimate of its quotient that leaves out low bits. With a prime above 2^(2·shift−2)
 * they are worth less than an eighth of the quotient's unit (40/2^shift of it where two more bits are
 * dropped), so the remainder is in (−p, p) and one lift is enough.
 */
export interface LimbLayout {
  /** Bits of the lower limb; from 5, for the smallest prime is 257, to 14. */
  readonly shift: number;
  /** Pairs of features whose products fit a sum of 32 bits. */
  readonly pairsPerSum: number;
  /** Low bits that sums must lose before two of them can be added in 32 bits. */
  readonly dropped: number;
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

/** Up to here the sums of all features are below 2²⁹, so adding some of them loses nothing. */
const SMALL_SHIFT = 10;

/**
 * The layout for a prime.
 *
 * @param bits - bits of a residue, from 9 to 28
 */
export function limbLayout(bits: number): LimbLayout {
  const shift = Math.ceil(bits / 2);
  const half = 2 ** (shift - 1);
  const radix = 2 ** shift;
  return {
    shift,
    pairsPerSum: Math.min(MAX_FEATURES / 2, 2 ** 30 / half ** 2),
    dropped: shift <= SMALL_SHIFT ? 0 : 2,
    items: { largest: (half - 1) * (radix + 1), rounding: half },
    ciphertexts: { largest: half * (radix + 1), rounding: half - 1 },
  };
}
