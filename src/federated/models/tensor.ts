import { VelaturaError } from '../../core/errors.ts';

/** Numbers of a tensor as they lie in memory; the class tells the type. */
export type TensorValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int32Array
  | BigInt64Array;

/** Numbers with a shape, row-major: the last index runs fastest. */
export interface Tensor {
  /** Lengths of the dimensions; empty for a single number. */
  readonly shape: readonly number[];
  /** As many as the product of the shape. */
  readonly values: TensorValues;
}

/** How numbers of one type lie in a file. */
export interface ElementType {
  /** Bytes of one number. */
  readonly size: number;
  /** Reads `count` numbers from `offset` on. */
  read(view: DataView, offset: number, count: number, littleEndian: boolean): TensorValues;
}

const maker = <A extends TensorValues>(
  size: number,
  make: (length: number) => A,
  get: (view: DataView, offset: number, littleEndian: boolean) => A[number],
): ElementType => ({
  size,
  read(view, offset, count, littleEndian) {
    const values = make(count);
    for (let i = 0; i < count; i++) values[i] = get(view, offset + i * size, littleEndian);
    return values;
  },
});

/** Number types by name. */
export type ElementName =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int8'
  | 'uint8';

/** Number types that can be read. Halves and bfloats become float32, which holds each of them exactly. */
export const ELEMENT_TYPES: Readonly<Record<ElementName, ElementType>> = {
  float64: maker(
    8,
    (length) => new Float64Array(length),
    (view, at, little) => view.getFloat64(at, little),
  ),
  float32: maker(
    4,
    (length) => new Float32Array(length),
    (view, at, little) => view.getFloat32(at, little),
  ),
  float16: maker(
    2,
    (length) => new Float32Array(length),
    (view, at, little) => halfToNumber(view.getUint16(at, little)),
  ),
  bfloat16: maker(
    2,
    (length) => new Float32Array(length),
    (view, at, little) => bfloatToNumber(view.getUint16(at, little)),
  ),
  int64: maker(
    8,
    (length) => new BigInt64Array(length),
    (view, at, little) => view.getBigInt64(at, little),
  ),
  int32: maker(
    4,
    (length) => new Int32Array(length),
    (view, at, little) => view.getInt32(at, little),
  ),
  int8: maker(
    1,
    (length) => new Int8Array(length),
    (view, at) => view.getInt8(at),
  ),
  uint8: maker(
    1,
    (length) => new Uint8Array(length),
    (view, at) => view.getUint8(at),
  ),
};

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function bfloatToNumber(bits: number): number {
  word.setUint16(0, bits);
  return word.getFloat32(0);
}

/**
 * Product of a shape, checked, so that nothing is allocated for a shape that cannot be.
 *
 * @param what - named in the error
 * @throws {VelaturaError} `federated/invalid-model-file`
 */
export function elementCount(shape: readonly number[], what: string): number {
  let count = 1;
  for (const length of shape) {
    count *= length;
    if (!Number.isSafeInteger(length) || length < 0 || !Number.isSafeInteger(count)) {
      throw invalidFile(`${what} expected a shape of counts, got [${shape.join(', ')}]`);
    }
  }
  return count;
}

/** The refusal of a file, in one sentence. */
export function invalidFile(message: string, options?: ErrorOptions): VelaturaError {
  return new VelaturaError('federated/invalid-model-file', message, {}, options);
}
