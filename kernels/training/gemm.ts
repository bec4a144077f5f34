import { multiplyAdd, storePartial } from './vectors';

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
