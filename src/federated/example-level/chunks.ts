import type { RandomSource } from '../../core/random-source.ts';

const WORD_BITS = 32;

/**
 * Divides the examples of a step into chunks by fair coins of their own: each example has an unending string
 * of random bits; the strings make a binary tree, and a node deep enough that holds at most `capacity`
 * examples is a chunk.
 *
 * ## Privacy
 * An example that comes or goes changes one leaf of the tree and no other chunk, so that the float error of
 * one chunk, not of the whole batch, enters the sensitivity. Proof: `dp-sgd.proof.md`, section 2.
 */
export class ChunkTree {
  readonly capacity: number;
  /** Levels that are split whatever they hold. */
  readonly depth: number;
  readonly #random: RandomSource;

  /**
   * @param capacity - most examples in a chunk
   * @param expectedSize - public expected number of examples in a step
   */
  constructor(capacity: number, expectedSize: number, random: RandomSource) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`"capacity" expected a positive integer, got ${capacity}`);
    }
    this.capacity = capacity;
    this.#random = random;
    // Five deviations of room make a second split of a node rare.
    const roomy = Math.max(capacity - 5 * Math.sqrt(capacity), capacity / 4);
    this.depth = Math.max(0, Math.ceil(Math.log2(expectedSize / roomy)));
  }

  /**
   * Sorts the examples of each chunk together, in place.
   *
   * @param examples - distinct examples of one step
   * @param ends - gets the end of each chunk, `[at least as many as there are examples]`
   * @returns number of chunks; none is empty
   */
  divide(examples: Uint32Array, ends: Uint32Array): number {
    const keys = this.#draw(examples.length);
    const count = this.#split({ examples, keys, ends, depth: 0, start: 0, chunks: 0 });
    keys.fill(0);
    return count;
  }

  #draw(length: number): Uint32Array {
    const keys = new Uint32Array(length);
    this.#random.fillUint32(keys);
    return keys;
  }

  #split(node: Node): number {
    const { examples, keys, ends, depth, start } = node;
    const size = examples.length;
    if (size === 0) return node.chunks;
    if (depth >= this.depth && size <= this.capacity) {
      ends[node.chunks] = start + size;
      return node.chunks + 1;
    }
    const bit = depth % WORD_BITS;
    if (bit === 0 && depth > 0) this.#random.fillUint32(keys);
    const middle = partition(examples, keys, WORD_BITS - 1 - bit);
    const left = {
      examples: examples.subarray(0, middle),
      keys: keys.subarray(0, middle),
      ends,
      depth: depth + 1,
      start,
      chunks: node.chunks,
    };
    const right = {
      examples: examples.subarray(middle),
      keys: keys.subarray(middle),
      ends,
      depth: depth + 1,
      start: start + middle,
      chunks: this.#split(left),
    };
    return this.#split(right);
  }
}

interface Node {
  readonly examples: Uint32Array;
  readonly keys: Uint32Array;
  readonly ends: Uint32Array;
  readonly depth: number;
  readonly start: number;
  readonly chunks: number;
}

/** Those whose bit is 0 first, both sides in the order they came; where the others begin. */
function partition(examples: Uint32Array, keys: Uint32Array, shift: number): number {
  const size = examples.length;
  const others = new Uint32Array(2 * size);
  let zeros = 0;
  let ones = 0;
  for (let i = 0; i < size; i++) {
    const key = keys[i] as number;
    const example = examples[i] as number;
    if (((key >>> shift) & 1) === 0) {
      keys[zeros] = key;
      examples[zeros++] = example;
    } else {
      others[ones] = key;
      others[size + ones++] = example;
    }
  }
  keys.set(others.subarray(0, ones), zeros);
  examples.set(others.subarray(size, size + ones), zeros);
  return zeros;
}
