import type { CertifiedInterval } from '../accountant.ts';
import { gdpCostOfLeaf, totalCost } from './cost.ts';
import { deltaOfGdp, epsilonOfGdp, muOfCost } from './gdp.ts';
import type { Leaf } from './leaves.ts';
import { TranscriptAccountant } from './transcript.ts';

/**
 * Gaussian differential privacy: exact for Gaussian mechanisms without amplification, in any order and
 * chosen adaptively; refuses everything else.
 *
 * ## Privacy
 *
 * n releases with multipliers σᵢ are exactly as private as one with 1/√Σ 1/σᵢ², so lower and upper agree
 * (to 1e-8 relative; the value returned is never under the truth).
 *
 * Source: Dong, Roth & Su, Gaussian differential privacy (2022), corollary 3.3.
 */
export class GdpAccountant extends TranscriptAccountant {
  readonly name = 'gdp' as const;

  protected override check(leaf: Leaf): void {
    gdpCostOfLeaf(leaf);
  }

  protected override reset(): void {}

  protected override epsilonOf(leaves: readonly Leaf[], delta: number): CertifiedInterval {
    return epsilonOfCost(totalCost(leaves, gdpCostOfLeaf), delta);
  }

  protected override deltaOf(leaves: readonly Leaf[], epsilon: number): CertifiedInterval {
    return deltaOfCost(totalCost(leaves, gdpCostOfLeaf), epsilon);
  }
}

/** Epsilon of a cost Σ 1/noiseMultiplier²; one that passes all doubles bounds nothing. */
export function epsilonOfCost(cost: number, delta: number): CertifiedInterval {
  if (cost === Number.POSITIVE_INFINITY) return { lower: null, upper: cost };
  const epsilon = epsilonOfGdp(muOfCost(cost), delta);
  return { lower: epsilon, upper: epsilon };
}

/** Delta of a cost Σ 1/noiseMultiplier². */
export function deltaOfCost(cost: number, epsilon: number): CertifiedInterval {
  if (cost === Number.POSITIVE_INFINITY) return { lower: null, upper: 1 };
  const delta = deltaOfGdp(muOfCost(cost), epsilon);
  return { lower: delta, upper: delta };
}
