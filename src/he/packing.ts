import type { HeParameters } from './parameters.ts';

/**
 * Column packing: coefficient i of block b is item b·(N−1) + i, with one polynomial per feature.
 *
 * The last coefficient of every block belongs to no item. It holds 1 for the first feature, so that no
 * block is all zero whatever the items are: a zero block would give a ciphertext whose second polynomial
 * is zero, which reads as plain text and which readers refuse. Its score is dropped by the client.
 */
export function itemsPerBlock(parameters: HeParameters): number {
  return parameters.polynomialDegree - 1;
}

/** Blocks that `items` items fill. */
export function blockCount(parameters: HeParameters, items: number): number {
  return Math.ceil(items / itemsPerBlock(parameters));
}

/**
 * The columns of one block, each of N coefficients.
 *
 * @param integers - `[items, dimensions]`
 */
export function packBlock(
  parameters: HeParameters,
  integers: Int8Array,
  dimensions: number,
  block: number,
): readonly Int8Array[] {
  const degree = parameters.polynomialDegree;
  const capacity = itemsPerBlock(parameters);
  const start = block * capacity * dimensions;
  const count = Math.min(capacity, (integers.length - start) / dimensions);
  return Array.from({ length: dimensions }, (_, feature) => {
    const column = new Int8Array(degree);
    for (let i = 0; i < count; i++) {
      column[i] = integers[start + i * dimensions + feature] as number;
    }
    if (feature === 0) column[degree - 1] = 1;
    return column;
  });
}
