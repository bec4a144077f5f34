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

// Adds four sums of limb products to the doubles at `sums`: `[upper, rest]` for two, then for two more words.
// @ts-ignore: decorator
@inline
function fold(sums: usize, hh: v128, hl: v128, lh: v128, ll: v128, scale: v128): void {
  for (let i = 0; i < 2; i++) {
    const middle = f64x2.add(f64x2.convert_low_i32x4_s(hl), f64x2.convert_low_i32x4_s(lh));
    const rest = f64x2.add(f64x2.mul(middle, scale), f64x2.convert_low_i32x4_s(ll));
    v128.store(sums, f64x2.add(v128.load(sums), f64x2.convert_low_i32x4_s(hh)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), rest), 16);
    hh = v128.shuffle<u64>(hh, hh, 1, 1);
    hl = v128.shuffle<u64>(hl, hl, 1, 1);
    lh = v128.shuffle<u64>(lh, lh, 1, 1);
    ll = v128.shuffle<u64>(ll, ll, 1, 1);
    sums += 32;
  }
}

// The integers of two doubles of magnitude below 2^52 modulo the prime, nearest to zero; exact, for the product
// of prime and quotient is below 2^53.
// @ts-ignore: decorator
@inline
function centre(values: v128, prime: v128, reciprocal: v128): v128 {
  const quotient = f64x2.nearest(f64x2.mul(values, reciprocal));
  return f64x2.sub(values, f64x2.mul(quotient, prime));
}

// The two words of the doubles at `sums`, in the low halves of the lanes; negative ones not yet lifted.
// @ts-ignore: decorator
@inline
function finish(sums: usize, scale: v128, prime: v128, reciprocal: v128): v128 {
  const upper = centre(f64x2.mul(v128.load(sums), scale), prime, reciprocal);
  const whole = f64x2.add(f64x2.mul(upper, scale), v128.load(sums, 16));
  // 1.5·2^52: the sum has the integer in its low mantissa bits, in two's complement.
  return f64x2.add(centre(whole, prime, reciprocal), f64x2.splat(6755399441055744));
}

// @ts-ignore: decorator
@inline
function storeWords(target: usize, sums: usize, scale: v128, prime: v128, reciprocal: v128, p: v128): void {
  const words = v128.shuffle<u32>(
    finish(sums, scale, prime, reciprocal),
    finish(sums + 32, scale, prime, reciprocal),
    0,
    2,
    4,
    6,
  );
  v128.store(target, i32x4.add(words, v128.and(i32x4.shr_s(words, 31), p)));
}

/**
 * Per block and coefficient the sum over the features of ciphertext times item, modulo one prime, of
 * both polynomials of the ciphertexts.
 *
 * Limb products are added in 32 bits over `group` pairs of features, then in doubles, which hold all of them
 * exactly; one reduction at the end.
 *
 * @param query - `[degree/4, pairs, 2 polynomials, 2 limbs]` vectors
 * @param blocks - `count` addresses of blocks (u32)
 * @param offset - where in a block the vectors of this prime begin: `[degree/4, pairs, 2 limbs]`
 * @param results - per block: words of the first polynomial, and `second` bytes further of the second one
 * @param tile - in fours of coefficients: so much of the query stays in the cache while all blocks pass by
 * @param scratch - 128 bytes
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
  prime: u32,
  scratch: usize,
): void {
  const chunks = degree >> 2;
  const p = i32x4.splat(prime);
  const modulus = f64x2.splat(prime);
  const reciprocal = f64x2.splat(1 / <f64>prime);
  const scale = f64x2.splat(<f64>(<u32>1 << shift));
  const zero = i32x4.splat(0);
  for (let start: u32 = 0; start < chunks; start += tile) {
    const stop = min(start + tile, chunks);
    for (let block: u32 = 0; block < count; block++) {
      let items: usize = load<u32>(blocks + 4 * block) + offset + 32 * pairs * start;
      let ciphertexts: usize = query + 64 * pairs * start;
      let target: usize = results + resultBytes * block + 16 * start;
      for (let chunk = start; chunk < stop; chunk++) {
        for (let at: usize = 0; at < 128; at += 16) v128.store(scratch + at, zero);
        const last = items + 32 * pairs;
        while (items < last) {
          const end = min(items + 32 * group, last);
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
          fold(scratch, hh0, hl0, lh0, ll0, scale);
          fold(scratch + 64, hh1, hl1, lh1, ll1, scale);
        }
        storeWords(target, scratch, scale, modulus, reciprocal, p);
        storeWords(target + second, scratch + 64, scale, modulus, reciprocal, p);
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
 * Words of `bits` ≤ 28 bits each, least significant bit first, no padding between them. `count` is even,
 * `target` any address; up to 8 bytes behind the last are overwritten.
 */
export function pack(words: usize, count: u32, bits: u32, target: usize): void {
  let kept: u64 = 0;
  let filled: u64 = 0;
  for (const end = words + 4 * count; words < end; words += 8) {
    const pair = load<u32>(words) | ((<u64>load<u32>(words, 4)) << bits);
    kept |= pair << filled;
    store<u64>(target, kept);
    filled += 2 * bits;
    kept >>= filled & 56;
    target += <usize>(filled >> 3);
    filled &= 7;
  }
}
