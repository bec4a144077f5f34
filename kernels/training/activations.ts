import { minusAbsolute, sharedExp } from './exponential';
import { multiplyAdd, storePartial } from './vectors';

/** z ← max(0, z). */
export function relu(length: i32, z: usize): void {
  for (; length > 0; length -= 4) {
    storePartial(z, f32x4.max(v128.load(z), f32x4.splat(0)), length);
    z += 16;
  }
}

/** e ← e where a > 0, else 0. */
export function reluBackward(length: i32, a: usize, e: usize): void {
  for (; length > 0; length -= 4) {
    storePartial(e, v128.and(v128.load(e), f32x4.gt(v128.load(a), f32x4.splat(0))), length);
    a += 16;
    e += 16;
  }
}

/** z ← tanh(z) (Cephes tanhf): a polynomial near zero, where 1 − e^−2|z| has lost its digits. */
export function tanh(length: i32, z: usize): void {
  for (; length > 0; length -= 4) {
    const v = v128.load(z);
    const sign = v128.and(v, i32x4.splat(i32.MIN_VALUE));
    const away = minusAbsolute(v);
    const e = sharedExp(f32x4.add(away, away));
    const far = f32x4.div(f32x4.sub(f32x4.splat(1), e), f32x4.add(f32x4.splat(1), e));
    const w = f32x4.mul(v, v);
    let p = f32x4.splat(-5.70498872745e-3);
    p = multiplyAdd(f32x4.splat(2.06390887954e-2), p, w);
    p = multiplyAdd(f32x4.splat(-5.37397155531e-2), p, w);
    p = multiplyAdd(f32x4.splat(1.33314422036e-1), p, w);
    p = multiplyAdd(f32x4.splat(-3.33332819422e-1), p, w);
    const near = multiplyAdd(v, v, f32x4.mul(p, w));
    storePartial(z, v128.bitselect(v128.or(far, sign), near, f32x4.lt(away, f32x4.splat(-0.625))), length);
    z += 16;
  }
}

/** e ← e · (1 − a²). */
export function tanhBackward(length: i32, a: usize, e: usize): void {
  for (; length > 0; length -= 4) {
    const v = v128.load(a);
    const slope = f32x4.sub(f32x4.splat(1), f32x4.mul(v, v));
    storePartial(e, f32x4.mul(v128.load(e), slope), length);
    a += 16;
    e += 16;
  }
}
