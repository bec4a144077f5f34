// The expansion of seeds into uniform residues, as SEAL does it, compiled by AssemblyScript: BLAKE2Xb with
// two nodes of its output tree in the lanes of each vector, and the reduction of 64-bit words.
//
// All addresses are bytes in the one imported memory and multiples of 16. The caller
// (src/he/expansion/simd-expander.ts) lays the memory out; nothing is allocated here. The plain twin with the
// source is src/he/expansion/blake2xb.ts.

const BUFFER_BYTES: u64 = 4096;
const HASH_BYTES: u64 = 64;
const MESSAGE_BYTES: u64 = 8;

// Which message words the rounds take, as offsets in bytes.
const ORDER: usize = memory.data<u8>([
  0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 112, 80, 32, 64, 72, 120, 104, 48,
  8, 96, 0, 16, 88, 56, 40, 24, 88, 64, 96, 0, 40, 16, 120, 104, 80, 112, 24, 48, 56, 8, 72, 32, 56,
  72, 24, 8, 104, 96, 88, 112, 16, 48, 40, 80, 32, 0, 120, 64, 72, 0, 40, 56, 16, 32, 80, 120, 112, 8,
  88, 96, 48, 64, 24, 104, 16, 96, 48, 80, 0, 88, 64, 24, 32, 104, 56, 40, 120, 112, 8, 72, 96, 40, 8,
  120, 112, 104, 32, 80, 0, 56, 48, 24, 72, 16, 64, 88, 104, 88, 56, 112, 96, 8, 24, 72, 40, 0, 120,
  32, 64, 48, 16, 80, 48, 120, 112, 72, 88, 24, 0, 64, 96, 16, 104, 56, 8, 32, 80, 40, 80, 16, 64, 32,
  56, 48, 8, 40, 120, 88, 72, 112, 24, 96, 104, 0, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96,
  104, 112, 120, 112, 80, 32, 64, 72, 120, 104, 48, 8, 96, 0, 16, 88, 56, 40, 24,
]);
const ROUNDS: usize = 12;

// @ts-ignore: decorator
@inline
function initial(index: i32): v128 {
  switch (index) {
    case 0:
      return i64x2.splat(0x6a09e667f3bcc908);
    case 1:
      return i64x2.splat(0xbb67ae8584caa73b);
    case 2:
      return i64x2.splat(0x3c6ef372fe94f82b);
    case 3:
      return i64x2.splat(0xa54ff53a5f1d36f1);
    case 4:
      return i64x2.splat(0x510e527fade682d1);
    case 5:
      return i64x2.splat(0x9b05688c2b3e6c1f);
    case 6:
      return i64x2.splat(0x1f83d9abfb41bd6b);
    default:
      return i64x2.splat(0x5be0cd19137e2179);
  }
}

// @ts-ignore: decorator
@inline
function message(block: usize, order: usize, index: usize): v128 {
  return v128.load64_splat(block + <usize>load<u8>(order + index));
}

// @ts-ignore: decorator
@inline
function rotate32(words: v128): v128 {
  return v128.shuffle<u32>(words, words, 1, 0, 3, 2);
}

