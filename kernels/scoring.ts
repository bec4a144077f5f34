// The arithmetic of encrypted scoring on 32-bit residues in SIMD lanes, compiled by AssemblyScript.
//
// All addresses are bytes in the one imported memory and multiples of 16, unless said otherwise. The caller
// (src/he/kernel/simd-kernel.ts) lays the memory out; nothing is allocated here. Primes are below 2^28, so
// that sums of four residues stay below 2^30.

// @ts-ignore: decorator
@inline
function reduceOnce(values: v128, modulus: v128): v128 {
  // In unsigned numbers a negative difference is huge, so the smaller of the two is the reduced one.
  return i32x4.min_u(values, i32x4.sub(values, modulus));
}

// values · factor mod prime in [0, 2·prime), for any 32-bit values. `ratio` is ⌊2^32 · factor / prime⌋.
// Source: Harvey, "Faster arithmetic for number-theoretic transforms", 2014, algorithm 1.
// @ts-ignore: decorator
@inline
function multiplyLazily(values: v128, factor: v128, ratio: v128, prime: v128): v128 {
  const low = i64x2.extmul_low_i32x4_u(values, ratio);
  const high = i64x2.extmul_high_i32x4_u(values, ratio);
  const quotient = v128.shuffle<u32>(low, high, 1, 3, 5, 7);
  return i32x4.sub(i32x4.mul(values, factor), i32x4.mul(quotient, prime));
}

/**
 * Coefficients to transformed form in place. Words below the prime before and after.
 *
 * @param table - `[2, degree]`: factors in bit-reversed order, then their ratios
 */
export function forward(words: usize, degree: u32, table: usize, prime: u32): void {
  const ratios = table + 4 * degree;
  const p = i32x4.splat(prime);
  const twoP = i32x4.splat(2 * prime);
  let groups: u32 = 1;
  let half = degree >> 1;
  for (; half >= 4; half >>= 1) {
    const bytes = 4 * half;
    let at = words;
    for (let group = groups; group < 2 * groups; group++) {
      const factor = v128.load32_splat(table + 4 * group);
      const ratio = v128.load32_splat(ratios + 4 * group);
      for (const end = at + bytes; at < end; at += 16) {
        const upper = reduceOnce(v128.load(at), twoP);
        const lower = multiplyLazily(v128.load(at + bytes), factor, ratio, p);
        v128.store(at, i32x4.add(upper, lower));
        v128.store(at + bytes, i32x4.add(i32x4.sub(upper, lower), twoP));
      }
      at += bytes;
    }
    groups <<= 1;
  }
  // The last two rounds pair words of one vector: eight words at a time, sorted into two vectors.
  let rough = table + 4 * groups;
  let fine = table + 8 * groups;
  for (let at = words, end = words + 4 * degree; at < end; at += 32) {
    const first = v128.load(at);
    const second = v128.load(at, 16);
    const factors = v128.load64_zero(rough);
    const rests = v128.load64_zero(rough + 4 * degree);
    let upper = reduceOnce(v128.shuffle<u32>(first, second, 0, 1, 4, 5), twoP);
    let lower = multiplyLazily(
      v128.shuffle<u32>(first, second, 2, 3, 6, 7),
      v128.shuffle<u32>(factors, factors, 0, 0, 1, 1),
      v128.shuffle<u32>(rests, rests, 0, 0, 1, 1),
      p,
    );
    const sums = i32x4.add(upper, lower);
    const differences = i32x4.add(i32x4.sub(upper, lower), twoP);
    upper = reduceOnce(v128.shuffle<u32>(sums, differences, 0, 4, 2, 6), twoP);
    lower = multiplyLazily(
      v128.shuffle<u32>(sums, differences, 1, 5, 3, 7),
      v128.load(fine),
      v128.load(fine + 4 * degree),
      p,
    );
    const even = reduceOnce(reduceOnce(i32x4.add(upper, lower), twoP), p);
    const odd = reduceOnce(reduceOnce(i32x4.add(i32x4.sub(upper, lower), twoP), twoP), p);
    v128.store(at, v128.shuffle<u32>(even, odd, 0, 4, 1, 5));
    v128.store(at, v128.shuffle<u32>(even, odd, 2, 6, 3, 7), 16);
    rough += 8;
    fine += 16;
  }
}

