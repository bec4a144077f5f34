/**
 * From a Rényi divergence to (epsilon, delta):
 * δ ≤ e^((α−1)(D−ε)) / (α−1) · (1 − 1/α)^α for every order α > 1.
 *
 * Source: Canonne, Kamath & Steinke, The discrete Gaussian for differential privacy (2020), proposition
 * 12; the same as Balle et al. (2020), theorem 21.
 */

/** Slack in units of rounding: each formula below has fewer than 32 roundings of terms it is scaled by. */
const ROUNDING = 64 * Number.EPSILON;

/**
 * Epsilon at one order, rounded up; may be negative, which means delta holds with epsilon 0 to spare.
 *
 * @param order - α > 1
 * @param divergence - Rényi divergence of that order, at least 0
 * @param logDelta - log of delta
 */
export function epsilonAtOrder(order: number, divergence: number, logDelta: number): number {
  const shrink = Math.log1p(-1 / order);
  const tail = (-logDelta - Math.log(order)) / (order - 1);
  const size = divergence + Math.abs(shrink) + (Math.log(order) - logDelta) / (order - 1);
  return divergence + shrink + tail + ROUNDING * size;
}

/** log delta at one order, rounded up. */
export function logDeltaAtOrder(order: number, divergence: number, epsilon: number): number {
  const exponent = (order - 1) * (divergence - epsilon + Math.log1p(-1 / order));
  const value = exponent - Math.log(order);
  const size = (order - 1) * (divergence + epsilon + 1) + Math.log(order);
  return value + ROUNDING * size;
}
