import type { RandomSource } from '../../core/random-source.ts';
import { sampleBernoulliExp, uniformBigInt } from './bernoulli-exp.ts';
import { type Rational, rationalOf } from './rational.ts';

const ONE: Rational = { numerator: 1n, denominator: 1n };

/**
 * P[k] ∝ e^(−|k|·rate) on the integers, exactly: the readable reference.
 *
 * Source: Canonne, Kamath, Steinke (2020), algorithm 2, with rate = s/t.
 *
 * @param rate - > 0
 */
export function sampleDiscreteLaplaceExact(rate: Rational, random: RandomSource): bigint {
  const { numerator: s, denominator: t } = rate;
  for (;;) {
    const u = uniformBigInt(random, t);
    if (!sampleBernoulliExp({ numerator: u, denominator: t }, random)) continue;
    let v = 0n;
    while (sampleBernoulliExp(ONE, random)) v++;
    const magnitude = (u + t * v) / s;
    const negative = random.uint32() >= 0x8000_0000;
    if (!negative) return magnitude;
    if (magnitude > 0n) return -magnitude;
  }
}

/**
 * P[k] ∝ e^(−k²/(2·sigma²)) on the integers, exactly: the readable reference.
 *
 * Source: Canonne, Kamath, Steinke (2020), algorithm 3.
 *
 * @param sigma - a finite double > 0, taken as the exact rational it is
 */
export function sampleDiscreteGaussianExact(sigma: number, random: RandomSource): bigint {
  const { numerator, denominator } = rationalOf(sigma);
  const variance: Rational = {
    numerator: numerator * numerator,
    denominator: denominator * denominator,
  };
  const t = numerator / denominator + 1n;
  for (;;) {
    const candidate = sampleDiscreteLaplaceExact({ numerator: 1n, denominator: t }, random);
    // (|candidate| − variance/t)² / (2·variance), as one fraction
    const magnitude = candidate < 0n ? -candidate : candidate;
    const distance = magnitude * t * variance.denominator - variance.numerator;
    const exponent: Rational = {
      numerator: distance * distance,
      denominator: 2n * variance.numerator * variance.denominator * t * t,
    };
    if (sampleBernoulliExp(exponent, random)) return candidate;
  }
}
