import type { RandomSource } from '../../core/random-source.ts';

/** Tries before a vector is cut towards zero instead; each fails with a chance of at most e^(−1/2). */
const MOST_TRIES = 128;

/**
 * The least integer bound within which at least 39 % of all stochastic roundings of a vector of that norm stay:
 * ⌊√min((r + √d)², r² + d/4 + r + √d/2)⌋, never below the norm.
 *
 * Source: Kairouz, Liu & Steinke, The distributed discrete Gaussian mechanism (2021), the bound of conditional
 * randomised rounding with β = e^(−1/2).
 *
 * @param norm - of the real vector in lattice units, r
 * @param dimension - d
 */
export function roundedNorm(norm: number, dimension: number): number {
  const root = Math.sqrt(dimension);
  const most = (norm + root) ** 2;
  const likely = norm * norm + dimension / 4 + norm + root / 2;
  return Math.max(Math.ceil(norm), Math.floor(Math.sqrt(Math.min(most, likely))));
}

/**
 * Rounds every coordinate to one of the two integers next to it, right on average, and draws anew until the norm
 * of the integers is within the bound. After many failures, and where the vector itself is too long, it is cut
 * towards zero.
 *
 * ## Privacy
 * Σ target² ≤ norm² holds exactly whatever comes in; the zero vector stays zero. Proof: `distributed-noise.proof.md`.
 *
 * @param vector - `[dimension]`, finite
 * @param norm - a positive integer of at most 2²⁵
 * @param random - decides the roundings only: the norm does not depend on it
 * @param target - `[dimension]`, overwritten
 */
export function roundWithin(
  vector: Float32Array,
  norm: number,
  random: RandomSource,
  target: Float64Array,
): void {
  const limit = norm * norm;
  const words = new Uint32Array(vector.length);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    random.fillUint32(words);
    if (roundOnce(vector, words, target) <= limit) return;
  }
  for (let factor = 1; !(cut(vector, factor, target) <= limit); ) factor *= 1 - 2 ** -10;
}

/** @returns Σ target², exact up to 2⁵³ and above the limit beyond */
function roundOnce(vector: Float32Array, words: Uint32Array, target: Float64Array): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i] as number;
    const floor = Math.floor(value);
    const isUp = (words[i] as number) < (value - floor) * 0x1_0000_0000;
    const rounded = isUp ? floor + 1 : floor;
    target[i] = rounded;
    squares += rounded * rounded;
  }
  return squares;
}

function cut(vector: Float32Array, factor: number, target: Float64Array): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) {
    const rounded = Math.trunc((vector[i] as number) * factor);
    target[i] = rounded;
    squares += rounded * rounded;
  }
  return squares;
}
