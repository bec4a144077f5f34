import { multiplyAdd } from './vectors';

/**
 * e^x for x ≤ 0, relative error below 1.2e-7 (Cephes expf); 0 below the smallest normal number, NaN for NaN.
 */
// @ts-ignore: decorator
@inline
export function expNonPositive(x: v128): v128 {
  const underflow = f32x4.lt(x, f32x4.splat(-87.33654));
  // Adding 3·2²² leaves the nearest integer in the lowest bits.
  const shifted = multiplyAdd(f32x4.splat(12582912), x, f32x4.splat(1.44269504));
  const n = f32x4.sub(shifted, f32x4.splat(12582912));
  // ln 2 in two parts, the first short enough for an exact product.
  x = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  x = f32x4.add(x, f32x4.mul(n, f32x4.splat(2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = multiplyAdd(f32x4.splat(1.3981999507e-3), p, x);
  p = multiplyAdd(f32x4.splat(8.3334519073e-3), p, x);
  p = multiplyAdd(f32x4.splat(4.1665795894e-2), p, x);
  p = multiplyAdd(f32x4.splat(1.6666665459e-1), p, x);
  p = multiplyAdd(f32x4.splat(5.0000001201e-1), p, x);
  p = f32x4.add(multiplyAdd(x, p, f32x4.mul(x, x)), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(p, power), underflow);
}

/** The same as one shared function, where bytes count for more than a call for four numbers. */
export function sharedExp(x: v128): v128 {
  return expNonPositive(x);
}

// @ts-ignore: decorator
@inline
export function minusAbsolute(v: v128): v128 {
  return v128.or(v, i32x4.splat(i32.MIN_VALUE));
}
