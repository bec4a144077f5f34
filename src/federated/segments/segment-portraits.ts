import { normalQuantile } from '../../core/special/index.ts';
import { type Interval, ratioInterval } from '../../core/special/ratio-interval.ts';
import type { CellSums } from './cell-sums.ts';
import type { FeatureBall } from './segment-space.ts';

/** One feature of a segment's mean member. */
export interface PortraitFeature {
  readonly feature: string;
  /** Mean over the members, in units of the feature. */
  readonly mean: number;
  /** What the noise leaves possible; null where the segment is too small for an interval. */
  readonly interval: Interval | null;
}

/** What is known of one segment: a portrait of a crowd, of nobody in it. */
export interface SegmentPortrait {
  /** Position of the segment in the model. */
  readonly segment: number;
  /** Estimated number of members. */
  readonly size: number;
  /** Half width of its interval. */
  readonly sizeHalfWidth: number;
  readonly profile: readonly PortraitFeature[];
  /** Root mean square distance of members from the centre, in units of the features; a noisy estimate. */
  readonly spread: number;
}

/** What portraits are made from. */
export interface PortraitTerms {
  readonly features: readonly string[];
  readonly ball: FeatureBall;
  readonly centres: Float64Array;
  readonly minimumSize: number;
  readonly confidence: number;
}

/**
 * Portraits from the noisy sums of the last release, in the order of the segments; null for one that may
 * have fewer members than the minimum. Means are unshrunk and their intervals exact (Fieller) for members whose
 * distance from the centre is within the reach of the release; farther ones count as at that distance.
 */
export function portraitsOf(sums: CellSums, terms: PortraitTerms): (SegmentPortrait | null)[] {
  const { features, ball, centres } = terms;
  const z = normalQuantile((1 + terms.confidence) / 2);
  const sizeHalfWidth = z * sums.countStddev;
  return Array.from(sums.counts, (size, segment): SegmentPortrait | null => {
    if (size < 1 || size - sizeHalfWidth < terms.minimumSize) return null;
    const profile = features.map((feature, i): PortraitFeature => {
      const at = segment * features.length + i;
      const inUnits = (way: number): number =>
        (ball.middle?.[i] ?? 0) + ball.radius * ((centres[at] as number) + way);
      const numerator = sums.ways[at] as number;
      const interval = ratioInterval(
        {
          numerator,
          numeratorStddev: sums.wayStddev,
          denominator: size,
          denominatorStddev: sums.countStddev,
        },
        z,
      );
      return {
        feature,
        mean: inUnits(numerator / size),
        interval:
          interval === null ? null : { low: inUnits(interval.low), high: inUnits(interval.high) },
      };
    });
    const energy = Math.max(0, (sums.energies[segment] as number) / size);
    return { segment, size, sizeHalfWidth, profile, spread: ball.radius * Math.sqrt(energy) };
  });
}
