const EULER_COMPLEMENT = 0.42278433509846713; // 1 − γ
const HALF_LOG_2_PI = 0.9189385332046728;

/** ζ(k) − 1 for k = 2, 3, …: beyond the last, 4^(−k)/k is under the rounding error. */
const ZETA_MINUS_ONE = [
  0.6449340668482264, 0.2020569031595943, 0.08232323371113819, 0.03692775514336993,
  0.01734306198444914, 0.008349277381922827, 0.00407735619794434, 0.0020083928260822143,
  0.0009945751278180853, 0.0004941886041194645, 0.0002460865533080483, 0.00012271334757848915,
  0.00006124813505870483, 0.00003058823630702049, 0.00001528225940865187, 0.00000763719763789976,
  0.00000381729326499984, 0.00000190821271655394, 9.539620338728e-7, 4.7693298678781e-7,
  2.3845050272773e-7, 1.1921992596531e-7, 5.960818905126e-8, 2.980350351465e-8, 1.490155482837e-8,
  7.45071178984e-9, 3.72533402479e-9, 1.86265972351e-9,
] as const;

/** Bernoulli terms B₂ₖ/(2k(2k−1)) of Stirling's series. */
const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360360,
  1 / 156,
  -3617 / 122400,
] as const;

/** log Γ(2 + z) for |z| ≤ 1/2: vanishes at 0 as it must, so nothing cancels (A&S 6.1.33). */
function nearTwo(z: number): number {
  let sum = 0;
  for (let i = ZETA_MINUS_ONE.length - 1; i >= 0; i--) {
    const k = i + 2;
    const term = (ZETA_MINUS_ONE[i] as number) / k;
    sum = sum * z + (k % 2 === 0 ? term : -term);
  }
  return z * (EULER_COMPLEMENT + z * sum);
}

/**
 * log Γ(x) with full relative accuracy, at its zeros 1 and 2 too.
 *
 * @param x - positive
 * @throws {RangeError} when `x` is not positive
 */
export function lgamma(x: number): number {
  if (!(x > 0)) throw new RangeError(`"x" expected a positive number, got ${x}`);
  if (x < 0.5) return nearTwo(x) - Math.log1p(x) - Math.log(x);
  if (x < 1.5) return nearTwo(x - 1) - Math.log1p(x - 1);
  if (x <= 10) {
    // Γ(x) = (x−1)(x−2)…(2+z)·Γ(2+z)
    let product = 1;
    let y = x;
    while (y > 2.5) {
      y -= 1;
      product *= y;
    }
    return nearTwo(y - 2) + Math.log(product);
  }
  if (x === Number.POSITIVE_INFINITY) return x;
  const inverse = 1 / x;
  const square = inverse * inverse;
  let series = 0;
  for (let i = STIRLING.length - 1; i >= 0; i--) series = series * square + (STIRLING[i] as number);
  return (x - 0.5) * (Math.log(x) - 1) + (HALF_LOG_2_PI - 0.5) + series * inverse;
}
