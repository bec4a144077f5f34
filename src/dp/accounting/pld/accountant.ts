import type { CertifiedInterval } from '../../accountant.ts';
import { deltaOfCost, epsilonOfCost } from '../gdp-accountant.ts';
import type { Leaf } from '../leaves.ts';
import { divergenceCurve } from '../rdp/curve.ts';
import type { DivergenceCurve } from '../rdp/fixed-size.ts';
import { deltaOfCurve, epsilonOfCurve } from '../rdp/readouts.ts';
import { totalCurve } from '../rdp/total.ts';
import { invalid } from '../refuse.ts';
import { type AccountantOptions, TranscriptAccountant } from '../transcript.ts';
import { type Bounds, deltaBounds, epsilonBounds } from './certified.ts';
import { type TranscriptLoss, transcriptLoss } from './directions.ts';

/** Options of a {@link PldAccountant}. */
export interface PldAccountantOptions extends AccountantOptions {
  /**
   * Relative error of epsilon to aim for where a lattice is needed; default 3e-7. The interval tells what
   * was reached.
   */
  readonly accuracy?: number;
}

const DEFAULT_ACCURACY = 3e-7;
/** Bounds that are further apart than this, relatively, are compared with the Rényi curve. */
const WIDE = 1e-5;

/**
 * Privacy loss distributions: the tightest bound known, as a certified interval.
 *
 * Gaussians without sampling are exact. Other transcripts with enough Gaussian noise in them go along a
 * contour in the complex plane whose error is bounded; the rest goes on a lattice, once with all losses
 * raised and once lowered. Both directions of a neighbouring pair are kept apart throughout.
 *
 * ## Privacy
 *
 * `upper` bounds the truth for adaptive compositions. `lower` is the truth's too, less rounding, wherever
 * neighbours exist that reach the bound; it is null where only a bound is proven. Mechanisms that have a
 * Rényi curve but no worst pair (integer noise on vectors, Skellam noise, zCDP) price the whole transcript
 * by that curve.
 *
 * Source: Koskela et al. (2020); Zhu, Dong & Wang (2022) for dominating pairs; Doroshenko et al. (2022)
 * for the lattice; contour.proof.md and lattice.proof.md for the error bounds.
 */
export class PldAccountant extends TranscriptAccountant {
  readonly name = 'pld' as const;
  readonly #accuracy: number;
  /** null: nothing but a Rényi curve is known. */
  #loss: TranscriptLoss | null | undefined;
  #curve: DivergenceCurve | undefined;

  constructor(options: PldAccountantOptions) {
    super(options);
    this.#accuracy = options.accuracy ?? DEFAULT_ACCURACY;
    if (!(this.#accuracy > 0 && this.#accuracy < 1)) {
      throw invalid('accuracy', 'a number in (0, 1)', this.#accuracy);
    }
  }

  protected override check(leaf: Leaf): void {
    divergenceCurve(leaf.event, this.relation, leaf.path);
  }

  protected override reset(): void {
    this.#loss = undefined;
    this.#curve = undefined;
  }

  protected override epsilonOf(leaves: readonly Leaf[], delta: number): CertifiedInterval {
    const byCurve = (): number => epsilonOfCurve(this.#curveOf(leaves), delta).value;
    const loss = this.#lossOf(leaves);
    if (loss === undefined) return { lower: null, upper: byCurve() };
    const { gaussianSquare, tight } = loss;
    if (gaussianSquare !== undefined) {
      const exact = epsilonOfCost(gaussianSquare, delta);
      return tight ? exact : { ...exact, lower: null };
    }
    const bounds = epsilonBounds(loss, delta, this.#accuracy);
    const { lower, upper } = finished(bounds, tight, byCurve);
    // Rounding upwards may pass what holds without any delta.
    const most = this.#curveOf(leaves).pure;
    return { lower: lower === null ? null : Math.min(lower, most), upper: Math.min(upper, most) };
  }

  protected override deltaOf(leaves: readonly Leaf[], epsilon: number): CertifiedInterval {
    const byCurve = (): number => deltaOfCurve(this.#curveOf(leaves), epsilon);
    const loss = this.#lossOf(leaves);
    if (loss === undefined) return { lower: null, upper: byCurve() };
    const { gaussianSquare, tight } = loss;
    if (gaussianSquare !== undefined) {
      const exact = deltaOfCost(gaussianSquare, epsilon);
      return tight ? exact : { ...exact, lower: null };
    }
    if (this.#curveOf(leaves).pure <= epsilon) return { lower: tight ? 0 : null, upper: 0 };
    const bounds = deltaBounds(loss, epsilon, this.#accuracy);
    return finished(bounds, tight, byCurve);
  }

  #lossOf(leaves: readonly Leaf[]): TranscriptLoss | undefined {
    this.#loss ??= transcriptLoss(leaves, this.relation) ?? null;
    return this.#loss ?? undefined;
  }

  #curveOf(leaves: readonly Leaf[]): DivergenceCurve {
    this.#curve ??= totalCurve(leaves, this.relation);
    return this.#curve;
  }
}

/** The Rényi curve is valid as well, and sometimes less: of loose pairs, or in extreme cases. */
function finished(
  bounds: Bounds | undefined,
  tight: boolean,
  byCurve: () => number,
): CertifiedInterval {
  if (bounds === undefined) return { lower: null, upper: byCurve() };
  const { lower, upper } = bounds;
  const narrow = tight && Number.isFinite(upper) && upper - lower <= WIDE * upper;
  return { lower: tight ? lower : null, upper: narrow ? upper : Math.min(upper, byCurve()) };
}
