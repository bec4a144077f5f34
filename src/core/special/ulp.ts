const FLOAT = new Float64Array(1);
const BITS = new BigInt64Array(FLOAT.buffer);

/** The next double above a finite `x`: rounding outwards after an operation that rounds to nearest. */
export function nextUp(x: number): number {
  if (x === 0) return Number.MIN_VALUE;
  if (!Number.isFinite(x)) return x;
  FLOAT[0] = x;
  BITS[0] = (BITS[0] as bigint) + (x > 0 ? 1n : -1n);
  return FLOAT[0];
}

/** The next double below a finite `x`. */
export function nextDown(x: number): number {
  return -nextUp(-x);
}
