import type { RandomSource } from '../../core/random-source.ts';
import { fillFromCells } from './cell-sampler.ts';
import { buildCellTable, type CellTable } from './cell-table.ts';
import { LruCache } from './lru-cache.ts';
import { assertNoiseParameter, fillEach, type NoiseTarget } from './parameters.ts';
import { MAX_POISSON_MEAN, samplePoisson } from './poisson.ts';
import { skellamLaw } from './skellam-law.ts';

const tables = new LruCache<CellTable>(8);
const LEAST_TABLE_MU = 2 ** -6;
const LARGEST_TABLE_MU = 2 ** 32;

function assertMu(mu: number): void {
  // Half of the smallest double would be rounded to 0.
  assertNoiseParameter('mu', mu, 2 * MAX_POISSON_MEAN, 2 ** -1000);
}

/**
 * One exact sample of the Skellam law of variance `mu`: the difference of two Poisson variables of mean mu/2.
 *
 * ## Privacy
 * Costs the event `skellam` with the same mu. Closed under addition: shares of variance mu/n of n parties
 * add up to variance mu, which is why secure sums use it. `random` must be a `SecureRandom` wherever people
 * are to be protected. The time that a sample takes depends on its value.
 *
 * Source: Agarwal, Kairouz, Liu, "The Skellam Mechanism for Differentially Private Federated Learning" (2021).
 *
 * @param mu - variance, in [2⁻¹⁰⁰⁰, 2⁴¹], taken as the exact rational it is
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function sampleSkellam(mu: number, random: RandomSource): number {
  assertMu(mu);
  return samplePoisson(mu / 2, random) - samplePoisson(mu / 2, random);
}

/**
 * Fills `target` with independent exact samples of the law of {@link sampleSkellam}.
 * Proof: `skellam.proof.md`.
 *
 * @param mu - variance, in [2⁻¹⁰⁰⁰, 2⁴¹]; fast in [2⁻⁶, 2³²]
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function fillSkellam(target: NoiseTarget, mu: number, random: RandomSource): void {
  assertMu(mu);
  if (mu < LEAST_TABLE_MU || mu > LARGEST_TABLE_MU) {
    fillEach(target, () => sampleSkellam(mu, random));
    return;
  }
  fillFromCells(
    target,
    tables.get(mu, () => buildCellTable(skellamLaw(mu))),
    random,
  );
}
