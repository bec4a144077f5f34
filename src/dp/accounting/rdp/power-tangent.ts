/** Under this size of order·log-ratio the difference is summed as a series in the excess. */
const SERIES_LIMIT = 0.05;

/**
 * log of r^α − 1 − α(r − 1) for r = e^logRatio and α > 1: how far the power lies above its tangent at 1.
 * Never negative, so an expectation of it loses nothing to cancellation; the expectation of r^α is 1 more
 * whenever that of r is 1.
 *
 * @returns −Infinity at r = 1
 */
export function logPowerAboveTangent(logRatio: number, order: number): number {
  if (Math.abs(logRatio) * (order + 1) < SERIES_LIMIT) return logOfSeries(logRatio, order);
  const power = order * logRatio;
  if (power < 600) return Math.log(Math.expm1(power) - order * Math.expm1(logRatio));
  // Here the tangent is left in a factor just under 1.
  return power + Math.log1p((order - 1) * Math.exp(-power) - order * Math.exp(logRatio - power));
}

/** log Σ C(α, k) uᵏ over k ≥ 2. */
function logOfSeries(logRatio: number, order: number): number {
  const u = Math.expm1(logRatio);
  let term = 1;
  let sum = 1;
  for (let k = 3; k < 40 && Math.abs(term) > 1e-18; k++) {
    term *= ((order - k + 1) * u) / k;
    sum += term;
  }
  return 2 * Math.log(Math.abs(u)) + Math.log(0.5 * order * (order - 1) * sum);
}

/** log(1 + e^x). */
export function logOnePlusExp(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** log Σ e^(terms); −Infinity for none. */
export function logSum(terms: readonly number[]): number {
  let peak = Number.NEGATIVE_INFINITY;
  for (const term of terms) if (term > peak) peak = term;
  if (!Number.isFinite(peak)) return peak;
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - peak);
  return peak + Math.log(sum);
}
