import { type Interval, ratioInterval } from '../../core/special/ratio-interval.ts';

/**
 * A metric from noisy sums. Noise knows no range: value and interval may pass the ends of it a little. What is
 * null is drowned in noise.
 */
export interface MetricEstimate {
  readonly value: number | null;
  /** Deviation that the noise gives the value; that other people would give another value is not in it. */
  readonly standardError: number | null;
  /** Most that the coarseness of the counts can change the value by; 0 for metrics that are not binned. */
  readonly binError: number;
  /** Holds the metric of these very clients with the confidence asked. */
  readonly interval: Interval | null;
}

/** One noisy coordinate, in units of what it counts. */
export interface NoisyValue {
  readonly value: number;
  readonly stddev: number;
}

export const DROWNED: MetricEstimate = {
  value: null,
  standardError: null,
  binError: 0,
  interval: null,
};

/**
 * offset + scale · numerator / denominator of two independently noised sums.
 *
 * @param z - two-sided normal quantile
 */
export function ratioEstimate(
  numerator: NoisyValue,
  denominator: NoisyValue,
  z: number,
  { offset, scale }: { readonly offset: number; readonly scale: number },
): MetricEstimate {
  const interval = ratioInterval(
    {
      numerator: numerator.value,
      numeratorStddev: numerator.stddev,
      denominator: denominator.value,
      denominatorStddev: denominator.stddev,
    },
    z,
  );
  if (interval === null) return DROWNED;
  const ratio = numerator.value / denominator.value;
  return {
    value: offset + scale * ratio,
    standardError:
      (scale * Math.hypot(numerator.stddev, ratio * denominator.stddev)) / denominator.value,
    binError: 0,
    interval: { low: offset + scale * interval.low, high: offset + scale * interval.high },
  };
}
