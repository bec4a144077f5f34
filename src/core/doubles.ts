/** Doubles as little-endian bytes, whatever the machine. */
export function writeDoubles(values: Float64Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (let i = 0; i < values.length; i++) view.setFloat64(8 * i, values[i] as number, true);
  return new Uint8Array(view.buffer);
}

/** Reads {@link writeDoubles}'s bytes. */
export function readDoubles(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float64Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
}
