// What all kernels share: vectors of four float32, the last of which may be partly filled.

function storeBelow4(to: usize, value: v128, count: i32): void {
  v128.store_lane<f32>(to, value, 0);
  if (count > 1) v128.store_lane<f32>(to, value, 1, 4);
  if (count > 2) v128.store_lane<f32>(to, value, 2, 8);
}

/** Writes the first `count` lanes; all four from 4 on. */
// @ts-ignore: decorator
@inline
export function storePartial(to: usize, value: v128, count: i32): void {
  if (count >= 4) v128.store(to, value);
  else storeBelow4(to, value, count);
}

// @ts-ignore: decorator
@inline
export function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** All bits in the first `count` lanes. */
// @ts-ignore: decorator
@inline
export function lanesBelow(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/** Lanes 0 and 1 as float64. */
// @ts-ignore: decorator
@inline
export function low(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

/** Lanes 2 and 3 as float64. */
// @ts-ignore: decorator
@inline
export function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
export function lanes64(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}