/**
 * Transformed form to coefficients in place. Words below the prime before and after.
 *
 * @param table - `[2, degree]`: inverse factors in bit-reversed order, with 1/degree in the unused place 0,
 *   then their ratios
 */
export function inverse(words: usize, degree: u32, table: usize, prime: u32): void {
  const ratios = table + 4 * degree;
  const p = i32x4.splat(prime);
  const twoP = i32x4.splat(2 * prime);
  let rough = table + degree;
  let fine = table + 2 * degree;
  for (let at = words, end = words + 4 * degree; at < end; at += 32) {
    const first = v128.load(at);
    const second = v128.load(at, 16);
    let upper = v128.shuffle<u32>(first, second, 0, 2, 4, 6);
    let lower = v128.shuffle<u32>(first, second, 1, 3, 5, 7);
    const sums = reduceOnce(i32x4.add(upper, lower), twoP);
    const products = multiplyLazily(
      i32x4.add(i32x4.sub(upper, lower), twoP),
      v128.load(fine),
      v128.load(fine + 4 * degree),
      p,
    );
    const factors = v128.load64_zero(rough);
    const rests = v128.load64_zero(rough + 4 * degree);
    upper = v128.shuffle<u32>(sums, products, 0, 4, 2, 6);
    lower = v128.shuffle<u32>(sums, products, 1, 5, 3, 7);
    const even = reduceOnce(i32x4.add(upper, lower), twoP);
    const odd = multiplyLazily(
      i32x4.add(i32x4.sub(upper, lower), twoP),
      v128.shuffle<u32>(factors, factors, 0, 0, 1, 1),
      v128.shuffle<u32>(rests, rests, 0, 0, 1, 1),
      p,
    );
    v128.store(at, v128.shuffle<u32>(even, odd, 0, 1, 4, 5));
    v128.store(at, v128.shuffle<u32>(even, odd, 2, 3, 6, 7), 16);
    rough += 8;
    fine += 16;
  }
  let groups = degree >> 3;
  for (let half: u32 = 4; half < degree; half <<= 1) {
    const bytes = 4 * half;
    let at = words;
    for (let group = groups; group < 2 * groups; group++) {
      const factor = v128.load32_splat(table + 4 * group);
      const ratio = v128.load32_splat(ratios + 4 * group);
      for (const end = at + bytes; at < end; at += 16) {
        const upper = v128.load(at);
        const lower = v128.load(at + bytes);
        v128.store(at, reduceOnce(i32x4.add(upper, lower), twoP));
        v128.store(
          at + bytes,
          multiplyLazily(i32x4.add(i32x4.sub(upper, lower), twoP), factor, ratio, p),
        );
      }
      at += bytes;
    }
    groups >>= 1;
  }
  const factor = v128.load32_splat(table);
  const ratio = v128.load32_splat(ratios);
  for (let at = words, end = words + 4 * degree; at < end; at += 16) {
    v128.store(at, reduceOnce(multiplyLazily(v128.load(at), factor, ratio, p), p));
  }
}

/** Signed bytes to residues. */
export function lift(bytes: usize, degree: u32, words: usize, prime: u32): void {
  const p = i32x4.splat(prime);
  for (const end = bytes + degree; bytes < end; bytes += 8) {
    const values = v128.load8x8_s(bytes);
    const low = i32x4.extend_low_i16x8_s(values);
    const high = i32x4.extend_high_i16x8_s(values);
    v128.store(words, i32x4.add(low, v128.and(i32x4.shr_s(low, 31), p)));
    v128.store(words, i32x4.add(high, v128.and(i32x4.shr_s(high, 31), p)), 16);
    words += 32;
  }
}

/**
 * Two polynomials, word by word, to pairs of signed 16-bit limbs: word = upper · 2^shift + lower. Residues
 * above `largest` are taken less the prime. Each four coefficients become one vector of upper limbs and one
 * of lower limbs, `stride` bytes further than the four before.
 */
