/**
 * Training kernels: 128-bit SIMD over one imported memory. Addresses and strides are in bytes, counts in
 * numbers; numbers are float32 unless said otherwise. The order of every sum is fixed by the shapes alone.
 *
 * Whole vectors are read even where an operand ends in the middle of one: up to 12 bytes behind an operand
 * must be readable, and fill lanes that are never stored nor summed. Nothing is written outside the results.
 */

/** Writes the first `count` (1 … 4) lanes. */
function storePartial(to: usize, value: v128, count: i32): void {
  if (count == 4) {
    v128.store(to, value);
    return;
  }
  v128.store_lane<f32>(to, value, 0);
  if (count > 1) v128.store_lane<f32>(to, value, 1, 4);
  if (count > 2) v128.store_lane<f32>(to, value, 2, 8);
}

// @ts-ignore: decorator
@inline
function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/**
 * One tile of out = start + Σ a·b: `height` (1, 2 or 5) rows × `width` (1 or 4) vectors of columns; a single
 * vector has `count` columns. Rows of a are `aRow` apart and its successive factors `aInner`, so the same code
 * reads a matrix as it lies or transposed. `height` and `width` are constants where this is inlined: what they
 * exclude is not compiled.
 */
// @ts-ignore: decorator
@inline
function tile(
  height: i32, width: i32, count: i32,
  a: usize, aRow: usize, aInner: usize,
  b: usize, bRow: usize, inner: i32,
  out: usize, outRow: usize,
  start: usize, startRow: usize,
): void {
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00, s03 = s00;
  let s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  let s20 = s00, s21 = s00, s22 = s00, s23 = s00;
  let s30 = s00, s31 = s00, s32 = s00, s33 = s00;
  let s40 = s00, s41 = s00, s42 = s00, s43 = s00;
  if (start != 0) {
    s00 = v128.load(start);
    if (width > 1) {
      s01 = v128.load(start, 16);
      s02 = v128.load(start, 32);
      s03 = v128.load(start, 48);
    }
    if (height > 1) {
      start += startRow;
      s10 = v128.load(start);
      if (width > 1) {
        s11 = v128.load(start, 16);
        s12 = v128.load(start, 32);
        s13 = v128.load(start, 48);
      }
    }
    if (height > 2) {
      start += startRow;
      s20 = v128.load(start);
      if (width > 1) {
        s21 = v128.load(start, 16);
        s22 = v128.load(start, 32);
        s23 = v128.load(start, 48);
      }
      start += startRow;
      s30 = v128.load(start);
      if (width > 1) {
        s31 = v128.load(start, 16);
        s32 = v128.load(start, 32);
        s33 = v128.load(start, 48);
      }
      start += startRow;
      s40 = v128.load(start);
      if (width > 1) {
        s41 = v128.load(start, 16);
        s42 = v128.load(start, 32);
        s43 = v128.load(start, 48);
      }
    }
  }
  do {
    const b0 = v128.load(b);
    let b1 = b0, b2 = b0, b3 = b0;
    if (width > 1) {
      b1 = v128.load(b, 16);
      b2 = v128.load(b, 32);
      b3 = v128.load(b, 48);
    }
    const a0 = v128.load32_splat(a);
    s00 = multiplyAdd(s00, a0, b0);
    if (width > 1) {
      s01 = multiplyAdd(s01, a0, b1);
      s02 = multiplyAdd(s02, a0, b2);
      s03 = multiplyAdd(s03, a0, b3);
    }
    if (height > 1) {
      const a1 = v128.load32_splat(a + aRow);
      s10 = multiplyAdd(s10, a1, b0);
      if (width > 1) {
        s11 = multiplyAdd(s11, a1, b1);
        s12 = multiplyAdd(s12, a1, b2);
        s13 = multiplyAdd(s13, a1, b3);
      }
    }
    if (height > 2) {
      const a2 = v128.load32_splat(a + 2 * aRow);
      s20 = multiplyAdd(s20, a2, b0);
      if (width > 1) {
        s21 = multiplyAdd(s21, a2, b1);
        s22 = multiplyAdd(s22, a2, b2);
        s23 = multiplyAdd(s23, a2, b3);
      }
      const a3 = v128.load32_splat(a + 3 * aRow);
      s30 = multiplyAdd(s30, a3, b0);
      if (width > 1) {
        s31 = multiplyAdd(s31, a3, b1);
        s32 = multiplyAdd(s32, a3, b2);
        s33 = multiplyAdd(s33, a3, b3);
      }
      const a4 = v128.load32_splat(a + 4 * aRow);
      s40 = multiplyAdd(s40, a4, b0);
      if (width > 1) {
        s41 = multiplyAdd(s41, a4, b1);
        s42 = multiplyAdd(s42, a4, b2);
        s43 = multiplyAdd(s43, a4, b3);
      }
    }
    a += aInner;
    b += bRow;
  } while (--inner);
  if (width > 1) {
    v128.store(out, s00);
    v128.store(out, s01, 16);
    v128.store(out, s02, 32);
    v128.store(out, s03, 48);
  } else storePartial(out, s00, count);
  if (height > 1) {
    out += outRow;
    if (width > 1) {
      v128.store(out, s10);
      v128.store(out, s11, 16);
      v128.store(out, s12, 32);
      v128.store(out, s13, 48);
    } else storePartial(out, s10, count);
  }
  if (height > 2) {
    out += outRow;
    if (width > 1) {
      v128.store(out, s20);
      v128.store(out, s21, 16);
      v128.store(out, s22, 32);
      v128.store(out, s23, 48);
    } else storePartial(out, s20, count);
    out += outRow;
    if (width > 1) {
      v128.store(out, s30);
      v128.store(out, s31, 16);
      v128.store(out, s32, 32);
      v128.store(out, s33, 48);
    } else storePartial(out, s30, count);
    out += outRow;
    if (width > 1) {
      v128.store(out, s40);
      v128.store(out, s41, 16);
      v128.store(out, s42, 32);
      v128.store(out, s43, 48);
    } else storePartial(out, s40, count);
  }
}

