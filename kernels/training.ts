/**
 * Training kernels: 128-bit SIMD over one imported memory. Addresses and strides are in bytes, counts in
 * numbers; numbers are float32 unless said otherwise. Nothing outside the operands is read or written, and
 * the order of every sum is fixed by the shapes alone.
 */

/** The first `count` (1 … 4) numbers at `from`; the other lanes are zero. */
function loadPartial(from: usize, count: i32): v128 {
  if (count == 4) return v128.load(from);
  if (count == 1) return v128.load32_zero(from);
  const pair = v128.load64_zero(from);
  return count == 2 ? pair : v128.load_lane<f32>(from, pair, 2, 8);
}

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
 * One tile of out = start + Σ a·b: `height` (1 … 5) rows and `width` (1 or 4) vectors of columns, of which
 * the last has `count` columns. Rows of a are `aRow` apart and its successive factors `aInner`, so the same
 * code reads a matrix as it lies or transposed. Both constants are known where this is inlined.
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
    s00 = width > 1 ? v128.load(start) : loadPartial(start, count);
    if (width > 1) { s01 = v128.load(start, 16); s02 = v128.load(start, 32); s03 = v128.load(start, 48); }
    if (height > 1) {
      start += startRow;
      s10 = width > 1 ? v128.load(start) : loadPartial(start, count);
      if (width > 1) { s11 = v128.load(start, 16); s12 = v128.load(start, 32); s13 = v128.load(start, 48); }
    }
    if (height > 2) {
      start += startRow;
      s20 = width > 1 ? v128.load(start) : loadPartial(start, count);
      if (width > 1) { s21 = v128.load(start, 16); s22 = v128.load(start, 32); s23 = v128.load(start, 48); }
    }
    if (height > 3) {
      start += startRow;
      s30 = width > 1 ? v128.load(start) : loadPartial(start, count);
      if (width > 1) { s31 = v128.load(start, 16); s32 = v128.load(start, 32); s33 = v128.load(start, 48); }
    }
    if (height > 4) {
      start += startRow;
      s40 = width > 1 ? v128.load(start) : loadPartial(start, count);
      if (width > 1) { s41 = v128.load(start, 16); s42 = v128.load(start, 32); s43 = v128.load(start, 48); }
    }
  }
  do {
    const b0 = width > 1 ? v128.load(b) : loadPartial(b, count);
    let b1 = b0, b2 = b0, b3 = b0;
    if (width > 1) { b1 = v128.load(b, 16); b2 = v128.load(b, 32); b3 = v128.load(b, 48); }
    const a0 = v128.load32_splat(a);
    s00 = multiplyAdd(s00, a0, b0);
    if (width > 1) { s01 = multiplyAdd(s01, a0, b1); s02 = multiplyAdd(s02, a0, b2); s03 = multiplyAdd(s03, a0, b3); }
    if (height > 1) {
      const a1 = v128.load32_splat(a + aRow);
      s10 = multiplyAdd(s10, a1, b0);
      if (width > 1) { s11 = multiplyAdd(s11, a1, b1); s12 = multiplyAdd(s12, a1, b2); s13 = multiplyAdd(s13, a1, b3); }
    }
    if (height > 2) {
      const a2 = v128.load32_splat(a + 2 * aRow);
      s20 = multiplyAdd(s20, a2, b0);
      if (width > 1) { s21 = multiplyAdd(s21, a2, b1); s22 = multiplyAdd(s22, a2, b2); s23 = multiplyAdd(s23, a2, b3); }
    }
    if (height > 3) {
      const a3 = v128.load32_splat(a + 3 * aRow);
      s30 = multiplyAdd(s30, a3, b0);
      if (width > 1) { s31 = multiplyAdd(s31, a3, b1); s32 = multiplyAdd(s32, a3, b2); s33 = multiplyAdd(s33, a3, b3); }
    }
    if (height > 4) {
      const a4 = v128.load32_splat(a + 4 * aRow);
      s40 = multiplyAdd(s40, a4, b0);
      if (width > 1) { s41 = multiplyAdd(s41, a4, b1); s42 = multiplyAdd(s42, a4, b2); s43 = multiplyAdd(s43, a4, b3); }
    }
    a += aInner;
    b += bRow;
  } while (--inner);
  if (width > 1) v128.store(out, s00); else storePartial(out, s00, count);
  if (width > 1) { v128.store(out, s01, 16); v128.store(out, s02, 32); v128.store(out, s03, 48); }
  if (height > 1) {
    out += outRow;
    if (width > 1) v128.store(out, s10); else storePartial(out, s10, count);
    if (width > 1) { v128.store(out, s11, 16); v128.store(out, s12, 32); v128.store(out, s13, 48); }
  }
  if (height > 2) {
    out += outRow;
    if (width > 1) v128.store(out, s20); else storePartial(out, s20, count);
    if (width > 1) { v128.store(out, s21, 16); v128.store(out, s22, 32); v128.store(out, s23, 48); }
  }
  if (height > 3) {
    out += outRow;
    if (width > 1) v128.store(out, s30); else storePartial(out, s30, count);
    if (width > 1) { v128.store(out, s31, 16); v128.store(out, s32, 32); v128.store(out, s33, 48); }
  }
  if (height > 4) {
    out += outRow;
    if (width > 1) v128.store(out, s40); else storePartial(out, s40, count);
    if (width > 1) { v128.store(out, s41, 16); v128.store(out, s42, 32); v128.store(out, s43, 48); }
  }
}

