import {
  ELEMENT_TYPES,
  type ElementName,
  elementCount,
  invalidFile,
  type Tensor,
  type TensorValues,
} from './tensor.ts';

/** Names of number types in the format, behind the byte order. Others exist and are refused. */
const NPY_TYPES: Readonly<Record<string, ElementName>> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i1: 'int8',
  u1: 'uint8',
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;
const MAXIMUM_HEADER = 65_536;
const MAXIMUM_DIMENSIONS = 32;

/** What the header says of the data. */
interface NpyHeader {
  readonly type: ElementName;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/**
 * Reads an array that NumPy saved (`.npy`, versions 1 to 3): types f2 f4 f8 i1 i4 i8 u1, either byte order.
 * Column-major arrays, such as a saved transpose, come out row-major like all others.
 *
 * @throws {VelaturaError} `federated/invalid-model-file`
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function decodeNpy(bytes: Uint8Array): Tensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw invalidFile('an .npy file expected its signature first');
  }
  const version = bytes[6] as number;
  if (version < 1 || version > 3 || bytes[7] !== 0) {
    throw invalidFile(`an .npy file expected version 1.0, 2.0 or 3.0, got ${version}.${bytes[7]}`);
  }
  const headerAt = version === 1 ? 10 : 12;
  if (bytes.length < headerAt) throw invalidFile('an .npy file is cut short in its header');
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataAt = headerAt + length;
  if (length > MAXIMUM_HEADER || dataAt > bytes.length) {
    throw invalidFile(
      `an .npy header expected at most ${Math.min(MAXIMUM_HEADER, bytes.length - headerAt)} bytes, got ${length}`,
    );
  }
  const header = parseNpyHeader(String.fromCharCode(...bytes.subarray(headerAt, dataAt)));
  const element = ELEMENT_TYPES[header.type];
  const count = elementCount(header.shape, 'an .npy file');
  if (count * element.size !== bytes.length - dataAt) {
    throw invalidFile(
      `an .npy file expected ${count * element.size} bytes of data for its shape, got ${bytes.length - dataAt}`,
    );
  }
  const values = element.read(view, dataAt, count, header.littleEndian);
  return {
    shape: header.shape,
    values: header.fortranOrder ? toRowMajor(values, header.shape) : values,
  };
}

/** One `'key': value` of the dictionary with what follows it; nothing else may stand there. */
const ENTRY =
  /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(?:(['"])([<>|])([a-z]\d)\3|(True|False)|\(([\d,\s]*)\))\s*(,|(?=\}))/y;

/** Reads the Python dictionary that is the header: three keys in any order, literals only. */
function parseNpyHeader(text: string): NpyHeader {
  const body = text.trim();
  const found = new Map<string, RegExpExecArray>();
  ENTRY.lastIndex = 1;
  let at = 1;
  for (let match = ENTRY.exec(body); match !== null; match = ENTRY.exec(body)) {
    const key = match[2] as string;
    if (found.has(key)) throw invalidFile(`an .npy header has "${key}" twice`);
    found.set(key, match);
    at = ENTRY.lastIndex;
  }
  const [, , , , order, name] = found.get('descr') ?? [];
  const fortran = found.get('fortran_order')?.[6];
  const shape = readShape(found.get('shape')?.[7]);
  if (
    !body.startsWith('{') ||
    body.slice(at).trim() !== '}' ||
    name === undefined ||
    fortran === undefined ||
    shape === null
  ) {
    throw invalidFile(
      'an .npy header expected a dictionary of "descr" (a plain number type), "fortran_order" and "shape"',
    );
  }
  const type = Object.hasOwn(NPY_TYPES, name) ? (NPY_TYPES[name] as ElementName) : null;
  if (type === null || (order === '|' && ELEMENT_TYPES[type].size > 1)) {
    const known = Object.keys(NPY_TYPES).join(', ');
    throw invalidFile(`an .npy file expected a type among ${known}, got "${order}${name}"`);
  }
  return { type, littleEndian: order !== '>', fortranOrder: fortran === 'True', shape };
}

/** A tuple of counts: `()`, `(3,)`, `(3, 4)`, with or without a comma at the end. */
function readShape(text: string | undefined): number[] | null {
  if (text === undefined) return null;
  const parts = text.split(',').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  // Python reads (3) as a number, not as a tuple.
  if (parts.length === 1 && !text.includes(',')) return null;
  const isTuple = parts.length <= MAXIMUM_DIMENSIONS && parts.every((part) => /^\d+$/.test(part));
  return isTuple ? parts.map(Number) : null;
}

/** Column-major values in row-major order. */
function toRowMajor(values: TensorValues, shape: readonly number[]): TensorValues {
  const target = values.slice();
  const strides: number[] = [];
  let stride = 1;
  for (const length of shape) {
    strides.push(stride);
    stride *= length;
  }
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < values.length; to++) {
    target[to] = values[from] as number & bigint;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      from += strides[axis] as number;
      if (next < (shape[axis] as number)) {
        index[axis] = next;
        break;
      }
      from -= next * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return target;
}
