import type { RandomSource } from '../../core/random-source.ts';
import { sampleDiscreteLaplaceExact } from './canonne-kamath-steinke.ts';
import { fillFromCells } from './cell-sampler.ts';
import { buildCellTable, type CellTable, TABLE_SPREADS } from './cell-table.ts';
import { laplaceLaw } from './laplace-law.ts';
import { LruCache } from './lru-cache.ts';
import {
  assertNoiseParameter,
  assertTarget,
  fillEach,
  type NoiseTarget,
  safeIntegerOf,
} from './parameters.ts';
import { rationalOf } from './rational.ts';

const tables = new LruCache<CellTable>(16);
const LARGEST_TABLE_PARAMETER = 16;
/** 2¹³ scales end at 2⁵³: the noise passes it with a probability under e^(−8000). */
const LEAST_PARAMETER = 2 ** -40;
/** The same for a target of 32-bit integers. */
const LEAST_INT32_PARAMETER = 2 ** -18;

function assertParameter(parameter: number): void {
  assertNoiseParameter('parameter', parameter, Number.MAX_VALUE, LEAST_PARAMETER);
}

/**
 * One exact sample of the discrete Laplace law: P[k] ∝ e^(−parameter·|k|) on the integers.
 *
 * ## Privacy
 * Costs the event `discrete-laplace` with the same parameter. `random` must be a `SecureRandom` wherever
 * people are to be protected. The time that a sample takes depends on its value.
 *
 * Source: Canonne, Kamath, Steinke (2020), algorithm 2.
 *
 * @param parameter - finite and ≥ 2⁻⁴⁰, taken as the exact rational it is
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function sampleDiscreteLaplace(parameter: number, random: RandomSource): number {
  assertParameter(parameter);
  return safeIntegerOf(sampleDiscreteLaplaceExact(rationalOf(parameter), random));
}

/**
 * Fills `target` with independent exact samples of the law of {@link sampleDiscreteLaplace}.
 * Proof: `certified-cells.proof.md`.
 *
 * @param target - an Int32Array only for parameters ≥ 2⁻¹⁸
 * @param parameter - finite and ≥ 2⁻⁴⁰; fast in [2⁻³⁷, 16]
 * @throws {VelaturaError} `dp/invalid-parameter`
 * @throws {RangeError} for a target that may not hold the noise
 */
export function fillDiscreteLaplace(
  target: NoiseTarget,
  parameter: number,
  random: RandomSource,
): void {
  assertParameter(parameter);
  assertTarget(target, parameter >= LEAST_INT32_PARAMETER, 'parameter');
  if (parameter > LARGEST_TABLE_PARAMETER || 1 / parameter > TABLE_SPREADS.largest) {
    fillEach(target, () => sampleDiscreteLaplace(parameter, random));
    return;
  }
  const table = tables.get(parameter, () => buildCellTable(laplaceLaw(parameter)));
  fillFromCells(target, table, random);
}
