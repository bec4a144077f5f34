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
    const epsilon = epsilonOfGdp(muOf(leaves), delta);
    return { lower: epsilon, upper: epsilon };
  }

  protected override deltaOf(leaves: readonly Leaf[], epsilon: number): CertifiedInterval {
    const delta = deltaOfGdp(muOf(leaves), epsilon);
    return { lower: delta, upper: delta };
  }
}

function muOf(leaves: readonly Leaf[]): number {
  return muOfCost(totalCost(leaves, gdpCostOfLeaf));
}
