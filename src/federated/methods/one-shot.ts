import { addScaled, l2Norm, symmetricEigen } from '../../core/linear-algebra.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import { oneShotDimension } from '../../dp/planning/one-shot-dimension.ts';
import type { Batch } from '../models/trainable.ts';
import type { FederatedClient } from '../rounds/client.ts';
import {
  type RoundEnvironment,
  type RoundMetrics,
  runPrivateRound,
} from '../rounds/private-round.ts';
import { UpdateEncoder } from '../rounds/update-encoder.ts';

/** The one-upload method. Every number is a public constant. */
export interface OneShotOptions {
  readonly roundId: string;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** Value of feature 0 in every row; see `withConstant`. */
  readonly constantFeature: number;
  /** Guess of how common a tag is; labels are centred at it. */
  readonly labelDensity: number;
  /**
   * Where features 1 … L and the L labels are the same tags: how much a unit of feature raises the
   * probability of its own tag, guessed in advance; only the residual is learnt. 0 for unrelated features.
   */
  readonly persistence: number;
  /** Bound on the norm of one user's cross moment x rᵀ; longer ones are scaled down. */
  readonly labelClip: number;
  /** Weight of the second moment against the cross moment inside the joint norm bound. */
  readonly momentWeight: number;
  /** Noise deviation over sensitivity, under the relation of the environment; 0 is non-private. */
  readonly noiseMultiplier: number;
}

export interface OneShotResult {
  /** `[outputDimension, inputDimension]`: weights of label − labelDensity, the persistence included. */
  readonly weights: Float32Array;
  readonly metrics: RoundMetrics;
  /** Root mean square over weights of the deviation that the noise in the cross moment implies. */
  readonly weightNoiseStddev: number;
}

export type OneShotOutcome =
  | { readonly kind: 'trained'; readonly result: OneShotResult }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * What one user sends: (w · svec(Σ x xᵀ), Σ x rᵀ / b) with the residual r = y − c − persistence · x of the same
 * tag, off-diagonals of the symmetric part × √2 so that its norm is the Frobenius norm. The cross part is
 * clipped to b here, the whole vector by the encoder.
 *
 * @returns `[oneShotDimension]`
 */
export function oneShotContribution(data: Batch, options: OneShotOptions): Float64Array {
  const { inputDimension: d, outputDimension: tags, persistence } = options;
  if (persistence !== 0 && d !== tags + 1) {
    throw new RangeError(`"persistence" expected ${tags + 1} features for ${tags} tags, got ${d}`);
  }
  const vector = new Float64Array(oneShotDimension(d, tags));
  const cross = vector.subarray((d * (d + 1)) / 2);
  for (let row = 0; row < data.rows; row++) {
    const x = data.features.subarray(row * d, (row + 1) * d);
    let at = 0;
    for (let i = 0; i < d; i++) {
      for (let j = i; j < d; j++, at++) {
        const scale = options.momentWeight * (i === j ? 1 : Math.SQRT2);
        vector[at] = (vector[at] as number) + scale * (x[i] as number) * (x[j] as number);
      }
    }
    for (let tag = 0; tag < tags; tag++) {
      const expected =
        options.labelDensity + (persistence === 0 ? 0 : persistence * (x[1 + tag] as number));
      const residual = (data.labels[row * tags + tag] as number) - expected;
      addScaled(cross.subarray(tag * d, (tag + 1) * d), x, residual);
    }
  }
  const shrink = 1 / Math.max(l2Norm(cross), options.labelClip);
  for (let i = 0; i < cross.length; i++) cross[i] = (cross[i] as number) * shrink;
  return vector;
}

/**
 * Trains a linear tag model from one upload of each user: the server gets noisy sums of second and cross
 * moments and solves a noise-aware ridge regression, all of which is post-processing.
 *
 * ## Privacy
 * One release, `gaussian{noiseMultiplier}`; the sensitivity is the joint bound √(1 + w²).
 *
 * @throws {VelaturaError} as `runPrivateRound`
 */
export async function runOneShot(
  environment: RoundEnvironment,
  clients: readonly FederatedClient[],
  options: OneShotOptions,
): Promise<OneShotOutcome> {
  const encoder = new UpdateEncoder({
    dimension: oneShotDimension(options.inputDimension, options.outputDimension),
    clippingNorm: Math.sqrt(1 + options.momentWeight ** 2),
  });
  const outcome = await runPrivateRound(environment, {
    roundId: options.roundId,
    clients,
    compute: (data) => oneShotContribution(data, options),
    encoder,
    noiseMultiplier: options.noiseMultiplier,
  });
  if (outcome.kind === 'refused') return outcome;
  const { release, metrics } = outcome;
  const { weights, weightNoiseStddev } = solveNoisyRidge(
    release.value,
    release.error.noiseStddev,
    options,
  );
  if (options.persistence !== 0) {
    for (let tag = 0; tag < options.outputDimension; tag++) {
      const own = tag * options.inputDimension + 1 + tag;
      weights[own] = (weights[own] as number) + options.persistence;
    }
  }
  return { kind: 'trained', result: { weights, weightNoiseStddev, metrics } };
}

