import type { CertifiedInterval } from '../accountant.ts';
import { totalCost, zcdpCostOfLeaf } from './cost.ts';
import type { Leaf } from './leaves.ts';
import { TranscriptAccountant } from './transcript.ts';
import { deltaOfZcdp, epsilonOfZcdp } from './zcdp.ts';

/**
 * Zero-concentrated differential privacy: one number rho that adds up over everything of finite rho.
 *
 * ## Privacy
 *
 * An upper bound, usually a few per cent above the truth for Gaussians; no lower bound.
 *
 * Source: Bun & Steinke, Concentrated differential privacy (2016), lemma 1.7.
 */
export class ZcdpAccountant extends TranscriptAccountant {
  readonly name = 'zcdp' as const;

  protected override check(leaf: Leaf): void {
    zcdpCostOfLeaf(leaf);
  }

  protected override reset(): void {}

  protected override epsilonOf(leaves: readonly Leaf[], delta: number): CertifiedInterval {
    const rho = rhoOf(leaves);
    return { lower: null, upper: rho < Number.POSITIVE_INFINITY ? epsilonOfZcdp(rho, delta) : rho };
  }

  protected override deltaOf(leaves: readonly Leaf[], epsilon: number): CertifiedInterval {
    const rho = rhoOf(leaves);
    return { lower: null, upper: rho < Number.POSITIVE_INFINITY ? deltaOfZcdp(rho, epsilon) : 1 };
  }
}

function rhoOf(leaves: readonly Leaf[]): number {
  return totalCost(leaves, zcdpCostOfLeaf);
}
