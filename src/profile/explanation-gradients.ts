import { l2Norm } from '../core/linear-algebra.ts';
import { normalQuantile } from '../core/special/normal.ts';
import {
  checkConfidence,
  checkNumbers,
  type NoisyNumber,
  noisy,
  probabilityOf,
  type TagExplanation,
} from './explanation-parts.ts';

/** The logit of one tag as a function of features and parameters that can be differentiated. */
export interface DifferentiableScore {
  /** Number of features. */
  readonly features: number;
  /** Number of parameters. */
  readonly parameters: number;
  logit(features: ArrayLike<number>): number;
  /** By the features. `[features]` */
  gradient(features: ArrayLike<number>): Float64Array;
  /** By the parameters. `[parameters]` */
  parameterGradient(features: ArrayLike<number>): Float64Array;
  /** The same model with its parameters moved. `[parameters]` */
  moved(step: Float64Array): DifferentiableScore;
}

/** What one feature adds to the logit on the way from the baseline. */
export interface GradientContribution {
  readonly name: string;
  readonly feature: number;
  /** Value of the feature in the baseline. */
  readonly baselineFeature: number;
  readonly value: number;
}

/** What {@link explainByGradients} works from. */
export interface GradientQuestion {
  readonly tag: string;
  readonly score: DifferentiableScore;
  /** `[features]` */
  readonly featureNames: readonly string[];
  /** `[features]` */
  readonly features: ArrayLike<number>;
  /** Whom the person is compared with; public. Default: features of 0, a person without history. */
  readonly baseline?: { readonly name: string; readonly features: ArrayLike<number> };
  /** Standard deviation of the privacy noise in each parameter: one for all, or `[parameters]`. */
  readonly parameterNoiseStddev: number | ArrayLike<number>;
  /** Of all intervals, two-sided, in (0, 1). */
  readonly confidence: number;
}

/** Why a model that is not linear gives a tag its probability, and how much of it may be noise. */
export interface GradientExplanation extends TagExplanation {
  readonly kind: 'gradients';
  readonly baselineLogit: number;
  /** Largest magnitude first; with `unexplained` their values add up to the difference. */
  readonly contributions: readonly GradientContribution[];
  /** What numerical integration left over. */
  readonly unexplained: number;
}

const FIRST_STEPS = 16;
const MOST_STEPS = 1024;
/** Of a contribution, relative to the difference or 1, whichever is larger. */
const TOLERANCE = 1e-3;

/**
 * Takes a differentiable model's answer for one tag apart by integrated gradients: the contribution of a
 * feature is (x − x₀) times the mean of its partial derivative on the straight way from the baseline x₀ to x.
 *
 * Contributions add up to the difference of the logits (completeness), and what integration leaves over is
 * stated. The intervals are those of Gaussian noise in the parameters to first order, widened to what the
 * model really does one interval away; for noise so large that the model is another one there, they are a
 * guess. See `explanation.proof.md`.
 *
 * Source: Sundararajan, Taly, Yan, Axiomatic attribution for deep networks, ICML 2017 (arXiv 1703.01365), §3.
 *
 * Cost: 48 to 2,032 gradients.
 *
 * @throws RangeError when lengths differ, a number is not finite, a deviation is negative or the confidence
 * is outside (0, 1)
 */
export function explainByGradients(question: GradientQuestion): GradientExplanation {
  checkQuestion(question);
  const { tag, score, featureNames, features, confidence } = question;
  const baseline = question.baseline ?? {
    name: 'a person without history',
    features: new Float64Array(score.features),
  };
  const z = normalQuantile(0.5 + confidence / 2);
  const stddev = stddevs(question.parameterNoiseStddev, score.parameters);
  const baselineLogit = score.logit(baseline.features);
  const value = score.logit(features) - baselineLogit;
  const attributed = integrate(score, baseline.features, features, value);
  const gradient = score.parameterGradient(features);
  const logit = interval(score, gradient, stddev, z, (model) => model.logit(features));
  const atBaseline = score.parameterGradient(baseline.features);
  const difference = interval(
    score,
    gradient.map((partial, i) => partial - (atBaseline[i] as number)),
    stddev,
    z,
    (model) => model.logit(features) - model.logit(baseline.features),
  );
  const contributions = featureNames.map(
    (name, i): GradientContribution => ({
      name,
      feature: features[i] as number,
      baselineFeature: baseline.features[i] as number,
      value: attributed[i] as number,
    }),
  );
  return {
    kind: 'gradients',
    tag,
    confidence,
    probability: probabilityOf(logit),
    logit,
    baselineName: baseline.name,
    baselineLogit,
    difference,
    mayBeNoise: difference.lower <= 0 && difference.upper >= 0,
    contributions: contributions.sort((a, b) => Math.abs(b.value) - Math.abs(a.value)),
    unexplained: value - attributed.reduce((sum, part) => sum + part, 0),
  };
}

