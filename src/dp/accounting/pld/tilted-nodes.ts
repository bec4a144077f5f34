/**
 * A loss distribution after exponential tilting by s, as finitely many points: e^(sL) dP / M(s) up to a
 * known error. Losses are counted from the tilted mean, so that phases stay small.
 */
export interface TiltedNodes {
  /** Loss minus `mean`. */
  readonly losses: Float64Array;
  /** Sum to 1. */
  readonly weights: Float64Array;
  readonly mean: number;
  readonly variance: number;
  /** log M(s). */
  readonly logMoment: number;
  /** By how much |m(t)| of {@link transformOf} may be wrong at t = 0, and log M(s) too. */
  readonly error: number;
  /** What is added to that for each unit of t. */
  readonly errorPerFrequency: number;
}

/** m(t) = E[e^(it(L − mean))] under the tilted law on a grid of frequencies, with error bounds. */
export interface Transform {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
  readonly error: Float64Array;
}

/** m at t = 0, step, 2·step, …, (count − 1)·step. */
export function transformOf(nodes: TiltedNodes, step: number, count: number): Transform {
  const { losses, weights } = nodes;
  const n = losses.length;
  const real = new Float64Array(count);
  const imaginary = new Float64Array(count);
  const error = new Float64Array(count);
  const turnReal = new Float64Array(n);
  const turnImaginary = new Float64Array(n);
  const nowReal = weights.slice();
  const nowImaginary = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    const angle = step * (losses[j] as number);
    turnReal[j] = Math.cos(angle);
    turnImaginary[j] = Math.sin(angle);
  }
  for (let k = 0; k < count; k++) {
    let sumReal = 0;
    let sumImaginary = 0;
    for (let j = 0; j < n; j++) {
      const re = nowReal[j] as number;
      const im = nowImaginary[j] as number;
      sumReal += re;
      sumImaginary += im;
      const c = turnReal[j] as number;
      const s = turnImaginary[j] as number;
      nowReal[j] = re * c - im * s;
      nowImaginary[j] = re * s + im * c;
    }
    real[k] = sumReal;
    imaginary[k] = sumImaginary;
    // Each turn by recurrence adds three roundings.
    error[k] = nodes.error + k * (4 * Number.EPSILON + step * nodes.errorPerFrequency);
  }
  return { real, imaginary, error };
}

/** Makes nodes from log-weights; `roundings` of a point is the error of its log-weight in units of 2⁻⁵². */
export function tiltedNodes(
  points: {
    readonly losses: Float64Array;
    readonly logWeights: Float64Array;
    readonly weightRoundings: Float64Array;
    readonly lossRoundings: Float64Array;
  },
  methodError: number,
): TiltedNodes {
  const { losses, logWeights, weightRoundings, lossRoundings } = points;
  const n = losses.length;
  let peak = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < n; j++) peak = Math.max(peak, logWeights[j] as number);
  const weights = new Float64Array(n);
  let sum = 0;
  for (let j = 0; j < n; j++) {
    const weight = Math.exp((logWeights[j] as number) - peak);
    weights[j] = weight;
    sum += weight;
  }
  let mean = 0;
  for (let j = 0; j < n; j++) {
    weights[j] = (weights[j] as number) / sum;
    mean += (weights[j] as number) * (losses[j] as number);
  }
  const centred = new Float64Array(n);
  let variance = 0;
  let weightError = 0;
  let lossError = 0;
  for (let j = 0; j < n; j++) {
    const weight = weights[j] as number;
    const offset = (losses[j] as number) - mean;
    centred[j] = offset;
    variance += weight * offset * offset;
    weightError += weight * (4 + (weightRoundings[j] as number));
    lossError += weight * ((lossRoundings[j] as number) + 2 * Math.abs(offset) + Math.abs(mean));
  }
  return {
    losses: centred,
    weights,
    mean,
    variance,
    logMoment: peak + Math.log(sum),
    // Twice: once in the sum, once in what it is divided by.
    error: methodError + 2 * Number.EPSILON * (weightError + n + Math.abs(peak)),
    errorPerFrequency: 2 * Number.EPSILON * lossError,
  };
}
