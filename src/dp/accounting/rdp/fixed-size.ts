import { lgamma } from '../../../core/special/gamma.ts';
import { logOnePlusExp, logSum } from './power-tangent.ts';

/** A Rényi divergence as a function of the order; `pure` is its limit at infinity. */
export interface DivergenceCurve {
  readonly at: (order: number) => number;
  readonly pure: number;
}

/** Above this order the sum over all smaller orders is not worth its time; infinity is always valid. */
const MAX_ORDER = 2048;

/**
 * (α − 1)·divergence of `inner` on a uniform sample of fixed size under replace-one, at an integer order.
 *
 * Source: Wang, Balle & Kasiviswanathan, Subsampled Rényi differential privacy and analytical moments
 * accountant (2019), theorem 9.
 */
function cumulantAtInteger(inner: DivergenceCurve, samplingRate: number, order: number): number {
  if (order === 1) return 0;
  const logRate = Math.log(samplingRate);
  // log of min(2, (e^ε∞ − 1)^j) for pure mechanisms, log 2 for others.
  const logCap = (j: number): number => {
    if (inner.pure > 2) return Math.LN2;
    return Math.min(Math.LN2, j * Math.log(Math.expm1(inner.pure)));
  };
  const second = inner.at(2);
  const terms = [
    2 * logRate +
      logBinomial(order, 2) +
      Math.min(Math.log(4) + logExpm1(second), second + logCap(2)),
  ];
  for (let j = 3; j <= order; j++) {
    terms.push(j * logRate + logBinomial(order, j) + (j - 1) * inner.at(j) + logCap(j));
  }
  return logOnePlusExp(logSum(terms));
}

function logExpm1(x: number): number {
  return x > 1 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x));
}

function logBinomial(n: number, k: number): number {
  return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/**
 * A curve that is known at integer orders only. Between them (α − 1)·D(α), which is convex in α, lies
 * under its chord.
 *
 * @param cumulant - (α − 1)·D(α) at integers α ≥ 2, rounded up
 */
export function interpolateIntegers(
  cumulant: (order: number) => number,
): (order: number) => number {
  const known = new Map<number, number>([[1, 0]]);
  const at = (order: number): number => {
    const value = known.get(order) ?? cumulant(order);
    known.set(order, value);
    return value;
  };
  return (order) => {
    const below = Math.floor(order);
    const share = order - below;
    if (share === 0) return at(below) / (order - 1);
    return ((1 - share) * at(below) + share * at(below + 1)) / (order - 1);
  };
}

/** Divergence of `inner` on a sample of `sampleSize` of `populationSize` records, under replace-one. */
export function fixedSizeDivergence(
  inner: DivergenceCurve,
  samplingRate: number,
): (order: number) => number {
  const at = interpolateIntegers((order) => cumulantAtInteger(inner, samplingRate, order));
  return (order) => (order > MAX_ORDER ? Number.POSITIVE_INFINITY : at(order));
}
