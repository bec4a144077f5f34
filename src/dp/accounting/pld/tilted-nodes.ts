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
  /** log M(s), and by how much it may be wrong. */
  readonly logMoment: number;
  readonly logMomentError: number;
  /** By how much m(t) − 1 may be wrong after so many turns. */
  errorAt(t: number, turns: number): number;
}

/** m(t) = E[e^(it(L − mean))] under the tilted law on a grid of frequencies, in polar form. */
export interface Transform {
  readonly logModulus: Float64Array;
  readonly angle: Float64Array;
  /** Relative to the modulus. */
  readonly error: Float64Array;
}

/**
 * m at t = 0, step, 2·step, …, (count − 1)·step, by way of m − 1: near 1, where a power of many uses
 * lives, the rounding of that 1 would be the largest error of all.
 */
export function transformOf(nodes: TiltedNodes, step: number, count: number): Transform {
  const { losses, weights } = nodes;
  const n = losses.length;
  const logModulus = new Float64Array(count);
  const angle = new Float64Array(count);
  const error = new Float64Array(count);
  const turnReal = new Float64Array(n);
  const turnImaginary = new Float64Array(n);
  const nowReal = new Float64Array(n);
  const nowImaginary = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    const turn = step * (losses[j] as number);
    const half = Math.sin(turn / 2);
    turnReal[j] = -2 * half * half;
    turnImaginary[j] = Math.sin(turn);
  }
  for (let k = 0; k < count; k++) {
    let re = 0;
    let im = 0;
    for (let j = 0; j < n; j++) {
      const a = nowReal[j] as number;
      const b = nowImaginary[j] as number;
      const weight = weights[j] as number;
      re += weight * a;
      im += weight * b;
      const c = turnReal[j] as number;
      const d = turnImaginary[j] as number;
      // (1 + a + ib)(1 + c + id) − 1
      nowReal[j] = a + c + (a * c - b * d);
      nowImaginary[j] = b + d + (a * d + b * c);
    }
    const excess = 2 * re + re * re + im * im;
    const log = excess > -0.5 ? 0.5 * Math.log1p(excess) : Math.log(Math.hypot(1 + re, im));
    logModulus[k] = log;
    angle[k] = Math.atan2(im, 1 + re);
    error[k] = nodes.errorAt(k * step, k) / Math.exp(log);
  }
  return { logModulus, angle, error };
}

/** Points of a law before they are scaled; roundings are errors in units of 2⁻⁵². */
export interface Points {
  readonly losses: Float64Array;
  readonly logWeights: Float64Array;
  /** Absolute, of the log-weight. */
  readonly weightRoundings: Float64Array;
  /** Absolute, of the loss. */
  readonly lossRoundings: Float64Array;
}

/**
 * Scales points to a tilted law.
 *
 * @param methodError - what the choice of the points itself may change in m(t), for every t in use
 */
export function tiltedNodes(points: Points, methodError: number): TiltedNodes {
  const { losses, logWeights, weightRoundings, lossRoundings } = points;
  const n = losses.length;
  let peak = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < n; j++) {
    const logWeight = logWeights[j] as number;
    if (logWeight > peak) peak = logWeight;
  }
  const weights = new Float64Array(n);
  let sum = 0;
  let mean = 0;
  for (let j = 0; j < n; j++) {
    const weight = Math.exp((logWeights[j] as number) - peak);
    weights[j] = weight;
    sum += weight;
    mean += weight * (losses[j] as number);
  }
  mean /= sum;
  const centred = new Float64Array(n);
  let variance = 0;
  let slope = 0;
  let weightTotal = 0;
  let weightSlope = 0;
  let lossTotal = 0;
  for (let j = 0; j < n; j++) {
    const weight = (weights[j] as number) / sum;
    const offset = (losses[j] as number) - mean;
    const size = Math.abs(offset);
    weights[j] = weight;
    centred[j] = offset;
    variance += weight * offset * offset;
    slope += weight * size;
    const rounding = weight * (4 + (weightRoundings[j] as number));
    weightTotal += rounding;
    weightSlope += rounding * size;
    lossTotal += weight * ((lossRoundings[j] as number) + 2 * size + Math.abs(mean));
  }
  const unit = Number.EPSILON;
  return {
    losses: centred,
    weights,
    mean,
    variance,
    logMoment: peak + Math.log(sum),
    logMomentError: methodError + unit * (2 * weightTotal + n + 2 * Math.abs(peak)),
    errorAt: (t, turns) =>
      methodError +
      unit *
        (2 * Math.min(2 * weightTotal, t * weightSlope) +
          (2 * n + 4 * turns) * Math.min(2, t * slope) +
          t * lossTotal),
  };
}