/** `rows` × 16 columns, or × `count` columns where `width` is 1. */
// @ts-ignore: decorator
@inline
function anyPanel(
  width: i32, count: i32, rows: i32,
  a: usize, aRow: usize, aInner: usize,
  b: usize, bRow: usize, inner: i32,
  out: usize, outRow: usize,
  start: usize, startRow: usize,
): void {
  for (; rows >= 5; rows -= 5) {
    tile(5, width, count, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
    a += 5 * aRow;
    out += 5 * outRow;
    start += 5 * startRow;
  }
  for (; rows >= 2; rows -= 2) {
    tile(2, width, count, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
    a += 2 * aRow;
    out += 2 * outRow;
    start += 2 * startRow;
  }
  if (rows == 1) tile(1, width, count, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
}

function panel16(
  rows: i32,
  a: usize, aRow: usize, aInner: usize,
  b: usize, bRow: usize, inner: i32,
  out: usize, outRow: usize,
  start: usize, startRow: usize,
): void {
  anyPanel(4, 4, rows, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
}

function panel4(
  count: i32, rows: i32,
  a: usize, aRow: usize, aInner: usize,
  b: usize, bRow: usize, inner: i32,
  out: usize, outRow: usize,
  start: usize, startRow: usize,
): void {
  anyPanel(1, count, rows, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
}

/**
 * out[rows, columns] = start + Σ over `inner` of a·b, b row-major [inner, columns]. Rows of `start` are
 * `startRow` apart: 0 repeats one row of biases; `start` itself may be out (accumulate) or 0 (from zero,
 * with `startRow` 0).
 */
export function gemm(
  rows: i32, columns: i32, inner: i32,
  a: usize, aRow: usize, aInner: usize,
  b: usize, out: usize,
  start: usize, startRow: usize,
): void {
  const rowBytes = <usize>columns << 2;
  for (; columns >= 16; columns -= 16) {
    panel16(rows, a, aRow, aInner, b, rowBytes, inner, out, rowBytes, start, startRow);
    b += 64;
    out += 64;
    if (start != 0) start += 64;
  }
  while (columns > 0) {
    const count = min(columns, 4);
    panel4(count, rows, a, aRow, aInner, b, rowBytes, inner, out, rowBytes, start, startRow);
    columns -= count;
    b += 16;
    out += 16;
    if (start != 0) start += 16;
  }
}

/** Most factors transposed at a time: with 16 columns they stay in the first-level cache. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 256;
// @ts-ignore: decorator
@inline
const transposed: usize = 64;

/** Lanes 0 … 3: the numbers at four addresses. */
// @ts-ignore: decorator
@inline
function gather(b0: usize, b1: usize, b2: usize, b3: usize): v128 {
  let result = v128.load32_zero(b0);
  result = v128.load_lane<f32>(b1, result, 1);
  result = v128.load_lane<f32>(b2, result, 2);
  return v128.load_lane<f32>(b3, result, 3);
}

/** Four rows of `length` numbers to `length` rows of four, `toRow` apart. Rows beyond `count` repeat the last. */
function transposeRows(from: usize, row: usize, count: i32, length: i32, to: usize, toRow: usize): void {
  let b0 = from;
  let b1 = count > 1 ? b0 + row : b0;
  let b2 = count > 2 ? b1 + row : b1;
  let b3 = count > 3 ? b2 + row : b2;
  for (; length >= 4; length -= 4) {
    const v0 = v128.load(b0), v1 = v128.load(b1), v2 = v128.load(b2), v3 = v128.load(b3);
    const x0 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5), x1 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
    const y0 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5), y1 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(x0, y0, 0, 1, 4, 5));
    v128.store(to + toRow, v128.shuffle<f32>(x0, y0, 2, 3, 6, 7));
    v128.store(to + 2 * toRow, v128.shuffle<f32>(x1, y1, 0, 1, 4, 5));
    v128.store(to + 3 * toRow, v128.shuffle<f32>(x1, y1, 2, 3, 6, 7));
    b0 += 16;
    b1 += 16;
    b2 += 16;
    b3 += 16;
    to += 4 * toRow;
  }
  for (; length > 0; length--) {
    v128.store(to, gather(b0, b1, b2, b3));
    b0 += 4;
    b1 += 4;
    b2 += 4;
    b3 += 4;
    to += toRow;
  }
}

/**
 * As `gemm` of a as it lies, with b transposed: [columns, inner]. Blocks of b are turned on the way, which
 * costs less than sums across lanes would.
 */
export function gemmTransposed(
  rows: i32, columns: i32, inner: i32,
  a: usize, b: usize, out: usize,
  start: usize, startRow: usize,
): void {
  const aRow = <usize>inner << 2;
  const outRow = <usize>columns << 2;
  for (let done = 0; done < inner; done += BLOCK) {
    const factors = min(inner - done, BLOCK);
    let left = columns;
    let fromB = b;
    let to = out;
    let from = start;
    for (; left >= 16; left -= 16) {
      for (let i: usize = 0; i < 4; i++) {
        transposeRows(fromB, aRow, 4, factors, transposed + 16 * i, 64);
        fromB += 4 * aRow;
      }
      panel16(rows, a, aRow, 4, transposed, 64, factors, to, outRow, from, startRow);
      to += 64;
      if (from != 0) from += 64;
    }
    for (; left > 0; left -= 4) {
      const count = min(left, 4);
      transposeRows(fromB, aRow, count, factors, transposed, 16);
      panel4(count, rows, a, aRow, 4, transposed, 16, factors, to, outRow, from, startRow);
      fromB += 4 * aRow;
      to += 16;
      if (from != 0) from += 16;
    }
    a += 4 * BLOCK;
    b += 4 * BLOCK;
    start = out;
    startRow = outRow;
  }
}

/** The first byte that no kernel keeps for itself. */
export function arenaStart(): usize {
  return transposed + 16 * 4 * <usize>BLOCK;
}

/** All bits in the first `count` lanes. */
// @ts-ignore: decorator
@inline
function lanesBelow(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/** Lanes 0 and 1 as float64. */
// @ts-ignore: decorator
@inline
function low(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

/** Lanes 2 and 3 as float64. */
// @ts-ignore: decorator
@inline
function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
function lanes64(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/**
 * e^x for x ≤ 0, relative error below 1.2e-7 (Cephes expf); 0 below the smallest normal number, NaN for NaN.
 */
function expNonPositive(x: v128): v128 {
  const least = f32x4.splat(-87.33654);
  const underflow = f32x4.lt(x, least);
  x = f32x4.max(x, least);
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)));
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
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(p, power), underflow);
}

/** Natural logarithm of a normal number ≥ 1, or NaN of NaN; error below 1 ulp (fdlibm e_log.c). */
function log(x: f64): f64 {
  if (x != x) return x;
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
    const e = expNonPositive(f32x4.neg(f32x4.abs(v)));
    const d = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e));
    const p = v128.bitselect(d, f32x4.mul(e, d), f32x4.ge(v, f32x4.splat(0)));
    storePartial(z, p, min(length, 4));
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
      const count = min(length, 4);
      const lanes = lanesBelow(count);
      const v = v128.and(v128.load(z), lanes);
      const label = v128.and(v128.load(y), lanes);
      const e = expNonPositive(f32x4.neg(f32x4.abs(v)));
      const d = f32x4.div(one, f32x4.add(one, e));
      const ed = f32x4.mul(e, d);
      const positive = f32x4.ge(v, zero);
      const p = v128.bitselect(d, ed, positive);
      const q = v128.bitselect(ed, d, positive);
      const delta = f32x4.sub(f32x4.mul(p, f32x4.sub(one, label)), f32x4.mul(q, label));
      storePartial(z, f32x4.mul(delta, f32x4.splat(scale)), count);
      const factor = v128.and(e, lanes);
      low1 = f64x2.mul(low1, f64x2.add(f64x2.splat(1), low(factor)));
      high1 = f64x2.mul(high1, f64x2.add(f64x2.splat(1), high(factor)));
      const above = f32x4.max(v, zero);
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
      const e = v128.and(expNonPositive(below), lanes);
      storePartial(z + at, e, min(columns - i, 4));
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
      storePartial(z + at, f32x4.mul(delta, f32x4.splat(scale)), min(columns - i, 4));
    }
    z += rowBytes;
    y += rowBytes;
  }
  return loss;
}

