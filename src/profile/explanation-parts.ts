/** A number that noise has moved, and how far. */
export interface NoisyNumber {
  readonly value: number;
  /** Standard deviation of the noise in it. */
  readonly noiseStddev: number;
  readonly lower: number;
  readonly upper: number;
}

/** A probability with the interval of its logit mapped to probabilities. */
export interface NoisyProbability {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/** What explanations of all kinds of models have in common. */
export interface TagExplanation {
  readonly tag: string;
  /** Of all intervals, two-sided. */
  readonly confidence: number;
  readonly probability: NoisyProbability;
  readonly logit: NoisyNumber;
  readonly baselineName: string;
  /** logit − logit of the baseline. */
  readonly difference: NoisyNumber;
  /** True when the interval of the difference holds 0: the noise alone could have made the tag stand out. */
  readonly mayBeNoise: boolean;
}

/** A number with the interval of ± z deviations. */
export function noisy(value: number, noiseStddev: number, z: number): NoisyNumber {
  const halfWidth = z * noiseStddev;
  return { value, noiseStddev, lower: value - halfWidth, upper: value + halfWidth };
}

/** The logistic function is increasing, so it maps the ends of an interval to the ends of one. */
export function probabilityOf(logit: NoisyNumber): NoisyProbability {
  return {
    value: logistic(logit.value),
    lower: logistic(logit.lower),
    upper: logistic(logit.upper),
  };
}

function logistic(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** @throws RangeError for a confidence outside (0, 1) */
export function checkConfidence(confidence: number): void {
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`"confidence" expected a number in (0, 1), got ${confidence}`);
  }
}

/** @throws RangeError for another length, or a number that is not finite or below the minimum */
export function checkNumbers(
  name: string,
  numbers: ArrayLike<number>,
  length: number,
  minimum: number,
): void {
  if (numbers.length !== length) {
    throw new RangeError(`"${name}" expected ${length} numbers, got ${numbers.length}`);
  }
  for (let i = 0; i < length; i++) {
    const value = numbers[i] as number;
    if (!Number.isFinite(value) || value < minimum) {
      const least = minimum === 0 ? ' of at least 0' : '';
      throw new RangeError(`"${name}" expected finite numbers${least}, got another at ${i}`);
    }
  }
}
