import { VelaturaError } from '../../core/errors.ts';
import type { RandomSource } from '../../core/random-source.ts';
import type { Rational } from './rational.ts';
import { bitLength } from './rational.ts';

/**
 * A uniform integer of [0, bound), exactly and for any size (rejection).
 *
 * @param bound - ≥ 1
 */
export function uniformBigInt(random: RandomSource, bound: bigint): bigint {
  const bits = bitLength(bound - 1n);
  for (;;) {
    let value = 0n;
    for (let drawn = 0; drawn < bits; drawn += 32) value = (value << 32n) | BigInt(random.uint32());
    value >>= BigInt((32 - (bits % 32)) % 32);
    if (value < bound) return value;
  }
}

/** e^(−x) for x in [0, 1]: a run of successes at x/1, x/2, x/3, … is of even length. */
function sampleUnit({ numerator, denominator }: Rational, random: RandomSource): boolean {
  for (let k = 1n; ; k++) {
    if (uniformBigInt(random, denominator * k) >= numerator) return k % 2n === 1n;
  }
}

const ONE: Rational = { numerator: 1n, denominator: 1n };

/**
 * True with probability e^(−x) exactly, for a rational x ≥ 0.
 *
 * Source: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (2020), algorithm 1.
 *
 * @param x - numerator ≥ 0, denominator > 0
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function sampleBernoulliExp(x: Rational, random: RandomSource): boolean {
  if (x.numerator < 0n || x.denominator <= 0n) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      '"x" expected a fraction >= 0 with a denominator > 0',
      { parameter: 'x' },
    );
  }
  const whole = x.numerator / x.denominator;
  for (let i = 0n; i < whole; i++) if (!sampleUnit(ONE, random)) return false;
  return sampleUnit({ numerator: x.numerator % x.denominator, denominator: x.denominator }, random);
}
