import type { RandomSource } from '../../core/random-source.ts';
import { sampleDiscreteGaussianExact } from './canonne-kamath-steinke.ts';
import { fillFromCells } from './cell-sampler.ts';
import { buildCellTable, type CellTable, TABLE_SPREADS } from './cell-table.ts';
import { gaussianLaw } from './gaussian-law.ts';
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
/** Below, the weights of neighbours are too far apart for doubles to be of help. */
const LEAST_TABLE_PARAMETER = 0.5;

/**
 * One exact sample of the discrete Gaussian: P[k] ∝ e^(−k²/(2·sigmaParameter²)) on the integers.
 *
 * ## Privacy
 * Costs the event `discrete-gaussian` with sigma = sigmaParameter. A sum of several is no discrete Gaussian.
 * `random` must be a `SecureRandom` wherever people are to be protected. The time that a sample takes
 * depends on its value.
 *
 * Source: Canonne, Kamath, Steinke (2020), algorithm 3.
 *
 * @param sigmaParameter - parameter of the law (a little over its standard deviation when small), in
 *   (0, 2⁴⁶], taken as the exact rational it is
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function sampleDiscreteGaussian(sigmaParameter: number, random: RandomSource): number {
  assertNoiseParameter('sigmaParameter', sigmaParameter, MAX_NOISE_STDDEV);
  return safeIntegerOf(sampleDiscreteGaussianExact(sigmaParameter, random));
}

/**
 * Fills `target` with independent exact samples of the law of {@link sampleDiscreteGaussian}.
 * Proof: `certified-cells.proof.md`.
 *
 * @param target - an Int32Array only for sigmaParameter up to 2²⁴
 * @param sigmaParameter - parameter of the law, in (0, 2⁴⁶]; fast in [1/2, 2³⁷]
 * @throws {VelaturaError} `dp/invalid-parameter`
 * @throws {RangeError} for a target that may not hold the noise
 */
export function fillDiscreteGaussian(
  target: NoiseTarget,
  sigmaParameter: number,
  random: RandomSource,
): void {
  assertNoiseParameter('sigmaParameter', sigmaParameter, MAX_NOISE_STDDEV);
  assertTarget(target, sigmaParameter <= MAX_INT32_NOISE_STDDEV, 'sigmaParameter');
  if (sigmaParameter < LEAST_TABLE_PARAMETER || sigmaParameter > TABLE_SPREADS.largest) {
    fillEach(target, () => sampleDiscreteGaussian(sigmaParameter, random));
    return;
  }
  const table = tables.get(sigmaParameter, () =>
    buildCellTable(gaussianLaw(sigmaParameter, false)),
  );
  fillFromCells(target, table, random);
}
