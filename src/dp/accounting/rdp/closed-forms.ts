import { logAddExp } from '../../../core/special/log-space.ts';
import type { DpEvent } from '../../event.ts';
import { logSum } from './power-tangent.ts';

type Skellam = Extract<DpEvent, { readonly kind: 'skellam' }>;

/**
 * Laplace of that epsilon: log(α/(2α−1)·e^((α−1)ε) + (α−1)/(2α−1)·e^(−αε))/(α−1). It is convex in epsilon
 * and 0 at 0, so a vector whose l1 sensitivity is spread over coordinates costs no more.
 *
 * Source: Mironov, Rényi differential privacy (2017), proposition 6.
 */
export function laplaceDivergence(epsilon: number, order: number): number {
  const up = Math.log(order / (2 * order - 1)) + (order - 1) * epsilon;
  const down = Math.log((order - 1) / (2 * order - 1)) - order * epsilon;
  return Math.max(0, logAddExp(up, down)) / (order - 1);
}

/** One pair of outcomes exchanged with each other at log-odds epsilon, any others equally likely. */
export function exchangeDivergence(epsilon: number, likely: number, order: number): number {
  const unlikely = likely * Math.exp(-epsilon);
  const terms = [
    Math.log(likely) + (order - 1) * epsilon,
    Math.log(unlikely) - (order - 1) * epsilon,
  ];
  const others = 1 - likely - unlikely;
  if (others > 0) terms.push(Math.log(others));
  return Math.max(0, logSum(terms)) / (order - 1);
}

/**
 * Discrete Laplace of parameter a with an integer sensitivity s: outcomes at most 0 or at least s lie in
 * the two tails, where the log-odds are ∓as; the s − 1 between them are summed one by one.
 *
 * Source: definition; see Canonne, Kamath & Steinke (2020), definition 19, for the law.
 */
export function discreteLaplaceDivergence(
  parameter: number,
  sensitivity: number,
  order: number,
): number {
  const logScale = Math.log(-Math.expm1(-parameter)) - Math.log1p(Math.exp(-parameter));
  const logTail = -Math.log(-Math.expm1(-parameter));
  const terms = [
    logTail + logScale + (order - 1) * parameter * sensitivity,
    logTail + logScale - order * parameter * sensitivity,
  ];
  for (let k = 1; k < sensitivity; k++) {
    terms.push(logScale - parameter * (order * (sensitivity - k) + (1 - order) * k));
  }
  return Math.max(0, logSum(terms)) / (order - 1);
}

/**
 * Exponential mechanism of that epsilon, which has range epsilon: the worst of its two-outcome pairs with
 * log-odds t and t − ε. With y = eᵗ the moment is c₁·y^(α−1) − c₂·y^α, largest at one point.
 *
 * Source: Dong, Durfee & Rogers, Optimal differential privacy composition for exponential mechanisms
 * (2020) for the pairs.
 */
export function exponentialDivergence(epsilon: number, order: number): number {
  const gap = -Math.expm1(-order * epsilon) / -Math.expm1(-epsilon);
  // c₁ = gap and c₂ = gap·e^(−ε) − e^(−αε).
  const second = gap * Math.exp(-epsilon) - Math.exp(-order * epsilon);
  const best = Math.log(((order - 1) * gap) / (order * second));
  const t = Math.min(epsilon, Math.max(0, best));
  return Math.max(0, (order - 1) * t + Math.log(gap - second * Math.exp(t))) / (order - 1);
}

/**
 * Skellam noise of variance mu on integers, at an **integer** order:
 * αΔ₂²/2μ + min(((2α−1)Δ₂² + 6Δ₁)/4μ², 3Δ₁/2μ).
 *
 * Source: Agarwal, Kairouz & Liu, The Skellam mechanism for differentially private federated learning
 * (2021), theorem 3.5 and its corollary for vectors.
 */
export function skellamDivergence(event: Skellam, order: number): number {
  const { mu, l2Sensitivity, dimension = 1 } = event;
  const square = l2Sensitivity * l2Sensitivity;
  // Integers: |k| ≤ k², so the l1 norm is at most the square of the l2 norm.
  const l1 = Math.min(event.l1Sensitivity, Math.sqrt(dimension) * l2Sensitivity, square);
  const excess = Math.min(((2 * order - 1) * square + 6 * l1) / (4 * mu * mu), (3 * l1) / (2 * mu));
  return (order * square) / (2 * mu) + excess;
}
