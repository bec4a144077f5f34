import { expNonPositive, minusAbsolute, sharedExp } from './exponential';
import { high, lanes64, lanesBelow, low, storePartial } from './vectors';

/**
 * Natural logarithm of a normal number ≥ 1 (fdlibm e_log.c). Of NaN it makes something else: wherever NaN can
 * come, the sum that the logarithm is added to has met it too.
 */
function log(x: f64): f64 {
  // Shifted so that the mantissa comes out in [√½, √2).
  const bits = reinterpret<u64>(x) + 0x95f6200000000;
  const k = <f64>(<i64>(bits >> 52) - 1023);
  const f = reinterpret<f64>((bits & 0xfffffffffffff) + 0x3fe6a09e00000000) - 1;
  const half = 0.5 * f * f;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const odd = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const even = z * (6.666666666666735130e-1 + w * (2.857142874366239149e-1
    + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  return s * (half + odd + even) + k * 1.90821492927058770002e-10 - half + f + k * 6.93147180369123816490e-1;
}

/** z ← 1 / (1 + e^−z). */
export function sigmoid(length: i32, z: usize): void {
  for (; length > 0; length -= 4) {
    const v = v128.load(z);
    const e = sharedExp(minusAbsolute(v));
    const d = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e));
    const p = v128.bitselect(d, f32x4.mul(e, d), f32x4.ge(v, f32x4.splat(0)));
    storePartial(z, p, length);
    z += 16;
  }
}

/**
 * z ← scale · (σ(z) − y); returns Σ log(1 + e^z) − y·z. The difference is written p·(1−y) − (1−p)·y, so that
 * it keeps its digits where p is close to the label.
 */
export function sigmoidCrossEntropy(length: i32, z: usize, y: usize, scale: f32): f64 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  let linear = f64x2.splat(0);
  let logarithms: f64 = 0;
  while (length > 0) {
    // log Π (1 + e) needs one logarithm for many factors of at most 2: 4 · 250 of them stay finite.
    let low1 = f64x2.splat(1);
    let high1 = f64x2.splat(1);
    for (let chunk = 0; chunk < 250 && length > 0; chunk++) {
      const lanes = lanesBelow(length);
      const v = v128.and(v128.load(z), lanes);
      const label = v128.and(v128.load(y), lanes);
      const e = expNonPositive(minusAbsolute(v));
      const d = f32x4.div(one, f32x4.add(one, e));
      const ed = f32x4.mul(e, d);
      const positive = f32x4.ge(v, zero);
      const p = v128.bitselect(d, ed, positive);
      const q = v128.bitselect(ed, d, positive);
      const delta = f32x4.sub(f32x4.mul(p, f32x4.sub(one, label)), f32x4.mul(q, label));
      storePartial(z, f32x4.mul(delta, f32x4.splat(scale)), length);
      const factor = v128.and(e, lanes);
      low1 = f64x2.mul(low1, f64x2.add(f64x2.splat(1), low(factor)));
      high1 = f64x2.mul(high1, f64x2.add(f64x2.splat(1), high(factor)));
      // Loses NaN, which the product with the label keeps.
      const above = v128.and(v, positive);
      linear = f64x2.add(linear, f64x2.sub(low(above), f64x2.mul(low(label), low(v))));
      linear = f64x2.add(linear, f64x2.sub(high(above), f64x2.mul(high(label), high(v))));
      length -= 4;
      z += 16;
      y += 16;
    }
    const product = f64x2.mul(low1, high1);
    logarithms += log(f64x2.extract_lane(product, 0) * f64x2.extract_lane(product, 1));
  }
  return logarithms + lanes64(linear);
}

/**
 * Each row z ← scale · (softmax(z)·Σy − y); returns Σ over the rows of Σy·log Σe^z − Σ y·z.
 */
export function softmaxCrossEntropy(rows: i32, columns: i32, z: usize, y: usize, scale: f32): f64 {
  let loss: f64 = 0;
  const rowBytes = <usize>columns << 2;
  for (; rows > 0; rows--) {
    let largest = f32x4.splat(-Infinity);
    for (let i = 0; i < columns; i += 4) {
      const v = v128.load(z + (<usize>i << 2));
      largest = f32x4.max(largest, v128.bitselect(v, f32x4.splat(-Infinity), lanesBelow(columns - i)));
    }
    largest = f32x4.max(largest, v128.shuffle<f32>(largest, largest, 2, 3, 0, 1));
    largest = f32x4.max(largest, v128.shuffle<f32>(largest, largest, 1, 0, 3, 2));
    let sum = f64x2.splat(0);
    let labels = f64x2.splat(0);
    let inner = f64x2.splat(0);
    for (let i = 0; i < columns; i += 4) {
      const at = <usize>i << 2;
      const lanes = lanesBelow(columns - i);
      const below = v128.and(f32x4.sub(v128.load(z + at), largest), lanes);
      const label = v128.and(v128.load(y + at), lanes);
      const e = v128.and(sharedExp(below), lanes);
      storePartial(z + at, e, columns - i);
      sum = f64x2.add(sum, f64x2.add(low(e), high(e)));
      labels = f64x2.add(labels, f64x2.add(low(label), high(label)));
      inner = f64x2.add(inner, f64x2.mul(low(label), low(below)));
      inner = f64x2.add(inner, f64x2.mul(high(label), high(below)));
    }
    const mass = lanes64(labels);
    const total = lanes64(sum);
    loss += mass * log(total) - lanes64(inner);
    const share = f32x4.splat(<f32>(mass / total));
    for (let i = 0; i < columns; i += 4) {
      const at = <usize>i << 2;
      const delta = f32x4.sub(f32x4.mul(v128.load(z + at), share), v128.load(y + at));
      storePartial(z + at, f32x4.mul(delta, f32x4.splat(scale)), columns - i);
    }
    z += rowBytes;
    y += rowBytes;
  }
  return loss;
}
