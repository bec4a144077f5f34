import type { RandomSource } from '../../core/random-source.ts';
import type { CertifiedLaw } from './certified-law.ts';
import { LazyUniform } from './lazy-uniform.ts';
import { dyadicOf } from './rational.ts';

/** A point under an envelope, as far as its digits are drawn. */
export interface Proposal {
  /** Height of the envelope at the point, in the units of the law's weight; an exact double > 0. */
  readonly height: number;
  /** The point is unit · (position + fraction); the fraction is lazy, or 0 for a law on the integers. */
  readonly position: number;
  /** log₂ of the unit. */
  readonly unitExponent: number;
  /** Leading digits of the uniform number that is held against weight / height: headBits ≤ 21 of them. */
  readonly head: number;
  readonly headBits: number;
}

const WORD = 2 ** -32;

/**
 * True with probability weight(point) / height exactly, given the digits of the proposal. A double decides
 * when its proven error allows; else ever more digits of everything are brought in until integers decide.
 */
export function accepts(law: CertifiedLaw, proposal: Proposal, random: RandomSource): boolean {
  const { height, position, unitExponent, head, headBits } = proposal;
  const uniformWord = random.uint32();
  const fractionWord = law.continuous ? random.uint32() : 0;
  const scale = 2 ** -headBits;
  const uniformLower = (head + uniformWord * WORD) * scale;
  const uniformUpper = uniformLower + scale * WORD;
  const weight = law.weight((position + fractionWord * WORD) * 2 ** unitExponent);
  if (uniformUpper * height <= weight * (1 - law.relativeError)) return true;
  if (uniformLower * height >= weight * (1 + law.relativeError)) return false;
  if (Number.isNaN(weight) && uniformLower * height >= law.weightBeyond) return false;
  return acceptsExactly(
    law,
    proposal,
    new LazyUniform(random, [uniformWord]),
    law.continuous ? new LazyUniform(random, [fractionWord]) : undefined,
  );
}

/**
 * The same decision in integers only.
 *
 * @param uniform - the digits after the head
 * @param fraction - the digits of the point after its position; undefined when there are none
 */
export function acceptsExactly(
  law: CertifiedLaw,
  { height, position, unitExponent, head, headBits }: Proposal,
  uniform: LazyUniform,
  fraction: LazyUniform | undefined,
): boolean {
  const { mantissa, exponent } = dyadicOf(height);
  for (let words = 1; ; words *= 2) {
    const digits = 32 * words;
    // uniform · height lies between under and over, in units of 2^(exponent − headBits − digits).
    const drawn = (BigInt(head) << BigInt(digits)) | uniform.prefix(words);
    const under = drawn * mantissa;
    const over = (drawn + 1n) * mantissa;
    // The weights in units of 2^(−precision); the weight falls, so the far end of the point bounds below.
    const precision = headBits + digits + 32;
    const shift = (fraction === undefined ? 0 : digits) - unitExponent;
    const near =
      fraction === undefined
        ? BigInt(position)
        : (BigInt(position) << BigInt(digits)) | fraction.prefix(words);
    const far = fraction === undefined ? near : near + 1n;
    const raise = precision + exponent - headBits - digits;
    const scaled = (value: bigint): bigint => (raise > 0 ? value << BigInt(raise) : value);
    const weight = (value: bigint): bigint => (raise < 0 ? value << BigInt(-raise) : value);
    const nearBounds = law.weightBounds(near, shift, precision);
    const farBounds = fraction === undefined ? nearBounds : law.weightBounds(far, shift, precision);
    if (scaled(over) <= weight(farBounds[0])) return true;
    if (scaled(under) >= weight(nearBounds[1])) return false;
  }
}
