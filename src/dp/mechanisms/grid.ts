import { invalid } from '../accounting/refuse.ts';
import { type AdditiveNoise, requireNoise } from './additive-noise.ts';

/** Bounds of magnitudes beyond these would leave the range of doubles on the grid. */
const LEAST_BOUND = 2 ** -800;
const LARGEST_BOUND = 2 ** 800;
/** Most grid steps to a bound: squares and their sums stay exact integers in doubles. */
const MOST_STEPS = 2 ** 25;

/**
 * For each law: how many bits the grid is finer than the noise, and at least and at most how many bits
 * finer than the bound. Skellam and discrete noise are sampled and priced at a cost that grows with them.
 */
const BITS: Readonly<
  Record<AdditiveNoise['kind'], readonly [noise: number, least: number, most: number]>
> = {
  gaussian: [20, 16, 24],
  laplace: [20, 16, 24],
  'discrete-gaussian': [14, 10, 18],
  'discrete-laplace': [10, 8, 12],
  skellam: [12, 8, 18],
};

/** ⌊log₂ x⌋, exactly. @param x - a normal positive double */
export function floorLog2(x: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return ((view.getUint32(0) >>> 20) & 0x7ff) - 1023;
}

/**
 * The spacing of the grid that values are rounded to before noise: a power of two, from public numbers
 * alone. About 2⁻²⁰ of the noise for `gaussian` and `laplace`, and at least 2⁻¹⁶ of the bound.
 *
 * ## Privacy
 * The released number is a multiple of it, so its digits tell nothing about the input: rounding comes before
 * the noise and inside the sensitivity. See grid.proof.md (Casacuberta et al. 2022; Haney et al. 2022).
 *
 * @param bound - most that one user contributes, in units of the value, in [2⁻⁸⁰⁰, 2⁸⁰⁰]
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event` for an unknown law
 */
export function chooseGranularity(bound: number, noise: AdditiveNoise): number {
  requireBound('bound', bound);
  requireNoise(noise);
  const [noiseBits, least, most] = BITS[noise.kind];
  const wanted = noiseBits - floorLog2(noise.noiseMultiplier);
  return 2 ** (floorLog2(bound) - Math.min(most, Math.max(least, wanted)));
}

/**
 * The granularity that the caller asked for, or the chosen one.
 *
 * @throws {VelaturaError} `dp/invalid-parameter` unless it is a power of two with 1 to 2²⁵ steps to the bound
 */
export function granularityOf(
  asked: number | undefined,
  bound: number,
  noise: AdditiveNoise,
): number {
  const chosen = chooseGranularity(bound, noise);
  if (asked === undefined) return chosen;
  const steps = bound / asked;
  if (!(steps >= 1 && steps <= MOST_STEPS && 2 ** floorLog2(asked) === asked)) {
    throw invalid(
      'granularity',
      `a power of two in [bound / 2^25, bound] with bound ${bound}`,
      asked,
    );
  }
  return asked;
}

/** @throws {VelaturaError} `dp/invalid-parameter` unless `value` is in [2⁻⁸⁰⁰, 2⁸⁰⁰] */
export function requireBound(name: string, value: number): void {
  if (!(value >= LEAST_BOUND && value <= LARGEST_BOUND)) {
    throw invalid(name, 'a number in [2^-800, 2^800]', value);
  }
}
