import type { GemmShape } from '../src/core/kernels/kernels.ts';

/**
 * a·b by tiles of 4 × 4 sums in local variables: as fast as a product without vectors gets here, and what
 * the vector kernels are measured against. Edges fall back to single sums.
 *
 * @param a - `[rows, inner]`
 * @param b - `[inner, columns]`
 */
export function tiledGemm(
  { rows, columns, inner }: GemmShape,
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
): void {
  const wholeRows = rows - (rows % 4);
  const wholeColumns = columns - (columns % 4);
  for (let i = 0; i < wholeRows; i += 4) {
    for (let j = 0; j < wholeColumns; j += 4) tile(columns, inner, a, b, out, i, j);
  }
  for (let i = 0; i < rows; i++) {
    for (let j = i < wholeRows ? wholeColumns : 0; j < columns; j++) {
      let sum = 0;
      for (let p = 0; p < inner; p++) {
        sum += (a[i * inner + p] as number) * (b[p * columns + j] as number);
      }
      out[i * columns + j] = sum;
    }
  }
}

function tile(
  columns: number,
  inner: number,
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  i: number,
  j: number,
): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  let at = i * inner;
  let from = j;
  for (let p = 0; p < inner; p++, at++, from += columns) {
    const b0 = b[from] as number;
    const b1 = b[from + 1] as number;
    const b2 = b[from + 2] as number;
    const b3 = b[from + 3] as number;
    const a0 = a[at] as number;
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    const a1 = a[at + inner] as number;
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    const a2 = a[at + 2 * inner] as number;
    s20 += a2 * b0;
    s21 += a2 * b1;
    s22 += a2 * b2;
    s23 += a2 * b3;
    const a3 = a[at + 3 * inner] as number;
    s30 += a3 * b0;
    s31 += a3 * b1;
    s32 += a3 * b2;
    s33 += a3 * b3;
  }
  let to = i * columns + j;
  out[to] = s00;
  out[to + 1] = s01;
  out[to + 2] = s02;
  out[to + 3] = s03;
  to += columns;
  out[to] = s10;
  out[to + 1] = s11;
  out[to + 2] = s12;
  out[to + 3] = s13;
  to += columns;
  out[to] = s20;
  out[to + 1] = s21;
  out[to + 2] = s22;
  out[to + 3] = s23;
  to += columns;
  out[to] = s30;
  out[to + 1] = s31;
  out[to + 2] = s32;
  out[to + 3] = s33;
}
