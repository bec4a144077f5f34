import { lgamma } from '../../core/special/index.ts';

/** Far more than the rounding of a sum of terms taken from logarithms of up to 10⁸. */
const ROUNDING_GUARD = 1 + 1e-6;

/** Balls drawn without replacement: `draws` of `population`, of which `marked` are marked. */
export interface Draw {
  readonly population: number;
  readonly marked: number;
  readonly draws: number;
}

/**
 * P[at least `least` of those drawn are marked], the whole tail term by term, rounded up.
 */
export function upperTail(draw: Draw, least: number): number {
  const { population, marked, draws } = draw;
  const lowest = Math.max(0, draws - (population - marked));
  const highest = Math.min(draws, marked);
  if (least <= lowest) return 1;
  let tail = 0;
  for (let x = highest; x >= least; x--) tail += Math.exp(logTerm(draw, x));
  return Math.min(1, tail * ROUNDING_GUARD);
}

/** log P[all drawn are marked], −∞ where there are too few. */
export function logAllMarked({ population, marked, draws }: Draw): number {
  if (draws > marked) return Number.NEGATIVE_INFINITY;
  return logBinomial(marked, draws) - logBinomial(population, draws) + Math.log(ROUNDING_GUARD);
}

function logTerm({ population, marked, draws }: Draw, x: number): number {
  return (
    logBinomial(marked, x) +
    logBinomial(population - marked, draws - x) -
    logBinomial(population, draws)
  );
}

function logBinomial(n: number, k: number): number {
  return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}
