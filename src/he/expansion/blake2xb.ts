/** Bytes that one call makes: the buffer of SEAL's default random stream. */
export const BUFFER_BYTES = 4096;

/** Bytes of a seed. */
export const SEED_BYTES = 64;

const HASH_BYTES = 64;
const MESSAGE_BYTES = 8;

/** The first 64 bits of the fractions of √2, √3, √5, √7, √11, √13, √17, √19: low half, high half. */
const INITIAL = Uint32Array.from([
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a,
  0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
]);

/** Which message words the rounds take, a hex digit each; the last two rounds repeat the first two. */
const ORDER: readonly Uint8Array[] = [
  '0123456789abcdef',
  'ea489fd61c02b753',
  'b8c052fdae367194',
  '7931dcbe265a40f8',
  '905724afe1bc683d',
  '2c6a0b834d75fe19',
  'c51fed4a0763928b',
  'db7ec13950f4862a',
  '6fe9b308c2d714a5',
  'a2847615fb9e3cd0',
  '0123456789abcdef',
  'ea489fd61c02b753',
].map((row) => Uint8Array.from(row, (digit) => Number.parseInt(digit, 16)));

/** Positions of the four words that each of the eight mixings of a round works on. */
const MIXED = Uint8Array.from([
  0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 5, 10, 15, 1, 6, 11, 12, 2, 7, 8, 13, 3,
  4, 9, 14,
]);

const state = new Int32Array(32);

/**
 * BLAKE2Xb with a key of 64 bytes, a message of 8 bytes and an output of 4,096, on halves of 64-bit words
 * (BigInt would be far slower).
 *
 * @param key - the seed
 * @param counter - the message as a number below 2³²
 * @param output - 1,024 words, the low half of each 64-bit word first
 *
 * Source: Aumasson, Neves, Wilcox-O'Hearn and Winnerlein, "BLAKE2: simpler, smaller, fast as MD5", 2013;
 * Aumasson, Neves, Wilcox-O'Hearn and Winnerlein, "BLAKE2X", 2016.
 */
export function fillBlake2xb(key: Uint8Array, counter: number, output: Uint32Array): void {
  const keyView = new DataView(key.buffer, key.byteOffset, SEED_BYTES);
  const block = new Int32Array(32);
  for (let i = 0; i < SEED_BYTES / 4; i++) block[i] = keyView.getInt32(4 * i, true);

  const root = chain({ keyBytes: SEED_BYTES, fanout: 1, depth: 1, leaf: 0, node: 0, inner: 0 });
  compress(root, block, 128, false);
  block.fill(0);
  block[0] = counter;
  compress(root, block, 128 + MESSAGE_BYTES, true);

  block.fill(0);
  block.set(root);
  for (let node = 0; node < BUFFER_BYTES / HASH_BYTES; node++) {
    const hash = chain({ keyBytes: 0, fanout: 0, depth: 0, leaf: 64, node, inner: HASH_BYTES });
    compress(hash, block, HASH_BYTES, true);
    output.set(hash, (node * HASH_BYTES) / 4);
  }
}

/** What a hash starts from: the initial value, with the parameters of the node mixed in. */
function chain(parameters: {
  readonly keyBytes: number;
  readonly fanout: number;
  readonly depth: number;
  readonly leaf: number;
  readonly node: number;
  readonly inner: number;
}): Int32Array {
  const { keyBytes, fanout, depth, leaf, node, inner } = parameters;
  const words = Int32Array.from(INITIAL);
  const mixed = [
    HASH_BYTES | (keyBytes << 8) | (fanout << 16) | (depth << 24),
    leaf,
    node,
    BUFFER_BYTES,
    inner << 8,
  ];
  mixed.forEach((word, i) => {
    words[i] = (words[i] as number) ^ word;
  });
  return words;
}

/** Takes a block of 128 bytes, of which everything up to `bytes` was hashed with it, into the hash. */
function compress(hash: Int32Array, block: Int32Array, bytes: number, last: boolean): void {
  state.set(hash);
  state.set(INITIAL, 16);
  state[24] = (state[24] as number) ^ bytes;
  if (last) {
    state[28] = ~(state[28] as number);
    state[29] = ~(state[29] as number);
  }
  for (const order of ORDER) {
    for (let i = 0; i < 8; i++) {
      mix(
        2 * (MIXED[4 * i] as number),
        2 * (MIXED[4 * i + 1] as number),
        2 * (MIXED[4 * i + 2] as number),
        2 * (MIXED[4 * i + 3] as number),
        block,
        2 * (order[2 * i] as number),
        2 * (order[2 * i + 1] as number),
      );
    }
  }
  for (let i = 0; i < 16; i++) {
    hash[i] = (hash[i] as number) ^ (state[i] as number) ^ (state[i + 16] as number);
  }
}

function mix(
  a: number,
  b: number,
  c: number,
  d: number,
  block: Int32Array,
  first: number,
  second: number,
): void {
  add(a, state, b);
  add(a, block, first);
  xorRotate(d, a, 32);
  add(c, state, d);
  xorRotate(b, c, 24);
  add(a, state, b);
  add(a, block, second);
  xorRotate(d, a, 16);
  add(c, state, d);
  xorRotate(b, c, 63);
}

/** state[at] += words[other]. */
function add(at: number, words: Int32Array, other: number): void {
  const low = ((state[at] as number) >>> 0) + ((words[other] as number) >>> 0);
  state[at] = low | 0;
  state[at + 1] =
    ((state[at + 1] as number) + (words[other + 1] as number) + (low > 0xffff_ffff ? 1 : 0)) | 0;
}

/** state[at] = (state[at] ⊕ state[other]) rotated right. */
function xorRotate(at: number, other: number, by: 16 | 24 | 32 | 63): void {
  const low = (state[at] as number) ^ (state[other] as number);
  const high = (state[at + 1] as number) ^ (state[other + 1] as number);
  if (by === 32) {
    state[at] = high;
    state[at + 1] = low;
  } else if (by === 63) {
    state[at] = (low << 1) | (high >>> 31);
    state[at + 1] = (high << 1) | (low >>> 31);
  } else {
    state[at] = (low >>> by) | (high << (32 - by));
    state[at + 1] = (high >>> by) | (low << (32 - by));
  }
}
