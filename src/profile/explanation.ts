import { normalQuantile } from '../core/special/normal.ts';
import {
  checkConfidence,
  checkNumbers,
  type NoisyNumber,
  noisy,
  probabilityOf,
  type TagExplanation,
} from './explanation-parts.ts';

/** What one feature adds to the logit. */
export interface Contribution extends NoisyNumber {
  readonly name: string;
  /** Value of the feature. */
  readonly feature: number;
  readonly weight: number;
}

/** A point from which the tag is judged, such as popularity. */
export interface ExplanationBaseline {
  /** What it is, in words: "popularity". */
  readonly name: string;
  readonly logit: number;
  /** Standard deviation of the noise in its logit; 0 when it is public. */
  readonly noiseStddev: number;
}

/** What {@link explainLinearTag} works from. */
export interface LinearTagQuestion {
  readonly tag: string;
  /** `[features]` */
  readonly featureNames: readonly string[];
  /** `[features]` */
  readonly features: ArrayLike<number>;
  /** `[features]`, of this tag, in logits per unit of the feature. */
  readonly weights: ArrayLike<number>;
  readonly bias: number;
  /** Default: the bias, so that the question is what the features alone change. */
  readonly baseline?: ExplanationBaseline;
  /** Standard deviation of the privacy noise in each weight: one for all, or `[features]`. */
  readonly weightNoiseStddev: number | ArrayLike<number>;
  /** Standard deviation of the privacy noise in the bias; 0 when it is public or there is none. */
  readonly biasNoiseStddev: number;
  /** Of all intervals, two-sided, in (0, 1). */
  readonly confidence: number;
}

/** Why a linear model gives a tag its probability, and how much of it may be noise. */
export interface LinearTagExplanation extends TagExplanation {
  readonly kind: 'linear';
  readonly bias: NoisyNumber;
  /** Largest magnitude first; their values add up to logit − bias. */
  readonly contributions: readonly Contribution[];
}

/**
 * Takes a logistic model's answer for one tag apart: logit = bias + Σ weight · feature, exactly.
 *
 * The intervals hold when the noise in weights and bias is Gaussian and independent with the given
 * deviations, given the features. Averaged iterates, preconditioning and shrinkage change and correlate the
 * noise of released weights: then the deviation is the caller's approximation, and so are the intervals.
 * They are about the privacy noise only, not about how well the model would do without it. See
 * `explanation.proof.md`.
 *
 * @throws RangeError when lengths differ, a number is not finite, a deviation is negative or the confidence
 * is outside (0, 1)
 */
export function explainLinearTag(question: LinearTagQuestion): LinearTagExplanation {
  checkQuestion(question);
  const { tag, featureNames, features, weights, bias, biasNoiseStddev, confidence } = question;
  const z = normalQuantile(0.5 + confidence / 2);
  const stddevs = question.weightNoiseStddev;
  let sum = 0;
  let variance = 0;
  const contributions = featureNames.map((name, i): Contribution => {
    const feature = features[i] as number;
    const weight = weights[i] as number;
    const stddev =
      (typeof stddevs === 'number' ? stddevs : (stddevs[i] as number)) * Math.abs(feature);
    sum += weight * feature;
    variance += stddev * stddev;
    return { name, feature, weight, ...noisy(weight * feature, stddev, z) };
  });
  const logit = noisy(bias + sum, Math.sqrt(variance + biasNoiseStddev ** 2), z);
  const difference = differenceTo(question, sum, variance, z);
  return {
    kind: 'linear',
    tag,
    confidence,
    probability: probabilityOf(logit),
    logit,
    bias: noisy(bias, biasNoiseStddev, z),
    contributions: contributions.sort((a, b) => Math.abs(b.value) - Math.abs(a.value)),
    baselineName: question.baseline?.name ?? 'a person without history',
    difference,
    mayBeNoise: difference.lower <= 0 && difference.upper >= 0,
  };
}

function differenceTo(
  question: LinearTagQuestion,
  sum: number,
  variance: number,
  z: number,
): NoisyNumber {
  const { baseline, bias, biasNoiseStddev } = question;
  // Against the model's own bias the noise of the bias cancels.
  if (baseline === undefined) return noisy(sum, Math.sqrt(variance), z);
  const stddev = Math.sqrt(variance + biasNoiseStddev ** 2 + baseline.noiseStddev ** 2);
  return noisy(bias + sum - baseline.logit, stddev, z);
}

function checkQuestion(question: LinearTagQuestion): void {
  const { featureNames, features, weights, weightNoiseStddev, confidence, baseline } = question;
  checkNumbers('features', features, featureNames.length, Number.NEGATIVE_INFINITY);
  checkNumbers('weights', weights, featureNames.length, Number.NEGATIVE_INFINITY);
  if (typeof weightNoiseStddev === 'number')
    checkNumbers('weightNoiseStddev', [weightNoiseStddev], 1, 0);
  else checkNumbers('weightNoiseStddev', weightNoiseStddev, featureNames.length, 0);
  checkNumbers('bias', [question.bias], 1, Number.NEGATIVE_INFINITY);
  checkNumbers('biasNoiseStddev', [question.biasNoiseStddev], 1, 0);
  if (baseline !== undefined) {
    checkNumbers('baseline.logit', [baseline.logit], 1, Number.NEGATIVE_INFINITY);
    checkNumbers('baseline.noiseStddev', [baseline.noiseStddev], 1, 0);
  }
  checkConfidence(confidence);
}
