import { normalQuantile } from '../../core/special/index.ts';
import { type Interval, ratioInterval } from '../../core/special/ratio-interval.ts';

/** A count with Gaussian noise, or a sum of such counts. */
export interface NoisyCount {
  readonly value: number;
  readonly stddev: number;
}

/** A share from noisy counts. */
export interface NoisyShare {
  /** Null where the noise drowns it. */
  readonly value: number | null;
  /** Within [0, 1]; all of it where the noise drowns the share. */
  readonly interval: Interval;
}

/** The sum of counts whose noises are independent. */
export function sumOf(counts: readonly NoisyCount[]): NoisyCount {
  return counts.reduce<NoisyCount>(
    (sum, { value, stddev }) => ({
      value: sum.value + value,
      stddev: Math.hypot(sum.stddev, stddev),
    }),
    { value: 0, stddev: 0 },
  );
}

/**
 * part / (part + rest) of two counts whose noises are independent, with Fieller's interval.
 *
 * @param z - two-sided normal quantile
 */
export function shareOf(part: NoisyCount, rest: NoisyCount, z: number): NoisyShare {
  const whole = sumOf([part, rest]);
  const interval = ratioInterval(
    {
      numerator: part.value,
      numeratorStddev: part.stddev,
      denominator: whole.value,
      denominatorStddev: whole.stddev,
      // The noise of the part is in the whole too.
      covariance: part.stddev ** 2,
    },
    z,
  );
  if (interval === null) return { value: null, interval: { low: 0, high: 1 } };
  return {
    value: clamp(part.value / whole.value),
    interval: { low: clamp(interval.low), high: clamp(interval.high) },
  };
}

/** The two-sided quantile with which `count` intervals hold at once (Bonferroni). */
export function simultaneousQuantile(confidence: number, count: number): number {
  return normalQuantile(1 - (1 - confidence) / (2 * Math.max(1, count)));
}

/** How far the shares of several groups are apart. */
export interface Gap {
  /** Largest less smallest; null where a share is drowned. */
  readonly value: number | null;
  /** Holds the true gap whenever the intervals of all shares hold theirs. */
  readonly interval: Interval;
}

/** The gap between the largest and the smallest of some shares. */
export function gapOf(shares: readonly NoisyShare[]): Gap {
  const values = shares.map(({ value }) => value);
  const lows = shares.map(({ interval }) => interval.low);
  const highs = shares.map(({ interval }) => interval.high);
  const known = values.filter((value) => value !== null);
  return {
    value:
      known.length < shares.length || shares.length === 0
        ? null
        : Math.max(...known) - Math.min(...known),
    interval: {
      low: Math.max(0, Math.max(...lows) - Math.min(...highs)),
      high: Math.max(0, Math.max(...highs) - Math.min(...lows)),
    },
  };
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
