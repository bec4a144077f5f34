import { bytesToHex } from '@noble/hashes/utils.js';
import { portableSha256, type Sha256 } from '../core/hash-chain.ts';

/** The rows of one block of a catalogue, with what the catalogue must know of them. Immutable. */
export interface CatalogueBlock {
  /** `[rows, dimensions]`. */
  readonly integers: Int8Array;
  /** `[rows]` in integer score units, or null without biases. */
  readonly biases: Int32Array | null;
  /** SHA-256 over the integers as they lie, then the biases, little-endian: 64 hex digits, equal for equal blocks. */
  readonly hash: string;
  /** Σ of the squares of all coefficients, and 1 for the coefficient that belongs to no item. */
  readonly squaredNorm: number;
  /** The largest Σ of the squares of one row. */
  readonly rowSquaredNorm: number;
  /** The largest Σ |coefficient| of one row. */
  readonly rowL1Norm: number;
  /** The largest |bias|. */
  readonly largestBias: number;
}

/**
 * Takes the rows of a block. All sums are exact: at most 2¹⁵ rows · 2¹⁰ features · 2¹⁴.
 *
 * @param integers - `[rows, dimensions]`; owned by the block from now on
 * @param biases - `[rows]` or null
 * @param digest - SHA-256, if there is a faster one than the portable one
 */
export function catalogueBlock(
  integers: Int8Array,
  biases: Int32Array | null,
  dimensions: number,
  digest: Sha256 = portableSha256,
): CatalogueBlock {
  let squaredNorm = 1;
  let rowSquaredNorm = 0;
  let rowL1Norm = 0;
  for (let at = 0; at < integers.length; at += dimensions) {
    let squares = 0;
    let sum = 0;
    for (let i = at; i < at + dimensions; i++) {
      const value = integers[i] as number;
      squares += value * value;
      sum += Math.abs(value);
    }
    squaredNorm += squares;
    rowSquaredNorm = Math.max(rowSquaredNorm, squares);
    rowL1Norm = Math.max(rowL1Norm, sum);
  }
  const largestBias = biases?.reduce((max, bias) => Math.max(max, Math.abs(bias)), 0) ?? 0;
  const bytes = new Uint8Array(integers.buffer, integers.byteOffset, integers.byteLength);
  const hash = bytesToHex(biases === null ? digest(bytes) : digest(bytes, biasBytes(biases)));
  return { integers, biases, hash, squaredNorm, rowSquaredNorm, rowL1Norm, largestBias };
}

/** Biases as little-endian words, whatever the platform. */
export function biasBytes(biases: Int32Array): Uint8Array<ArrayBuffer> {
  const words = new DataView(new ArrayBuffer(4 * biases.length));
  biases.forEach((bias, i) => {
    words.setInt32(4 * i, bias, true);
  });
  return new Uint8Array(words.buffer);
}

/** The reverse of {@link biasBytes}. */
export function biasesOf(bytes: Uint8Array): Int32Array {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: bytes.length / 4 }, (_, i) => words.getInt32(4 * i, true));
}