/** Weight of the noise in the ridge; the larger one suits sums that are mostly noise. */
const NOISE_WEIGHT = { low: 1, high: 10 } as const;

/**
 * Ridge regression that knows how noisy its moments are: the part of the second moment that the mean
 * explains is kept, the rest is shrunk by its share of noise and made positive, and every eigen-direction is
 * filtered by e/(e² + 2e + 4 + λ²), which sends weak directions to zero instead of blowing them up.
 *
 * @param noisySum - `[oneShotDimension]` in units of {@link oneShotContribution}
 * @param noiseStddev - on each coordinate of the sum
 */
export function solveNoisyRidge(
  noisySum: Float64Array,
  noiseStddev: number,
  options: OneShotOptions,
): { readonly weights: Float32Array; readonly weightNoiseStddev: number } {
  const { inputDimension: d, outputDimension: tags } = options;
  const momentStddev = noiseStddev / options.momentWeight;
  const crossStddev = noiseStddev * options.labelClip;
  const cross = noisySum.subarray((d * (d + 1)) / 2).map((value) => value * options.labelClip);
  const { moment, kept } = cleanMoment(noisySum, momentStddev, options);
  const { values, vectors } = symmetricEigen(moment, d);
  // noiseMultiplier above 1/1.2: the regime in which one upload is mostly noise.
  const weight = options.noiseMultiplier > 1 / 1.2 ? NOISE_WEIGHT.high : NOISE_WEIGHT.low;
  const lambdaSquared =
    weight * ((momentStddev ** 2 * Math.max(kept, 0.15) ** 2 * d) / 2 + crossStddev ** 2 / 2);
  const filter = values.map((value) => {
    const e = Math.max(0, value);
    return e / (e * e + 2 * e + 4 + lambdaSquared);
  });
  const weights = new Float32Array(tags * d);
  for (let tag = 0; tag < tags; tag++) {
    const own = cross.subarray(tag * d, (tag + 1) * d);
    for (let k = 0; k < d; k++) {
      const direction = vectors.subarray(k * d, (k + 1) * d);
      let along = 0;
      for (let i = 0; i < d; i++) along += (direction[i] as number) * (own[i] as number);
      addScaled(weights.subarray(tag * d, (tag + 1) * d), direction, along * (filter[k] as number));
    }
  }
  return { weights, weightNoiseStddev: (crossStddev * l2Norm(filter)) / Math.sqrt(d) };
}

/** The second moment without most of its noise; `kept` is the share of the off-diagonals that was kept. */
function cleanMoment(
  noisySum: Float64Array,
  momentStddev: number,
  options: OneShotOptions,
): { readonly moment: Float64Array; readonly kept: number } {
  const { inputDimension: d, momentWeight } = options;
  const raw = new Float64Array(d * d);
  let at = 0;
  for (let i = 0; i < d; i++) {
    for (let j = i; j < d; j++, at++) {
      const scale = momentWeight * (i === j ? 1 : Math.SQRT2);
      raw[i * d + j] = (noisySum[at] as number) / scale;
      raw[j * d + i] = raw[i * d + j] as number;
    }
  }
  // Row 0 belongs to the constant feature: it holds the sum of every feature.
  const total = Math.max(raw[0] as number, options.constantFeature ** 2);
  const mean = (i: number, j: number): number => ((raw[i] as number) * (raw[j] as number)) / total;
  let observed = 0;
  for (let i = 1; i < d; i++) {
    for (let j = 1; j < d; j++)
      if (i !== j) observed += ((raw[i * d + j] as number) - mean(i, j)) ** 2;
  }
  const expected = ((d - 1) * (d - 2) * momentStddev ** 2) / 2;
  const kept = observed === 0 ? 1 : Math.max(0, 1 - expected / observed);
  const moment = Float64Array.from(raw);
  for (let i = 1; i < d; i++) {
    for (let j = 1; j < d; j++) {
      if (i !== j) {
        moment[i * d + j] = mean(i, j) + kept * ((raw[i * d + j] as number) - mean(i, j));
      }
    }
  }
  return { moment, kept };
}
