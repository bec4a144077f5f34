import type { RandomSource } from '../../core/random-source.ts';
import { LazyUniform } from './lazy-uniform.ts';
import { dyadicOf } from './rational.ts';

/** |N(0, 1)| as integer + fraction, with as many digits of the fraction as anybody asks for. */
export interface LazyHalfNormal {
  readonly integer: number;
  readonly fraction: LazyUniform;
}

/** True with probability e^(−x): von Neumann's falling run x > u₁ > u₂ > … is of even length. */
function acceptsExp(x: LazyUniform, random: RandomSource): boolean {
  let below = x;
  for (let length = 0; ; length++) {
    const next = new LazyUniform(random);
    if (!next.isBelow(below)) return length % 2 === 0;
    below = next;
  }
}

/** True with probability e^(−1/2): the same run, started under one half. */
function acceptsExpOneHalf(random: RandomSource): boolean {
  const first = new LazyUniform(random);
  return first.word(0) >= 0x8000_0000 || !acceptsExp(first, random);
}

/** True with probability e^(−x²/2): each step of the run also needs a coin and a uniform under x. */
function acceptsExpHalfSquare(x: LazyUniform, random: RandomSource): boolean {
  let below = x;
  for (let length = 0; ; length++) {
    const next = new LazyUniform(random);
    const goesOn =
      next.isBelow(below) && random.uint32() >= 0x8000_0000 && new LazyUniform(random).isBelow(x);
    if (!goesOn) return length % 2 === 0;
    below = next;
  }
}

function allAccept(times: number, accepts: () => boolean): boolean {
  for (let i = 0; i < times; i++) if (!accepts()) return false;
  return true;
}

/**
 * The absolute value of an exact standard normal, without one floating-point operation.
 *
 * Source: Karney, "Sampling exactly from the normal distribution", ACM TOMS 42 (2016), algorithm N, its
 * last step split into the factors e^(−kx) and e^(−x²/2). Proof: `rounded-gaussian.proof.md`.
 */
export function sampleHalfNormal(random: RandomSource): LazyHalfNormal {
  for (;;) {
    let integer = 0;
    while (acceptsExpOneHalf(random)) integer++;
    if (!allAccept(integer * (integer - 1), () => acceptsExpOneHalf(random))) continue;
    const fraction = new LazyUniform(random);
    if (!allAccept(integer, () => acceptsExp(fraction, random))) continue;
    if (acceptsExpHalfSquare(fraction, random)) return { integer, fraction };
  }
}

/**
 * ⌊N(0, noiseStddev²)⌉ for the exact value of the double `noiseStddev`: the readable reference, at about
 * a microsecond a sample.
 *
 * @param noiseStddev - a finite double > 0
 */
export function sampleRoundedGaussianKarney(noiseStddev: number, random: RandomSource): bigint {
  const { mantissa, exponent } = dyadicOf(noiseStddev);
  const { integer, fraction } = sampleHalfNormal(random);
  const negative = random.uint32() >= 0x8000_0000;
  for (let words = 1; ; words++) {
    // noiseStddev · (integer + fraction) lies between low and low + step, in units of 2^(−shift).
    const low = mantissa * ((BigInt(integer) << BigInt(32 * words)) + fraction.prefix(words));
    const shift = 32 * words - exponent;
    if (shift < 1) continue;
    const half = 1n << BigInt(shift - 1);
    const magnitude = (low + half) >> BigInt(shift);
    if ((low + mantissa - 1n + half) >> BigInt(shift) === magnitude) {
      return negative ? -magnitude : magnitude;
    }
  }
}
