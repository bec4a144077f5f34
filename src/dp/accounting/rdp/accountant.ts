import type { CertifiedInterval } from '../../accountant.ts';
import type { Leaf } from '../leaves.ts';
import { TranscriptAccountant } from '../transcript.ts';
import { divergenceCurve } from './curve.ts';
import type { DivergenceCurve } from './fixed-size.ts';
import { deltaOfCurve, epsilonOfCurve } from './readouts.ts';
import { totalCurve } from './total.ts';

/**
 * Rényi differential privacy: one divergence an order, which adds up under adaptive composition; the
 * order that gives the least epsilon is searched over all reals above 1.
 *
 * ## Privacy
 *
 * An upper bound, a few to 80 per cent above the truth; no lower bound. It holds for events without a
 * known worst pair too, such as Skellam noise or integer noise on vectors.
 *
 * Source: Mironov (2017), proposition 1, for composition; Canonne, Kamath & Steinke (2020), proposition
 * 12, for the conversion.
 */
export class RdpAccountant extends TranscriptAccountant {
  readonly name = 'rdp' as const;
  #curve: DivergenceCurve | undefined;

  protected override check(leaf: Leaf): void {
    divergenceCurve(leaf.event, this.relation, leaf.path);
  }

  protected override reset(): void {
    this.#curve = undefined;
  }

  protected override epsilonOf(leaves: readonly Leaf[], delta: number): CertifiedInterval {
    this.#curve ??= totalCurve(leaves, this.relation);
    return { lower: null, upper: epsilonOfCurve(this.#curve, delta).value };
  }

  protected override deltaOf(leaves: readonly Leaf[], epsilon: number): CertifiedInterval {
    this.#curve ??= totalCurve(leaves, this.relation);
    return { lower: null, upper: deltaOfCurve(this.#curve, epsilon) };
  }
}
