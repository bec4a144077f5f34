import type { HeParameters } from './parameters.ts';

/**
 * How profiles and items lie in polynomials, g features to a ciphertext.
 *
 * A query polynomial holds g features as its first g coefficients. The polynomial of a block holds the same g
 * features of item i in reverse from coefficient g·i on, so that the product has Σ profile_j · item_j at
 * coefficient g·i + g − 1, the slot of item i; no other pair of coefficients meets there, those that wrap
 * around N included. What the product has elsewhere means nothing, and the client drops it. With g = 1, the
 * columns of large catalogues, every coefficient is a slot; a larger g makes queries g times shorter and
 * replies g times longer.
 *
 * The last slot of every block belongs to no item. It holds a 1 for the first feature, so that no block is all
 * zero whatever the items are: a zero block would give a ciphertext whose second polynomial is zero, which
 * reads as plain text and which readers refuse.
 *
 * @param featuresPerCiphertext - g, from 1 to N/2
 */
export function itemsPerBlock(parameters: HeParameters, featuresPerCiphertext = 1): number {
  return Math.floor(parameters.polynomialDegree / featuresPerCiphertext) - 1;
}

/** Blocks that `items` items fill: the ciphertexts of a reply. */
export function blockCount(
  parameters: HeParameters,
  items: number,
  featuresPerCiphertext = 1,
): number {
  return Math.ceil(items / itemsPerBlock(parameters, featuresPerCiphertext));
}

/** Groups of features: the ciphertexts of a query, and the polynomials of a block. */
export function groupCount(dimensions: number, featuresPerCiphertext = 1): number {
  return Math.ceil(dimensions / featuresPerCiphertext);
}

/** The coefficient of a block where the score of its item i is. */
export function slotOf(item: number, featuresPerCiphertext = 1): number {
  return featuresPerCiphertext * (item + 1) - 1;
}

/**
 * The polynomials of one block, each of N coefficients, one per group of features.
 *
 * @param integers - `[items, dimensions]`
 */
export function packBlock(
  parameters: HeParameters,
  integers: Int8Array,
  dimensions: number,
  block: number,
  featuresPerCiphertext = 1,
): readonly Int8Array[] {
  const capacity = itemsPerBlock(parameters, featuresPerCiphertext);
  const start = block * capacity * dimensions;
  const count = Math.min(capacity, (integers.length - start) / dimensions);
  return Array.from({ length: groupCount(dimensions, featuresPerCiphertext) }, (_, group) => {
    const polynomial = new Int8Array(parameters.polynomialDegree);
    const first = group * featuresPerCiphertext;
    const features = Math.min(featuresPerCiphertext, dimensions - first);
    for (let i = 0; i < count; i++) {
      const slot = slotOf(i, featuresPerCiphertext);
      const row = start + i * dimensions + first;
      for (let feature = 0; feature < features; feature++) {
        polynomial[slot - feature] = integers[row + feature] as number;
      }
    }
    if (group === 0) polynomial[slotOf(capacity, featuresPerCiphertext)] = 1;
    return polynomial;
  });
}

/**
 * The query polynomials of a profile, one per group of features.
 *
 * @param weights - `[dimensions]`
 */
export function packProfile(weights: Int32Array, featuresPerCiphertext = 1): readonly Int32Array[] {
  return Array.from({ length: groupCount(weights.length, featuresPerCiphertext) }, (_, group) => {
    const first = group * featuresPerCiphertext;
    return weights.subarray(first, first + featuresPerCiphertext);
  });
}

/**
 * The scores of one block.
 *
 * @param coefficients - `[N]`, decrypted
 * @param scores - `[items of the block]`, written
 */
export function unpackScores(
  coefficients: Int32Array,
  scores: Int32Array,
  featuresPerCiphertext = 1,
): void {
  for (let i = 0, slot = slotOf(0, featuresPerCiphertext); i < scores.length; i++) {
    scores[i] = coefficients[slot] as number;
    slot += featuresPerCiphertext;
  }
}