export function split(
  first: usize,
  second: usize,
  degree: u32,
  target: usize,
  stride: u32,
  prime: u32,
  largest: u32,
  rounding: u32,
  shift: u32,
): void {
  const p = i32x4.splat(prime);
  const limit = i32x4.splat(largest);
  const round = i32x4.splat(rounding);
  const mask = i32x4.splat(0xffff);
  for (const end = first + 4 * degree; first < end; first += 16) {
    let left = v128.load(first);
    let right = v128.load(second);
    left = i32x4.sub(left, v128.and(i32x4.gt_s(left, limit), p));
    right = i32x4.sub(right, v128.and(i32x4.gt_s(right, limit), p));
    const leftUpper = i32x4.shr_s(i32x4.add(left, round), shift);
    const rightUpper = i32x4.shr_s(i32x4.add(right, round), shift);
    const leftLower = i32x4.sub(left, i32x4.shl(leftUpper, shift));
    const rightLower = i32x4.sub(right, i32x4.shl(rightUpper, shift));
    v128.store(target, v128.or(v128.and(leftUpper, mask), i32x4.shl(rightUpper, 16)));
    v128.store(target, v128.or(v128.and(leftLower, mask), i32x4.shl(rightLower, 16)), 16);
    second += 16;
    target += stride;
  }
}

// The low words of the doubles' nearest integers: adding 1.5·2^52 rounds, and leaves the integer in the low
// mantissa bits in two's complement.
// @ts-ignore: decorator
@inline
function nearest(low: v128, high: v128): v128 {
  const magic = f64x2.splat(6755399441055744);
  return v128.shuffle<u32>(f64x2.add(low, magic), f64x2.add(high, magic), 0, 2, 4, 6);
}

// hh·2^(2·shift) + (hl + lh)·2^shift + ll modulo the prime, below it. The quotient comes from doubles and drops
// bits that do not count, so it is off by at most one; the remainder is then exact in 32 bits that wrap around.
// @ts-ignore: decorator
@inline
function reduceSums(
  hh: v128,
  hl: v128,
  lh: v128,
  ll: v128,
  shift: u32,
  dropped: u32,
  upperRatio: v128,
  middleRatio: v128,
  p: v128,
): v128 {
  const middle = i32x4.add(
    i32x4.add(i32x4.shr_s(hl, dropped), i32x4.shr_s(lh, dropped)),
    i32x4.shr_s(ll, shift + dropped),
  );
  const quotient = nearest(
    f64x2.add(
      f64x2.mul(f64x2.convert_low_i32x4_s(hh), upperRatio),
      f64x2.mul(f64x2.convert_low_i32x4_s(middle), middleRatio),
    ),
    f64x2.add(
      f64x2.mul(f64x2.convert_low_i32x4_s(v128.shuffle<u64>(hh, hh, 1, 1)), upperRatio),
      f64x2.mul(f64x2.convert_low_i32x4_s(v128.shuffle<u64>(middle, middle, 1, 1)), middleRatio),
    ),
  );
  const upper = i32x4.shl(i32x4.add(i32x4.shl(hh, shift), i32x4.add(hl, lh)), shift);
  const remainder = i32x4.sub(i32x4.add(upper, ll), i32x4.mul(quotient, p));
  return i32x4.add(remainder, v128.and(i32x4.shr_s(remainder, 31), p));
}

/**
 * Per block and coefficient the sum over the features of ciphertext times item, modulo one prime, of
 * both polynomials of the ciphertexts.
 *
 * Limb products are added in 32 bits over `group` pairs of features; one reduction for each such group.
 *
 * @param query - `[degree/4, pairs, 2 polynomials, 2 limbs]` vectors
 * @param blocks - `count` addresses of blocks (u32)
 * @param offset - where in a block the vectors of this prime begin: `[degree/4, pairs, 2 limbs]`
 * @param results - per block: words of the first polynomial, and `second` bytes further of the second one
 * @param tile - in fours of coefficients: so much of the query stays in the cache while all blocks pass by
 * @param dropped - bits of the sums that the estimate of a quotient does without, so that it fits 32 bits
 */
