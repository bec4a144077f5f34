import { high, lanes64, lanesBelow, low, multiplyAdd, storePartial } from './vectors';

/** out[rows] as float64 = Σ over the columns of m²: exact products, summed in float64. */
export function rowSquaredNorms(rows: i32, columns: i32, m: usize, out: usize): void {
  for (; rows > 0; rows--) {
    // Four sums at a time, so that one addition need not wait for another.
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let left = columns;
    let at = m;
    for (; left >= 8; left -= 8) {
      const v = v128.load(at), w = v128.load(at, 16);
      const a = low(v), b = high(v), c = low(w), d = high(w);
      s0 = f64x2.add(s0, f64x2.mul(a, a));
      s1 = f64x2.add(s1, f64x2.mul(b, b));
      s2 = f64x2.add(s2, f64x2.mul(c, c));
      s3 = f64x2.add(s3, f64x2.mul(d, d));
      at += 32;
    }
    for (; left > 0; left -= 4) {
      const v = v128.and(v128.load(at), lanesBelow(left));
      const a = low(v), b = high(v);
      s0 = f64x2.add(s0, f64x2.mul(a, a));
      s1 = f64x2.add(s1, f64x2.mul(b, b));
      at += 16;
    }
    store<f64>(out, lanes64(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3))));
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
    storePartial(y, multiplyAdd(v128.load(y), factor, v128.load(x)), length);
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
      storePartial(at, f32x4.mul(v128.load(at), factor), left);
    }
    m += <usize>columns << 2;
    scales += 4;
  }
}

/** sums[length] as float64 ← sums + scale · x rounded to the nearest integer, ties to the even one. */
export function addRounded(length: i32, scale: f64, x: usize, sums: usize): void {
  const factor = f64x2.splat(scale);
  for (; length >= 4; length -= 4) {
    const v = v128.load(x);
    const a = f64x2.nearest(f64x2.mul(low(v), factor));
    const b = f64x2.nearest(f64x2.mul(high(v), factor));
    v128.store(sums, f64x2.add(v128.load(sums), a));
    v128.store(sums, f64x2.add(v128.load(sums, 16), b), 16);
    x += 16;
    sums += 32;
  }
  for (; length > 0; length--) {
    store<f64>(sums, load<f64>(sums) + nearest(<f64>load<f32>(x) * scale));
    x += 4;
    sums += 8;
  }
}
