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
