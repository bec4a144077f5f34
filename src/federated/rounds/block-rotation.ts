import { utf8ToBytes } from '@noble/hashes/utils.js';
import { portableSha256 } from '../../core/hash-chain.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import { SeedWords } from '../secagg/seed-words.ts';

const DOMAIN = utf8ToBytes('velatura-rotation-v1\0');

/** Length of a vector of that many coordinates once it is filled up to whole blocks. */
export function paddedDimension(dimension: number, blockSize: number): number {
  return Math.ceil(dimension / blockSize) * blockSize;
}

/**
 * A public random rotation: signs, then the Walsh–Hadamard matrix on blocks. It spreads what is large in a few
 * coordinates over their block, so that sums need fewer bits. Everybody who knows the round id has the same.
 *
 * ## Privacy
 * None, and none is needed: norms stay as they are, and their bound is checked after it.
 */
export class BlockRotation {
  /** A multiple of the block size. */
  readonly dimension: number;
  readonly #blockSize: number;
  readonly #signs: Float32Array;

  /**
   * @param roundId - from which the signs are drawn: fresh ones for each round, or a sum that was unlucky once
   * would be so in every round
   * @param blockSize - a power of two
   */
  constructor(roundId: string, dimension: number, blockSize: number) {
    this.dimension = paddedDimension(dimension, blockSize);
    this.#blockSize = blockSize;
    const words = new SeedWords(portableSha256(DOMAIN, utf8ToBytes(roundId)), portableSha256);
    this.#signs = new Float32Array(this.dimension);
    for (let i = 0, word = 0; i < this.dimension; i++, word >>>= 1) {
      if (i % 32 === 0) word = words.uint32();
      this.#signs[i] = (word & 1) === 0 ? 1 : -1;
    }
  }

  /** Rotates in place. `[dimension]` */
  turn(data: Float32Array): void {
    this.#flip(data);
    this.#mix(data);
  }

  /** The way back. `[dimension]` */
  turnBack(data: Float32Array): void {
    this.#mix(data);
    this.#flip(data);
  }

  #mix(data: Float32Array): void {
    selectKernels().walshHadamard(this.#blockSize, data, 1 / Math.sqrt(this.#blockSize));
  }

  #flip(data: Float32Array): void {
    for (let i = 0; i < data.length; i++)
      data[i] = (data[i] as number) * (this.#signs[i] as number);
  }
}
