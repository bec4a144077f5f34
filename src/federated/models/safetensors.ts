import { isWellFormedText } from '../../core/cbor.ts';
import { parseHeader, printed } from './safetensors-header.ts';
import {
  ELEMENT_TYPES,
  elementCount,
  invalidFile,
  type Tensor,
  type TensorValues,
} from './tensor.ts';

/** What a safetensors file holds. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Free texts of the header. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Limits that a reader sets in advance. */
export interface SafetensorsLimits {
  /** Bytes of the header; default 8 MiB. The format itself allows 100 MB. */
  readonly maximumHeaderLength?: number;
}

const LENGTH_BYTES = 8;
const MAXIMUM_HEADER = 8 * 2 ** 20;
/** The data begins at a multiple of it, so that a reader can map the file into memory. */
const ALIGNMENT = 8;

/**
 * Reads a safetensors file: length of the header (u64, little-endian), JSON header, data. The header is
 * checked whole before anything is allocated for a tensor. Halves and bfloats are read as float32.
 *
 * Unknown number types, duplicate keys, gaps, overlaps and bytes left over are refused. Whether the numbers
 * are finite is the caller's business.
 *
 * @throws {VelaturaError} `federated/invalid-model-file`
 * @see https://github.com/huggingface/safetensors#format
 */
export function decodeSafetensors(bytes: Uint8Array, limits: SafetensorsLimits = {}): Safetensors {
  const { maximumHeaderLength = MAXIMUM_HEADER } = limits;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < LENGTH_BYTES) {
    throw invalidFile(
      `a safetensors file expected ${LENGTH_BYTES} bytes or more, got ${bytes.length}`,
    );
  }
  const length = view.getBigUint64(0, true);
  if (length > BigInt(maximumHeaderLength)) {
    throw invalidFile(
      `a safetensors header expected at most ${maximumHeaderLength} bytes, got ${length}`,
    );
  }
  const dataAt = LENGTH_BYTES + Number(length);
  if (dataAt > bytes.length) {
    throw invalidFile(`a safetensors header expected ${length} bytes, the file is cut short`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(LENGTH_BYTES, dataAt),
    );
  } catch (cause) {
    throw invalidFile('a safetensors header expected UTF-8', { cause });
  }
  const { entries, metadata } = parseHeader(text, bytes.length - dataAt);
  const tensors = new Map<string, Tensor>();
  for (const { name, type, shape, count, begin } of entries) {
    tensors.set(name, {
      shape,
      values: ELEMENT_TYPES[type].read(view, dataAt + begin, count, true),
    });
  }
  return { tensors, metadata };
}

/** Name of a type in the format, and its size; the widest come first, so that all are aligned. */
function storedType(values: TensorValues): { readonly dtype: string; readonly size: number } {
  const size = values.BYTES_PER_ELEMENT;
  if (values instanceof Float64Array) return { dtype: 'F64', size };
  if (values instanceof BigInt64Array) return { dtype: 'I64', size };
  if (values instanceof Float32Array) return { dtype: 'F32', size };
  if (values instanceof Int32Array) return { dtype: 'I32', size };
  return { dtype: values instanceof Int8Array ? 'I8' : 'U8', size };
}

/**
 * Writes a safetensors file. Equal contents give equal bytes whatever their order: tensors lie by size of
 * their type, then by name, and metadata by key.
 *
 * @throws {VelaturaError} `federated/invalid-model-file` when values do not fill a shape, a tensor is called
 * `__metadata__`, or a text cannot be written as UTF-8
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array<ArrayBuffer> {
  const stored = [...tensors].map(([name, tensor]) => ({
    name,
    ...tensor,
    ...storedType(tensor.values),
  }));
  stored.sort((a, b) => b.size - a.size || compareText(a.name, b.name));
  const texts = [...metadata].sort(([a], [b]) => compareText(a, b));
  const header: [string, unknown][] =
    texts.length === 0 ? [] : [['__metadata__', record(texts.map(checkTexts))]];
  let end = 0;
  for (const { name, shape, values, dtype } of stored) {
    const count = elementCount(shape, `tensor ${printed(name)}`);
    if (count !== values.length) {
      throw invalidFile(`tensor ${printed(name)} expected ${count} numbers, got ${values.length}`);
    }
    if (name === '__metadata__' || !isWellFormedText(name)) {
      throw invalidFile(`a tensor expected another name, got ${printed(name)}`);
    }
    const begin = end;
    end += values.byteLength;
    header.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(record(header)));
  const headerLength = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const dataAt = LENGTH_BYTES + headerLength;
  const bytes = new Uint8Array(dataAt + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, LENGTH_BYTES, dataAt);
  bytes.set(json, LENGTH_BYTES);
  let at = dataAt;
  for (const { values, size } of stored) {
    for (const value of values) {
      write(view, at, values, value);
      at += size;
    }
  }
  return bytes;
}

function write(view: DataView, at: number, values: TensorValues, value: number | bigint): void {
  if (values instanceof BigInt64Array) view.setBigInt64(at, value as bigint, true);
  else if (values instanceof Float64Array) view.setFloat64(at, value as number, true);
  else if (values instanceof Float32Array) view.setFloat32(at, value as number, true);
  else if (values instanceof Int32Array) view.setInt32(at, value as number, true);
  else view.setUint8(at, value as number);
}

function checkTexts([key, text]: readonly [string, string]): [string, string] {
  if (!isWellFormedText(key) || !isWellFormedText(text)) {
    throw invalidFile(`metadata expected text that UTF-8 can hold under ${printed(key)}`);
  }
  return [key, text];
}

/** By UTF-16 units: the same everywhere, whatever the language of the machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Also for a key `__proto__`, which a plain assignment would lose. */
function record(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries);
}
