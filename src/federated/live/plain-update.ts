import { VelaturaError } from '../../core/errors.ts';

/** Integers of one update as bytes: signed, 32 bits, little-endian. Encoders keep them below 2²⁵. */
export function writeUpdate(vector: Float64Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(4 * vector.length));
  for (let i = 0; i < vector.length; i++) view.setInt32(4 * i, vector[i] as number, true);
  return new Uint8Array(view.buffer);
}

/**
 * Reads {@link writeUpdate}'s bytes.
 *
 * @throws {VelaturaError} `federated/invalid-contribution` for another length
 */
export function readUpdate(bytes: Uint8Array, dimension: number): Float64Array {
  if (bytes.length !== 4 * dimension) {
    throw new VelaturaError(
      'federated/invalid-contribution',
      `an update expected ${4 * dimension} bytes, got ${bytes.length}`,
      { expected: 4 * dimension, actual: bytes.length },
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float64Array.from({ length: dimension }, (_, i) => view.getInt32(4 * i, true));
}
