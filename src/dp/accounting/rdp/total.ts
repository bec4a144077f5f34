import type { NeighbourRelation } from '../../plan.ts';
import type { Leaf } from '../leaves.ts';
import { divergenceCurve, sumOfCurves } from './curve.ts';
import type { DivergenceCurve } from './fixed-size.ts';

/**
 * The curve of a whole transcript.
 *
 * @throws {VelaturaError} `dp/unsupported-event`
 */
export function totalCurve(leaves: readonly Leaf[], relation: NeighbourRelation): DivergenceCurve {
  const curves = leaves.map(({ event, count, path }) => ({
    curve: divergenceCurve(event, relation, path),
    count,
  }));
  return sumOfCurves(curves);
}