// @ts-ignore: decorator
@inline
function rotate24(words: v128): v128 {
  return v128.shuffle<u8>(words, words, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
}

// @ts-ignore: decorator
@inline
function rotate16(words: v128): v128 {
  return v128.shuffle<u16>(words, words, 1, 2, 3, 0, 5, 6, 7, 4);
}

// @ts-ignore: decorator
@inline
function rotate63(words: v128): v128 {
  return v128.or(i64x2.shl(words, 1), i64x2.shr_u(words, 63));
}

// Takes a block of 128 bytes, the same in both lanes, into two hashes of eight vectors.
function compress(hash: usize, block: usize, bytes: u64, last: u64): void {
  let v0 = v128.load(hash);
  let v1 = v128.load(hash, 16);
  let v2 = v128.load(hash, 32);
  let v3 = v128.load(hash, 48);
  let v4 = v128.load(hash, 64);
  let v5 = v128.load(hash, 80);
  let v6 = v128.load(hash, 96);
  let v7 = v128.load(hash, 112);
  let v8 = initial(0);
  let v9 = initial(1);
  let v10 = initial(2);
  let v11 = initial(3);
  let v12 = v128.xor(initial(4), i64x2.splat(bytes));
  let v13 = initial(5);
  let v14 = v128.xor(initial(6), i64x2.splat(last));
  let v15 = initial(7);
  for (let order = ORDER, end = ORDER + 16 * ROUNDS; order < end; order += 16) {
    v0 = i64x2.add(i64x2.add(v0, v4), message(block, order, 0));
    v1 = i64x2.add(i64x2.add(v1, v5), message(block, order, 2));
    v2 = i64x2.add(i64x2.add(v2, v6), message(block, order, 4));
    v3 = i64x2.add(i64x2.add(v3, v7), message(block, order, 6));
    v12 = rotate32(v128.xor(v12, v0));
    v13 = rotate32(v128.xor(v13, v1));
    v14 = rotate32(v128.xor(v14, v2));
    v15 = rotate32(v128.xor(v15, v3));
    v8 = i64x2.add(v8, v12);
    v9 = i64x2.add(v9, v13);
    v10 = i64x2.add(v10, v14);
    v11 = i64x2.add(v11, v15);
    v4 = rotate24(v128.xor(v4, v8));
    v5 = rotate24(v128.xor(v5, v9));
    v6 = rotate24(v128.xor(v6, v10));
    v7 = rotate24(v128.xor(v7, v11));
    v0 = i64x2.add(i64x2.add(v0, v4), message(block, order, 1));
    v1 = i64x2.add(i64x2.add(v1, v5), message(block, order, 3));
    v2 = i64x2.add(i64x2.add(v2, v6), message(block, order, 5));
    v3 = i64x2.add(i64x2.add(v3, v7), message(block, order, 7));
    v12 = rotate16(v128.xor(v12, v0));
    v13 = rotate16(v128.xor(v13, v1));
    v14 = rotate16(v128.xor(v14, v2));
    v15 = rotate16(v128.xor(v15, v3));
    v8 = i64x2.add(v8, v12);
    v9 = i64x2.add(v9, v13);
    v10 = i64x2.add(v10, v14);
    v11 = i64x2.add(v11, v15);
    v4 = rotate63(v128.xor(v4, v8));
    v5 = rotate63(v128.xor(v5, v9));
    v6 = rotate63(v128.xor(v6, v10));
    v7 = rotate63(v128.xor(v7, v11));

    v0 = i64x2.add(i64x2.add(v0, v5), message(block, order, 8));
    v1 = i64x2.add(i64x2.add(v1, v6), message(block, order, 10));
    v2 = i64x2.add(i64x2.add(v2, v7), message(block, order, 12));
    v3 = i64x2.add(i64x2.add(v3, v4), message(block, order, 14));
    v15 = rotate32(v128.xor(v15, v0));
    v12 = rotate32(v128.xor(v12, v1));
    v13 = rotate32(v128.xor(v13, v2));
    v14 = rotate32(v128.xor(v14, v3));
    v10 = i64x2.add(v10, v15);
    v11 = i64x2.add(v11, v12);
    v8 = i64x2.add(v8, v13);
    v9 = i64x2.add(v9, v14);
    v5 = rotate24(v128.xor(v5, v10));
    v6 = rotate24(v128.xor(v6, v11));
    v7 = rotate24(v128.xor(v7, v8));
    v4 = rotate24(v128.xor(v4, v9));
    v0 = i64x2.add(i64x2.add(v0, v5), message(block, order, 9));
    v1 = i64x2.add(i64x2.add(v1, v6), message(block, order, 11));
    v2 = i64x2.add(i64x2.add(v2, v7), message(block, order, 13));
    v3 = i64x2.add(i64x2.add(v3, v4), message(block, order, 15));
    v15 = rotate16(v128.xor(v15, v0));
    v12 = rotate16(v128.xor(v12, v1));
    v13 = rotate16(v128.xor(v13, v2));
    v14 = rotate16(v128.xor(v14, v3));
    v10 = i64x2.add(v10, v15);
    v11 = i64x2.add(v11, v12);
    v8 = i64x2.add(v8, v13);
    v9 = i64x2.add(v9, v14);
    v5 = rotate63(v128.xor(v5, v10));
    v6 = rotate63(v128.xor(v6, v11));
    v7 = rotate63(v128.xor(v7, v8));
    v4 = rotate63(v128.xor(v4, v9));
  }
  v128.store(hash, v128.xor(v128.load(hash), v128.xor(v0, v8)));
  v128.store(hash, v128.xor(v128.load(hash, 16), v128.xor(v1, v9)), 16);
  v128.store(hash, v128.xor(v128.load(hash, 32), v128.xor(v2, v10)), 32);
  v128.store(hash, v128.xor(v128.load(hash, 48), v128.xor(v3, v11)), 48);
  v128.store(hash, v128.xor(v128.load(hash, 64), v128.xor(v4, v12)), 64);
  v128.store(hash, v128.xor(v128.load(hash, 80), v128.xor(v5, v13)), 80);
  v128.store(hash, v128.xor(v128.load(hash, 96), v128.xor(v6, v14)), 96);
  v128.store(hash, v128.xor(v128.load(hash, 112), v128.xor(v7, v15)), 112);
}

// The hashes of two nodes before they took anything: the initial value with the parameters mixed in.
// @ts-ignore: decorator
@inline
function begin(hash: usize, shape: u64, first: u64, second: u64, inner: u64): void {
  const length = BUFFER_BYTES << 32;
  v128.store(hash, v128.xor(initial(0), i64x2.splat(shape)));
  const nodes = i64x2.replace_lane(i64x2.splat(first | length), 1, second | length);
  v128.store(hash, v128.xor(initial(1), nodes), 16);
  v128.store(hash, v128.xor(initial(2), i64x2.splat(inner << 8)), 32);
  v128.store(hash, initial(3), 48);
  v128.store(hash, initial(4), 64);
  v128.store(hash, initial(5), 80);
  v128.store(hash, initial(6), 96);
  v128.store(hash, initial(7), 112);
}

// @ts-ignore: decorator
@inline
function clear(address: usize, bytes: usize): void {
  for (const end = address + bytes; address < end; address += 16) v128.store(address, i64x2.splat(0));
}

/**
 * BLAKE2Xb with a key of 64 bytes, the counter as message and an output of 4,096 bytes.
 *
 * @param scratch - 256 bytes
 */
export function fill(seed: usize, counter: u32, target: usize, scratch: usize): void {
  const hash = scratch;
  const block = scratch + 128;
  // Hash and key of 64 bytes, one leaf, depth one.
  begin(hash, 0x01014040, 0, 0, 0);
  clear(block, 128);
  for (let at: usize = 0; at < 64; at += 16) v128.store(block + at, v128.load(seed + at));
  compress(hash, block, 128, 0);
  clear(block, 64);
  store<u64>(block, counter);
  compress(hash, block, 128 + MESSAGE_BYTES, u64.MAX_VALUE);

  clear(block, 16);
  for (let word: usize = 0; word < 8; word++) {
    store<u64>(block + 8 * word, load<u64>(hash + 16 * word));
  }
  for (let node: u64 = 0; node < BUFFER_BYTES / HASH_BYTES; node += 2) {
    begin(hash, HASH_BYTES | (HASH_BYTES << 32), node, node + 1, HASH_BYTES);
    compress(hash, block, HASH_BYTES, u64.MAX_VALUE);
    for (let pair: usize = 0; pair < 64; pair += 16) {
      const low = v128.load(hash + 2 * pair);
      const high = v128.load(hash + 2 * pair, 16);
      v128.store(target + pair, v128.shuffle<u64>(low, high, 0, 2));
      v128.store(target + pair, v128.shuffle<u64>(low, high, 1, 3), 64);
    }
    target += 128;
  }
}

/**
 * Words of 64 bits modulo a prime, up to the first that is not below the limit.
 *
 * @returns how many were reduced
 */
export function reduce(words: usize, count: u32, prime: u32, target: usize): u32 {
  // Words from here on would favour small residues.
  const limit = u64.MAX_VALUE - (u64.MAX_VALUE % prime) - 1;
  for (let i: u32 = 0; i < count; i++) {
    const word = load<u64>(words + 8 * i);
    if (word >= limit) return i;
    store<u32>(target + 4 * i, <u32>(word % prime));
  }
  return count;
}
