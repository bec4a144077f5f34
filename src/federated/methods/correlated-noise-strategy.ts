import type { CorrelationStrategy } from '../../dp/event.ts';

/** Coefficients are multiples of this, so that products with integers are exact: see correlated-noise.proof.md. */
const COEFFICIENT_GRAIN = 2 ** -12;
/** Widest band: sums of that many products then stay exact. */
export const MAX_BANDWIDTH = 16;

/**
 * The first column of the square root of the matrix of prefix sums, cut to a band: the noise of later rounds
 * takes out much of the noise of earlier ones, which is what sums of updates suffer from. Close to the best
 * without a search.
 *
 * Source: Fichtenberger, Henzinger & Upadhyay (2023), arXiv 2202.11205, for the square root; cut to a band as
 * in Choquette-Choo et al. (2023), arXiv 2306.08153.
 *
 * @param bandwidth - 1 (independent noise) to 16
 * @throws {RangeError} for another bandwidth
 */
export function bandedSquareRoot(bandwidth: number): CorrelationStrategy {
  checkBandwidth(bandwidth);
  const coefficients = [1];
  for (let j = 1; j < bandwidth; j++) {
    coefficients.push(((coefficients[j - 1] as number) * (2 * j - 1)) / (2 * j));
  }
  return { kind: 'banded-toeplitz', coefficients: coefficients.map(toGrain) };
}

/**
 * The band that makes the mean error of all prefix sums of a run least, at the same privacy: coordinate descent
 * from the square root on {@link prefixSumError}. Depends on public facts only. O(rounds · bandwidth²) a sweep.
 *
 * @throws {RangeError} for a bandwidth outside 1 … 16 or fewer than one round
 */
export function optimalBand(bandwidth: number, rounds: number): CorrelationStrategy {
  checkRounds(rounds);
  const coefficients = [...bandedSquareRoot(bandwidth).coefficients];
  let best = prefixSumError(coefficients, rounds);
  for (let step = 2 ** -4; step >= COEFFICIENT_GRAIN; ) {
    let improved = false;
    for (let j = 1; j < bandwidth; j++) {
      for (const move of [step, -step]) {
        const before = coefficients[j] as number;
        coefficients[j] = before + move;
        const error = isDecreasing(coefficients)
          ? prefixSumError(coefficients, rounds)
          : Number.POSITIVE_INFINITY;
        if (error < best) {
          best = error;
          improved = true;
        } else {
          coefficients[j] = before;
        }
      }
    }
    if (!improved) step /= 2;
  }
  return { kind: 'banded-toeplitz', coefficients };
}

/**
 * Root mean square over the rounds of the noise in the sum of all updates so far, for noise of one unit a
 * unit of sensitivity of one participation: ‖A C⁻¹‖_F · ‖c‖ / √rounds with A the matrix of prefix sums.
 * Independent noise has √((rounds + 1)/2).
 *
 * @param coefficients - first column of C
 */
export function prefixSumError(coefficients: readonly number[], rounds: number): number {
  checkRounds(rounds);
  let square = 0;
  for (const c of coefficients) square += c * c;
  let prefix = 0;
  let energy = 0;
  inverseColumn(coefficients, rounds).forEach((value, j) => {
    prefix += value;
    energy += (rounds - j) * prefix * prefix;
  });
  return Math.sqrt((energy * square) / rounds);
}

/** First column of C⁻¹, `[length]`: what independent noise goes through before it enters the updates. */
export function inverseColumn(coefficients: readonly number[], length: number): number[] {
  const column: number[] = [];
  for (let t = 0; t < length; t++) {
    let value = t === 0 ? 1 : 0;
    for (let j = 1; j < coefficients.length && j <= t; j++) {
      value -= (coefficients[j] as number) * (column[t - j] as number);
    }
    column.push(value);
  }
  return column;
}

/**
 * @throws {RangeError} unless the coefficients are multiples of 2⁻¹² that fall from 1 and stay at or above 0
 */
export function checkStrategy({ coefficients }: CorrelationStrategy): void {
  checkBandwidth(coefficients.length);
  const areOnGrain = coefficients.every((c) => Number.isInteger(c / COEFFICIENT_GRAIN));
  if (coefficients[0] !== 1 || !areOnGrain || !isDecreasing(coefficients)) {
    throw new RangeError(
      '"coefficients" expected multiples of 2^-12 that begin at 1 and never rise, none below 0',
    );
  }
}

/** A sequence that falls from 1 has an inverse that dies out (Eneström and Kakeya). */
function isDecreasing(coefficients: readonly number[]): boolean {
  return coefficients.every((c, j) => c >= 0 && (j === 0 || c <= (coefficients[j - 1] as number)));
}

function toGrain(value: number): number {
  return Math.round(value / COEFFICIENT_GRAIN) * COEFFICIENT_GRAIN;
}

function checkBandwidth(bandwidth: number): void {
  if (!Number.isInteger(bandwidth) || bandwidth < 1 || bandwidth > MAX_BANDWIDTH) {
    throw new RangeError(
      `"bandwidth" expected an integer in [1, ${MAX_BANDWIDTH}], got ${bandwidth}`,
    );
  }
}

function checkRounds(rounds: number): void {
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`"rounds" expected a positive integer, got ${rounds}`);
  }
}
