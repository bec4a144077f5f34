import { normalCdf, normalQuantile } from '../../core/special/normal.ts';

/** Taken off the mass that may lie outside an interval, far above the error of the functions used here. */
const SLACK = 1e-9;
/** Below this deviation the lattice shows, and moments are summed. */
const SUMMED_STDDEV = 2;

/** z with P[|N(0,1)| > z] = 1 − confidence, rounded up. */
function normalHalfWidth(confidence: number): number {
  const outside = (1 - confidence) * (1 - SLACK);
  return -normalQuantile(outside / 2) * (1 + 1e-12);
}

/** Standard deviation of ⌊N(0, σ²)⌉. */
export function roundedGaussianDeviation(noiseStddev: number): number {
  // Sheppard's correction; what it leaves out is under e^(−2π²σ²).
  if (noiseStddev >= SUMMED_STDDEV) return Math.hypot(noiseStddev, Math.sqrt(1 / 12));
  // E[K²] = Σ_k (2k − 1)·P[|K| ≥ k]
  let square = 0;
  for (let k = 1; k <= 40 * SUMMED_STDDEV; k++) {
    square += (2 * k - 1) * 2 * normalCdf(-(k - 0.5) / noiseStddev);
  }
  return Math.sqrt(square);
}

/** Least integer h with P[|⌊N(0, σ²)⌉| ≤ h] ≥ confidence: the exact quantile. */
export function roundedGaussianHalfWidth(noiseStddev: number, confidence: number): number {
  return Math.max(0, Math.ceil(normalHalfWidth(confidence) * noiseStddev - 0.5));
}

/** Standard deviation of the discrete Gaussian; at most its parameter (Canonne et al. 2020, corollary 9). */
export function discreteGaussianDeviation(sigma: number): number {
  if (sigma >= SUMMED_STDDEV) return sigma;
  let mass = 0.5;
  let square = 0;
  for (let k = 1; k <= 40 * SUMMED_STDDEV; k++) {
    const weight = Math.exp((-k * k) / (2 * sigma * sigma));
    mass += weight;
    square += k * k * weight;
  }
  return Math.sqrt(square / mass);
}

/**
 * An integer h with P[|K| ≤ h] ≥ confidence for the discrete Gaussian, at most one over the least: its tail
 * from m on is at most that of the Gaussian from m − 1 on (Canonne et al. 2020, proposition 25).
 */
export function discreteGaussianHalfWidth(sigma: number, confidence: number): number {
  return Math.ceil(normalHalfWidth(confidence) * sigma);
}

/** Standard deviation of P[k] ∝ e^(−parameter·|k|). */
export function discreteLaplaceDeviation(parameter: number): number {
  return Math.sqrt(2 * Math.exp(-parameter)) / -Math.expm1(-parameter);
}

/** Least integer h with P[|K| ≤ h] ≥ confidence: outside lies 2·e^(−parameter·(h+1))/(1 + e^(−parameter)). */
export function discreteLaplaceHalfWidth(parameter: number, confidence: number): number {
  const outside = (1 - confidence) * (1 - SLACK);
  const reach = Math.log(2 / (outside * (1 + Math.exp(-parameter)))) / parameter;
  return Math.max(0, Math.ceil(reach * (1 + 1e-12)) - 1);
}

/** Under this mass outside, the sum of {@link skellamInside} is not exact enough and Chernoff's bound serves. */
const SUMMABLE_OUTSIDE = 1e-7;
const SUM_ERROR = 1e-10;

/**
 * Least integer h with P[|K| ≤ h] ≥ confidence for the Skellam law of variance mu; Chernoff's bound, a
 * proven larger one, for confidences of more than 1 − 1e-7.
 */
export function skellamHalfWidth(mu: number, confidence: number): number {
  const outside = 1 - confidence;
  const sure = chernoffHalfWidth(mu, Math.log(2 / outside));
  if (outside < SUMMABLE_OUTSIDE) return sure;
  const period = 4 * chernoffHalfWidth(mu, 80);
  let low = -1;
  let high = sure;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (1 - skellamInside(mu, middle, period) + SUM_ERROR <= outside) high = middle;
    else low = middle;
  }
  return high;
}

/** An integer t with P[K > t] ≤ e^(−exponent): the least of e^(mu(cosh θ − 1) − θt) is at sinh θ = t/mu. */
function chernoffHalfWidth(mu: number, exponent: number): number {
  const isFar = (t: number): boolean => {
    const theta = Math.asinh(t / mu);
    // cosh θ − 1 = 2 sinh²(θ/2), without cancellation
    return t * theta - 2 * mu * Math.sinh(theta / 2) ** 2 >= exponent * (1 + SLACK);
  };
  let high = 1;
  while (!isFar(high)) high *= 2;
  let low = 0;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isFar(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * P[|K| ≤ h] for the Skellam law, as the mean of its characteristic function e^(mu(cos t − 1)) times the
 * Dirichlet kernel over `period` points. The trapezoid rule errs by the mass that lies a period away alone,
 * here under e^(−80); points where the function is under e^(−80) are left out.
 */
function skellamInside(mu: number, h: number, period: number): number {
  let sum = 2 * h + 1;
  for (let j = 1; 2 * j <= period; j++) {
    const angle = (2 * Math.PI * j) / period;
    const half = Math.sin(angle / 2);
    const exponent = 2 * mu * half * half;
    if (exponent > 80) break;
    const twice = 2 * j === period ? 1 : 2;
    sum += (twice * Math.exp(-exponent) * Math.sin((h + 0.5) * angle)) / half;
  }
  return sum / period;
}