export function multiplyAccumulate(
  query: usize,
  blocks: usize,
  count: u32,
  offset: u32,
  results: usize,
  resultBytes: usize,
  second: usize,
  degree: u32,
  pairs: u32,
  group: u32,
  tile: u32,
  shift: u32,
  dropped: u32,
  prime: u32,
): void {
  const chunks = degree >> 2;
  const p = i32x4.splat(prime);
  const upperRatio = f64x2.splat(<f64>(<u32>1 << (2 * shift)) / <f64>prime);
  const middleRatio = f64x2.splat(<f64>(<u32>1 << (shift + dropped)) / <f64>prime);
  const zero = i32x4.splat(0);
  for (let start: u32 = 0; start < chunks; start += tile) {
    const stop = min(start + tile, chunks);
    for (let block: u32 = 0; block < count; block++) {
      let items: usize = load<u32>(blocks + 4 * block) + offset + 32 * pairs * start;
      let ciphertexts: usize = query + 64 * pairs * start;
      let target: usize = results + resultBytes * block + 16 * start;
      for (let chunk = start; chunk < stop; chunk++) {
        let sum0 = zero;
        let sum1 = zero;
        const last = items + 32 * pairs;
        while (items < last) {
          const end = items + 32 * min(group, <u32>(last - items) >> 5);
          let hh0 = zero;
          let hl0 = zero;
          let lh0 = zero;
          let ll0 = zero;
          let hh1 = zero;
          let hl1 = zero;
          let lh1 = zero;
          let ll1 = zero;
          do {
            const upper = v128.load(items);
            const lower = v128.load(items, 16);
            const upper0 = v128.load(ciphertexts);
            const lower0 = v128.load(ciphertexts, 16);
            const upper1 = v128.load(ciphertexts, 32);
            const lower1 = v128.load(ciphertexts, 48);
            hh0 = i32x4.add(hh0, i32x4.dot_i16x8_s(upper, upper0));
            hl0 = i32x4.add(hl0, i32x4.dot_i16x8_s(upper, lower0));
            lh0 = i32x4.add(lh0, i32x4.dot_i16x8_s(lower, upper0));
            ll0 = i32x4.add(ll0, i32x4.dot_i16x8_s(lower, lower0));
            hh1 = i32x4.add(hh1, i32x4.dot_i16x8_s(upper, upper1));
            hl1 = i32x4.add(hl1, i32x4.dot_i16x8_s(upper, lower1));
            lh1 = i32x4.add(lh1, i32x4.dot_i16x8_s(lower, upper1));
            ll1 = i32x4.add(ll1, i32x4.dot_i16x8_s(lower, lower1));
            items += 32;
            ciphertexts += 64;
          } while (items < end);
          const rest0 = reduceSums(hh0, hl0, lh0, ll0, shift, dropped, upperRatio, middleRatio, p);
          const rest1 = reduceSums(hh1, hl1, lh1, ll1, shift, dropped, upperRatio, middleRatio, p);
          sum0 = reduceOnce(i32x4.add(sum0, rest0), p);
          sum1 = reduceOnce(i32x4.add(sum1, rest1), p);
        }
        v128.store(target, sum0);
        v128.store(target + second, sum1);
        target += 16;
      }
    }
  }
}

/** Adds a polynomial to another modulo the prime. */
export function add(words: usize, addend: usize, degree: u32, prime: u32): void {
  const p = i32x4.splat(prime);
  for (const end = words + 4 * degree; words < end; words += 16) {
    v128.store(words, reduceOnce(i32x4.add(v128.load(words), v128.load(addend)), p));
    addend += 16;
  }
}

/**
 * Words without their low `drop` bits, `bits` ≤ 28 bits each that are left, least significant bit first, no
 * padding between them. `count` is even, `target` any address; up to 8 bytes behind the last are overwritten.
 */
export function pack(words: usize, count: u32, bits: u32, drop: u32, target: usize): void {
  let kept: u64 = 0;
  let filled: u64 = 0;
  for (const end = words + 4 * count; words < end; words += 8) {
    const pair = (load<u32>(words) >> drop) | ((<u64>(load<u32>(words, 4) >> drop)) << bits);
    kept |= pair << filled;
    store<u64>(target, kept);
    filled += 2 * bits;
    kept >>= filled & 56;
    target += <usize>(filled >> 3);
    filled &= 7;
  }
}
