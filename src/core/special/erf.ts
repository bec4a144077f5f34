/**
 * The error function family to a few units in the last place.
 *
 * Source: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969);
 * the coefficients are those of its FORTRAN form CALERF (1990). Checked against 60-digit values in
 * `test/core/special`.
 */

const SQRT_PI_INVERSE = 0.5641895835477563;
/** Below this, erf is its own series; above, erfcx has the smaller error. */
const SERIES_LIMIT = 0.46875;
/** e^(−x²) is under the least positive double beyond. */
const UNDERFLOW = 27.3;

/** erf(x) / x = N(x²) / D(x²) on |x| ≤ 0.46875. */
const ERF_NUMERATOR = [
  0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694,
];
const ERF_DENOMINATOR = [
  1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171,
];
/** erfcx(x) = N(x) / D(x) on 0.46875 ≤ x ≤ 4. */
const MIDDLE_NUMERATOR = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163,
  298.6351381974001, 881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
];
const MIDDLE_DENOMINATOR = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903,
  3290.7992357334597, 4362.619090143247, 3439.3676741437216, 1230.3393548037495,
];
/** erfcx(x) = (1/√π − y·N(y)/D(y)) / x with y = 1/x², on x ≥ 4. */
const TAIL_NUMERATOR = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926,
  0.016083785148742275, 0.0006587491615298378,
];
const TAIL_DENOMINATOR = [
  1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132,
  0.0023352049762686918,
];

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const c of coefficients) sum = sum * x + c;
  return sum;
}

/**
 * e^(−x²·scale) without the error that rounding x² would bring: at x = 26 that would be 300 units in the
 * last place.
 */
export function expOfMinusSquare(x: number, scale: 1 | 0.5): number {
  const head = Math.trunc(x * 16) / 16;
  return Math.exp(-head * head * scale) * Math.exp(-(x - head) * (x + head) * scale);
}

function erfNearZero(x: number): number {
  const square = x * x;
  return (x * polynomial(ERF_NUMERATOR, square)) / polynomial(ERF_DENOMINATOR, square);
}

/** erfcx for x ≥ 0.46875. */
function erfcxPositive(x: number): number {
  if (x <= 4) return polynomial(MIDDLE_NUMERATOR, x) / polynomial(MIDDLE_DENOMINATOR, x);
  const y = 1 / (x * x);
  const correction = (y * polynomial(TAIL_NUMERATOR, y)) / polynomial(TAIL_DENOMINATOR, y);
  return (SQRT_PI_INVERSE - correction) / x;
}

/** Error function: 2/√π · ∫₀ˣ e^(−t²) dt. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size <= SERIES_LIMIT) return erfNearZero(x);
  if (size > 6) return Math.sign(x);
  const complement = expOfMinusSquare(size, 1) * erfcxPositive(size);
  return x > 0 ? 1 - complement : complement - 1;
}

/** Complementary error function 1 − erf(x), with full relative accuracy in the upper tail. */
export function erfc(x: number): number {
  if (Math.abs(x) <= SERIES_LIMIT) return 1 - erfNearZero(x);
  if (x > UNDERFLOW) return 0;
  if (x < -6) return 2;
  const size = Math.abs(x);
  const complement = expOfMinusSquare(size, 1) * erfcxPositive(size);
  return x > 0 ? complement : 2 - complement;
}

/** Scaled complementary error function e^(x²) · erfc(x): no underflow for large x. */
export function erfcx(x: number): number {
  if (x >= SERIES_LIMIT) return erfcxPositive(x);
  if (x < -26.7) return Number.POSITIVE_INFINITY;
  // Dividing keeps the split that makes e^(x²) accurate.
  if (x > -SERIES_LIMIT) return (1 - erfNearZero(x)) / expOfMinusSquare(x, 1);
  return 2 / expOfMinusSquare(x, 1) - erfcxPositive(-x);
}