/** `rows` × 16 columns, or × `count` columns where `width` is 1. */
// @ts-ignore: decorator
@inline
function panel(
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
  if (rows == 4) tile(4, width, count, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
  else if (rows == 3) tile(3, width, count, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
  else if (rows == 2) tile(2, width, count, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
  else if (rows == 1) tile(1, width, count, a, aRow, aInner, b, bRow, inner, out, outRow, start, startRow);
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
    panel(4, 4, rows, a, aRow, aInner, b, rowBytes, inner, out, rowBytes, start, startRow);
    b += 64;
    out += 64;
    if (start != 0) start += 64;
  }
  while (columns > 0) {
    const count = min(columns, 4);
    panel(1, count, rows, a, aRow, aInner, b, rowBytes, inner, out, rowBytes, start, startRow);
    columns -= count;
    b += 16;
    out += 16;
    if (start != 0) start += 16;
  }
}

/** Sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function laneSums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/**
 * `height` (1 … 4) rows × `count` columns of out = start + a·bᵀ: inner products of rows, four factors at a
 * time. Columns that are not there repeat the last one.
 */
// @ts-ignore: decorator
@inline
function dotTile(
  height: i32, count: i32,
  a: usize, b: usize, inner: i32,
  out: usize, outRow: usize,
  start: usize, startRow: usize,
): void {
  const row = <usize>inner << 2;
  const b1 = count > 1 ? row : 0;
  const b2 = count > 2 ? 2 * row : b1;
  const b3 = count > 3 ? 3 * row : b2;
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00, s03 = s00;
  let s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  let s20 = s00, s21 = s00, s22 = s00, s23 = s00;
  let s30 = s00, s31 = s00, s32 = s00, s33 = s00;
  while (inner > 0) {
    let v0: v128, v1: v128, v2: v128, v3: v128;
    let u0: v128, u1 = s00, u2 = s00, u3 = s00;
    if (inner >= 4) {
      v0 = v128.load(b);
      v1 = v128.load(b + b1);
      v2 = v128.load(b + b2);
      v3 = v128.load(b + b3);
      u0 = v128.load(a);
      if (height > 1) u1 = v128.load(a + row);
      if (height > 2) u2 = v128.load(a + 2 * row);
      if (height > 3) u3 = v128.load(a + 3 * row);
    } else {
      v0 = loadPartial(b, inner);
      v1 = loadPartial(b + b1, inner);
      v2 = loadPartial(b + b2, inner);
      v3 = loadPartial(b + b3, inner);
      u0 = loadPartial(a, inner);
      if (height > 1) u1 = loadPartial(a + row, inner);
      if (height > 2) u2 = loadPartial(a + 2 * row, inner);
      if (height > 3) u3 = loadPartial(a + 3 * row, inner);
    }
    s00 = multiplyAdd(s00, u0, v0);
    s01 = multiplyAdd(s01, u0, v1);
    s02 = multiplyAdd(s02, u0, v2);
    s03 = multiplyAdd(s03, u0, v3);
    if (height > 1) {
      s10 = multiplyAdd(s10, u1, v0);
      s11 = multiplyAdd(s11, u1, v1);
      s12 = multiplyAdd(s12, u1, v2);
      s13 = multiplyAdd(s13, u1, v3);
    }
    if (height > 2) {
      s20 = multiplyAdd(s20, u2, v0);
      s21 = multiplyAdd(s21, u2, v1);
      s22 = multiplyAdd(s22, u2, v2);
      s23 = multiplyAdd(s23, u2, v3);
    }
    if (height > 3) {
      s30 = multiplyAdd(s30, u3, v0);
      s31 = multiplyAdd(s31, u3, v1);
      s32 = multiplyAdd(s32, u3, v2);
      s33 = multiplyAdd(s33, u3, v3);
    }
    a += 16;
    b += 16;
    inner -= 4;
  }
  finish(laneSums(s00, s01, s02, s03), count, out, start);
  if (height > 1) finish(laneSums(s10, s11, s12, s13), count, out + outRow, start + startRow);
  if (height > 2) finish(laneSums(s20, s21, s22, s23), count, out + 2 * outRow, start + 2 * startRow);
  if (height > 3) finish(laneSums(s30, s31, s32, s33), count, out + 3 * outRow, start + 3 * startRow);
}

/** out = start + sum. */
function finish(sum: v128, count: i32, out: usize, start: usize): void {
  if (start != 0) sum = f32x4.add(sum, loadPartial(start, count));
  storePartial(out, sum, count);
}

/** As `gemm` with b transposed: [columns, inner]. */
export function gemmNT(
  rows: i32, columns: i32, inner: i32,
  a: usize, b: usize, out: usize,
  start: usize, startRow: usize,
): void {
  const innerBytes = <usize>inner << 2;
  const rowBytes = <usize>columns << 2;
  while (columns > 0) {
    const count = min(columns, 4);
    let left = rows;
    let fromA = a;
    let to = out;
    let from = start;
    for (; left >= HEIGHT; left -= HEIGHT) {
      dotTile(HEIGHT, count, fromA, b, inner, to, rowBytes, from, startRow);
      fromA += HEIGHT * innerBytes;
      to += HEIGHT * rowBytes;
      from += HEIGHT * startRow;
    }
    for (; left > 0; left--) {
      dotTile(1, count, fromA, b, inner, to, rowBytes, from, startRow);
      fromA += innerBytes;
      to += rowBytes;
      from += startRow;
    }
    columns -= count;
    b += 4 * innerBytes;
    out += 16;
    if (start != 0) start += 16;
  }
}
// @ts-ignore: decorator
@inline
const HEIGHT: i32 = 4;
