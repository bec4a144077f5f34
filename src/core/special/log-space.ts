/**
 * log(1 − eˣ) for x < 0.
 *
 * Source: M. Mächler, Accurately computing log(1 − exp(−|a|)) (2012).
 */
export function log1mexp(x: number): number {
  return x > -Math.LN2 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x));
}

/** log(eᵃ + eᵇ). */
export function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  if (!Number.isFinite(high)) return high;
  return high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/**
 * log(eᵃ − eᵇ) for a ≥ b.
 *
 * @throws {RangeError} when a < b
 */
export function logSubExp(a: number, b: number): number {
  if (!(a >= b)) throw new RangeError(`"a" expected a number of at least ${b}, got ${a}`);
  if (a === b) return Number.NEGATIVE_INFINITY;
  return a + log1mexp(b - a);
}
