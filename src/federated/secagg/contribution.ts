import { VelaturaError } from '../../core/errors.ts';
import type { SumParameters } from '../rounds/secure-sum.ts';

/**
 * Refuses a vector that is not of the agreed shape and range.
 *
 * @throws {VelaturaError} `federated/invalid-contribution`
 */
export function checkContribution(
  vector: Float64Array,
  { dimension, contributionBound }: Pick<SumParameters, 'dimension' | 'contributionBound'>,
): void {
  if (vector.length !== dimension) {
    throw new VelaturaError(
      'federated/invalid-contribution',
      `a contribution expected ${dimension} coordinates, got ${vector.length}`,
      { expected: dimension, actual: vector.length },
    );
  }
  if (!vector.every((value) => Number.isInteger(value) && Math.abs(value) <= contributionBound)) {
    throw new VelaturaError(
      'federated/invalid-contribution',
      `a contribution expected integers of at most ${contributionBound}`,
      { contributionBound },
    );
  }
}
