import type { RandomSource } from '../../core/random-source.ts';
import { fillFromCells } from './cell-sampler.ts';
import { buildCellTable, type CellTable, TABLE_SPREADS } from './cell-table.ts';
import { gaussianLaw } from './gaussian-law.ts';
import { sampleRoundedGaussianKarney } from './karney-normal.ts';
import { LruCache } from './lru-cache.ts';
import {
  assertNoiseParameter,
  assertTarget,
  fillEach,
  MAX_INT32_NOISE_STDDEV,
  MAX_NOISE_STDDEV,
  type NoiseTarget,
  safeIntegerOf,
} from './parameters.ts';

const tables = new LruCache<CellTable>(16);

/**
 * One exact sample of ⌊N(0, noiseStddev²)⌉, a Gaussian rounded to the nearest integer.
 *
 * ## Privacy
 * Added to an integer query of l2 sensitivity Δ it costs the event `gaussian` with noiseMultiplier =
 * noiseStddev / Δ, in any dimension: the sum equals a real Gaussian mechanism rounded afterwards. Nothing
 * is cut off or approximated. `random` must be a `SecureRandom` wherever people are to be protected. The
 * time that a sample takes depends on its value; let nobody measure it.
 *
 * Source: Karney (2016); proof in `rounded-gaussian.proof.md`.
 *
 * @param noiseStddev - standard deviation before rounding, in (0, 2⁴⁶], taken as the exact rational it is
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function sampleRoundedGaussian(noiseStddev: number, random: RandomSource): number {
  assertNoiseParameter('noiseStddev', noiseStddev, MAX_NOISE_STDDEV);
  return safeIntegerOf(sampleRoundedGaussianKarney(noiseStddev, random));
}

/**
 * Fills `target` with independent exact samples of ⌊N(0, noiseStddev²)⌉, some ten nanoseconds each. The law
 * and the privacy are those of {@link sampleRoundedGaussian}; the use of `random` is another, so the same
 * seed gives other numbers. Proof: `certified-cells.proof.md`.
 *
 * @param target - an Int32Array only for noiseStddev up to 2²⁴
 * @param noiseStddev - standard deviation before rounding, in (0, 2⁴⁶]; fast in [2⁻²⁰, 2³⁷]
 * @throws {VelaturaError} `dp/invalid-parameter`
 * @throws {RangeError} for a target that may not hold the noise
 */
export function fillRoundedGaussian(
  target: NoiseTarget,
  noiseStddev: number,
  random: RandomSource,
): void {
  assertNoiseParameter('noiseStddev', noiseStddev, MAX_NOISE_STDDEV);
  assertTarget(target, noiseStddev <= MAX_INT32_NOISE_STDDEV, 'noiseStddev');
  if (noiseStddev < TABLE_SPREADS.least || noiseStddev > TABLE_SPREADS.largest) {
    fillEach(target, () => sampleRoundedGaussian(noiseStddev, random));
    return;
  }
  const table = tables.get(noiseStddev, () => buildCellTable(gaussianLaw(noiseStddev, true)));
  fillFromCells(target, table, random);
}