/** Midpoint rule on the line from `from` to `to`, doubled until neither parts nor sum move any more. */
function integrate(
  score: DifferentiableScore,
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  difference: number,
): Float64Array {
  const tolerance = TOLERANCE * Math.max(1, Math.abs(difference));
  let parts = midpoints(score, from, to, FIRST_STEPS);
  for (let steps = 2 * FIRST_STEPS; steps <= MOST_STEPS; steps *= 2) {
    const finer = midpoints(score, from, to, steps);
    const sum = finer.reduce((total, part) => total + part, 0);
    const moved = finer.some((part, i) => Math.abs(part - (parts[i] as number)) > tolerance);
    parts = finer;
    if (!moved && Math.abs(sum - difference) <= tolerance) break;
  }
  return parts;
}

function midpoints(
  score: DifferentiableScore,
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  steps: number,
): Float64Array {
  const way = Float64Array.from(to, (end, i) => end - (from[i] as number));
  const sums = new Float64Array(way.length);
  for (let step = 0; step < steps; step++) {
    const share = (step + 0.5) / steps;
    const gradient = score.gradient(way.map((part, i) => (from[i] as number) + share * part));
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (gradient[i] as number);
  }
  return sums.map((sum, i) => ((way[i] as number) * sum) / steps + 0); // never −0
}

/**
 * The interval of a quantity with the given gradient by the parameters. Of all parameters at z deviations,
 * those along the gradient change it most to first order; what it is there widens the interval.
 */
function interval(
  score: DifferentiableScore,
  gradient: Float64Array,
  stddev: Float64Array,
  z: number,
  quantity: (model: DifferentiableScore) => number,
): NoisyNumber {
  const value = quantity(score);
  const deviation = l2Norm(gradient.map((partial, i) => partial * (stddev[i] as number)));
  const linear = noisy(value, deviation, z);
  if (deviation === 0) return linear;
  const step = gradient.map((partial, i) => (z * partial * (stddev[i] as number) ** 2) / deviation);
  const ends = [quantity(score.moved(step)), quantity(score.moved(step.map((part) => -part)))];
  return {
    ...linear,
    lower: Math.min(linear.lower, ...ends),
    upper: Math.max(linear.upper, ...ends),
  };
}

function stddevs(given: number | ArrayLike<number>, parameters: number): Float64Array {
  return typeof given === 'number'
    ? new Float64Array(parameters).fill(given)
    : Float64Array.from(given);
}

function checkQuestion(question: GradientQuestion): void {
  const { score, featureNames, features, baseline, parameterNoiseStddev } = question;
  if (featureNames.length !== score.features) {
    throw new RangeError(
      `"featureNames" expected ${score.features} names, got ${featureNames.length}`,
    );
  }
  checkNumbers('features', features, score.features, Number.NEGATIVE_INFINITY);
  if (baseline !== undefined) {
    checkNumbers('baseline.features', baseline.features, score.features, Number.NEGATIVE_INFINITY);
  }
  if (typeof parameterNoiseStddev === 'number') {
    checkNumbers('parameterNoiseStddev', [parameterNoiseStddev], 1, 0);
  } else {
    checkNumbers('parameterNoiseStddev', parameterNoiseStddev, score.parameters, 0);
  }
  checkConfidence(question.confidence);
}