/** out[rows] as float64 = Σ over the columns of m²: exact products, summed in float64. */
export function rowSquaredNorms(rows: i32, columns: i32, m: usize, out: usize): void {
  for (; rows > 0; rows--) {
    let lower = f64x2.splat(0);
    let upper = f64x2.splat(0);
    for (let left = columns; left > 0; left -= 4) {
      const v = v128.and(v128.load(m + (<usize>(columns - left) << 2)), lanesBelow(left));
      const a = low(v);
      const b = high(v);
      lower = f64x2.add(lower, f64x2.mul(a, a));
      upper = f64x2.add(upper, f64x2.mul(b, b));
    }
    store<f64>(out, lanes64(f64x2.add(lower, upper)));
    m += <usize>columns << 2;
    out += 8;
  }
}

/** y ← y + scale · x. */
export function axpy(length: i32, scale: f32, x: usize, y: usize): void {
  const factor = f32x4.splat(scale);
  for (; length >= 16; length -= 16) {
    const y0 = multiplyAdd(v128.load(y), factor, v128.load(x));
    const y1 = multiplyAdd(v128.load(y, 16), factor, v128.load(x, 16));
    const y2 = multiplyAdd(v128.load(y, 32), factor, v128.load(x, 32));
    const y3 = multiplyAdd(v128.load(y, 48), factor, v128.load(x, 48));
    v128.store(y, y0);
    v128.store(y, y1, 16);
    v128.store(y, y2, 32);
    v128.store(y, y3, 48);
    x += 64;
    y += 64;
  }
  for (; length > 0; length -= 4) {
    storePartial(y, multiplyAdd(v128.load(y), factor, v128.load(x)), min(length, 4));
    x += 16;
    y += 16;
  }
}

