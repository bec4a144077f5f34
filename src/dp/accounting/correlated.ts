import { nextUp } from '../../core/special/ulp.ts';
import type { DpEvent } from '../event.ts';
import { gaussianPrecision } from './leaves.ts';
import { unsupported } from './refuse.ts';

/**
 * Squared GDP parameter of a run with correlated noise: the matrix mechanism Cx + z releases, with z of
 * standard deviation noiseMultiplier times the norm that **one** participation may have.
 *
 * Participations at least a bandwidth apart meet disjoint rows of a banded C, so their columns are
 * orthogonal and the squared sensitivity is at most participations · Σ coefficients², for any vectors.
 * Lower-triangular C keeps that for adaptive x (Denisov et al. 2022, theorem 2.1).
 *
 * Source: Choquette-Choo et al., (Amplified) Banded Matrix Factorization (2023), on banded strategies.
 *
 * @throws {VelaturaError} `dp/unsupported-event` when participations may fall into one band
 */
export function correlatedGaussianPrecision(
  event: Extract<DpEvent, { kind: 'correlated-gaussian' }>,
  path: string,
): number {
  const { coefficients } = event.strategy;
  if (event.participations > 1 && coefficients.length > event.minSeparation) {
    throw unsupported(
      path,
      `bandwidth ${coefficients.length} is wider than minSeparation ${event.minSeparation}`,
    );
  }
  let square = 0;
  for (const c of coefficients) square = nextUp(square + nextUp(c * c));
  return nextUp(square * gaussianPrecision(event.noiseMultiplier, event.participations));
}
