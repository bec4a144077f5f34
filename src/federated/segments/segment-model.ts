import { VelaturaError } from '../../core/errors.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import { type FeatureBall, nearestCentre, toUnitBall } from './segment-space.ts';

/** Centres of segments with what they cost: enough to tell on a device which segment its owner is in. */
export interface SegmentModel {
  /** Names of the features, in order. */
  readonly features: readonly string[];
  readonly ball: FeatureBall;
  /** `[segments, features]`, in the unit ball. */
  readonly centres: Float64Array;
  /** Segments too small to be spoken of; nobody is assigned to them. */
  readonly withheld: readonly number[];
  readonly statement: PrivacyStatement;
}

/**
 * The segment of one person, by the nearest centre. Runs on the device: nothing leaves it.
 *
 * @param features - of one person. `[features]`
 * @returns position of the segment; null for one that is withheld
 * @throws {VelaturaError} `federated/invalid-contribution` when the shape differs, `federated/non-finite`
 */
export function assignSegment(model: SegmentModel, features: ArrayLike<number>): number | null {
  if (features.length !== model.features.length) {
    throw new VelaturaError(
      'federated/invalid-contribution',
      `"features" expected ${model.features.length} numbers, got ${features.length}`,
      { expected: model.features.length, actual: features.length },
    );
  }
  const place = toUnitBall(features, model.ball);
  const { index } = nearestCentre(place, 0, model.centres, place.length);
  return model.withheld.includes(index) ? null : index;
}