/** out[columns] ← out + Σ over the rows of scales[row] · m[row]. */
export function accumulateRows(rows: i32, columns: i32, m: usize, scales: usize, out: usize): void {
  for (; rows > 0; rows--) {
    axpy(columns, load<f32>(scales), m, out);
    m += <usize>columns << 2;
    scales += 4;
  }
}

/** m[row] ← scales[row] · m[row]. */
export function scaleRows(rows: i32, columns: i32, m: usize, scales: usize): void {
  for (; rows > 0; rows--) {
    const factor = v128.load32_splat(scales);
    for (let left = columns; left > 0; left -= 4) {
      const at = m + (<usize>(columns - left) << 2);
      storePartial(at, f32x4.mul(v128.load(at), factor), min(left, 4));
    }
    m += <usize>columns << 2;
    scales += 4;
  }
}

/**
 * Each block of `size` numbers (a power of two) ← H·(scale · block), H the Walsh–Hadamard matrix in natural
 * order. Two levels of butterflies a pass.
 */
export function walshHadamard(blocks: i32, size: i32, data: usize, scale: f32): void {
  const length = blocks * size;
  if (size < 4) {
    for (let i = 0; i < length; i += size) {
      const a = load<f32>(data) * scale;
      if (size == 2) {
        const b = load<f32>(data, 4) * scale;
        store<f32>(data, a + b);
        store<f32>(data, a - b, 4);
        data += 8;
      } else {
        store<f32>(data, a);
        data += 4;
      }
    }
    return;
  }
  const end = data + (<usize>length << 2);
  const odd = i32x4(0, i32.MIN_VALUE, 0, i32.MIN_VALUE);
  const upper = i32x4(0, 0, i32.MIN_VALUE, i32.MIN_VALUE);
  for (let at = data; at < end; at += 16) {
    let v = f32x4.mul(v128.load(at), f32x4.splat(scale));
    v = f32x4.add(v128.shuffle<f32>(v, v, 0, 0, 2, 2), v128.xor(v128.shuffle<f32>(v, v, 1, 1, 3, 3), odd));
    v = f32x4.add(v128.shuffle<f32>(v, v, 0, 1, 0, 1), v128.xor(v128.shuffle<f32>(v, v, 2, 3, 2, 3), upper));
    v128.store(at, v);
  }
  const blockBytes = <usize>size << 2;
  let half: usize = 16;
  for (; half << 1 < blockBytes; half <<= 2) {
    for (let base = data; base < end; base += 4 * half) {
      for (let at = base; at < base + half; at += 16) {
        const a = v128.load(at), b = v128.load(at + half);
        const c = v128.load(at + 2 * half), d = v128.load(at + 3 * half);
        const ab = f32x4.add(a, b), aMinusB = f32x4.sub(a, b);
        const cd = f32x4.add(c, d), cMinusD = f32x4.sub(c, d);
        v128.store(at, f32x4.add(ab, cd));
        v128.store(at + half, f32x4.add(aMinusB, cMinusD));
        v128.store(at + 2 * half, f32x4.sub(ab, cd));
        v128.store(at + 3 * half, f32x4.sub(aMinusB, cMinusD));
      }
    }
  }
  if (half < blockBytes) {
    for (let base = data; base < end; base += 2 * half) {
      for (let at = base; at < base + half; at += 16) {
        const a = v128.load(at), b = v128.load(at + half);
        v128.store(at, f32x4.add(a, b));
        v128.store(at + half, f32x4.sub(a, b));
      }
    }
  }
}
