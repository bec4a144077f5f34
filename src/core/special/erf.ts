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

/**
 * e^(−x²·scale) without the error that rounding x² would bring: at x = 26 that would be 300 units in the
 * last place.
 */
export function expOfMinusSquare(x: number, scale: 1 | 0.5): number {
  const head = Math.trunc(x * 16) / 16;
  return Math.exp(-head * head * scale) * Math.exp(-(x - head) * (x + head) * scale);
}

// The polynomials are written out: an accountant calls them a million times, and a loop doubles the time.

/** erf(x) = x·N(x²)/D(x²) on |x| ≤ 0.46875. */
function erfNearZero(x: number): number {
  const y = x * x;
  const n =
    (((0.18577770618460315 * y + 3.1611237438705655) * y + 113.86415415105016) * y +
      377.485237685302) *
      y +
    3209.3775891384694;
  const d =
    (((y + 23.601290952344122) * y + 244.02463793444417) * y + 1282.6165260773723) * y +
    2844.236833439171;
  return (x * n) / d;
}

/** erfcx(x) = N(x)/D(x) on 0.46875 ≤ x ≤ 4. */
function erfcxMiddle(x: number): number {
  const n =
    (((((((2.1531153547440383e-8 * x + 0.5641884969886701) * x + 8.883149794388377) * x +
      66.11919063714163) *
      x +
      298.6351381974001) *
      x +
      881.952221241769) *
      x +
      1712.0476126340707) *
      x +
      2051.0783778260716) *
      x +
    1230.3393547979972;
  const d =
    (((((((x + 15.744926110709835) * x + 117.6939508913125) * x + 537.1811018620099) * x +
      1621.3895745666903) *
      x +
      3290.7992357334597) *
      x +
      4362.619090143247) *
      x +
      3439.3676741437216) *
      x +
    1230.3393548037495;
  return n / d;
}

/** erfcx(x) = (1/√π − y·N(y)/D(y))/x with y = 1/x², on x ≥ 4. */
function erfcxTail(x: number): number {
  const y = 1 / (x * x);
  const n =
    ((((0.016315387137302097 * y + 0.30532663496123236) * y + 0.36034489994980445) * y +
      0.12578172611122926) *
      y +
      0.016083785148742275) *
      y +
    0.0006587491615298378;
  const d =
    ((((y + 2.568520192289822) * y + 1.8729528499234604) * y + 0.5279051029514285) * y +
      0.06051834131244132) *
      y +
    0.0023352049762686918;
  return (SQRT_PI_INVERSE - (y * n) / d) / x;
}

/** erfcx for x ≥ 0.46875. */
function erfcxPositive(x: number): number {
  return x <= 4 ? erfcxMiddle(x) : erfcxTail(x);
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
