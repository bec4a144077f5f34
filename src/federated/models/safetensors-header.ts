import { ELEMENT_TYPES, type ElementName, elementCount, invalidFile } from './tensor.ts';

/** Names of number types in the format. Others exist and are refused. */
export const SAFETENSORS_TYPES: Readonly<Record<string, ElementName>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I8: 'int8',
  U8: 'uint8',
};

/** Where one tensor lies among the data. */
export interface TensorEntry {
  readonly name: string;
  readonly type: ElementName;
  readonly shape: readonly number[];
  readonly count: number;
  /** Offset of its first byte from the first byte of data. */
  readonly begin: number;
}

/** What the header says. */
export interface SafetensorsHeader {
  /** In the order of the data. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
}

const METADATA = '__metadata__';

/**
 * Reads the JSON header and checks all of it against the length of the data, before anything is allocated
 * for a tensor: shapes are counts, sizes fit their types, and the tensors cover the data without gap or
 * overlap.
 *
 * @param text - the header, trailing spaces included
 * @param dataLength - bytes behind the header
 * @throws {VelaturaError} `federated/invalid-model-file`
 */
export function parseHeader(text: string, dataLength: number): SafetensorsHeader {
  if (!text.startsWith('{')) throw invalidFile('a safetensors header expected "{" first');
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may be anything.
    throw invalidFile('a safetensors header expected JSON');
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw invalidFile(`a safetensors header has ${printed(twice)} twice`);

  let metadata: ReadonlyMap<string, string> = new Map();
  const entries: (TensorEntry & { readonly end: number })[] = [];
  for (const [name, value] of Object.entries(header as object)) {
    if (name === METADATA) metadata = readMetadata(value);
    else entries.push(readEntry(name, value));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      throw invalidFile(
        `tensor ${printed(name)} expected to begin at byte ${covered}, got ${begin}: gap or overlap`,
      );
    }
    covered = end;
  }
  if (covered !== dataLength) {
    throw invalidFile(`the tensors expected ${covered} bytes of data, got ${dataLength}`);
  }
  return { entries, metadata };
}

/** Names come from the file: cut short and quoted before they are printed. */
export function printed(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}

function readMetadata(value: unknown): ReadonlyMap<string, string> {
  if (!isRecord(value)) throw invalidFile(`"${METADATA}" expected an object of texts`);
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw invalidFile(`"${METADATA}" expected a text under ${printed(key)}, got ${typeof text}`);
    }
    metadata.set(key, text);
  }
  return metadata;
}

function readEntry(name: string, value: unknown): TensorEntry & { readonly end: number } {
  const what = `tensor ${printed(name)}`;
  if (!isRecord(value)) throw invalidFile(`${what} expected an object`);
  const unknown = Object.keys(value).find(
    (key) => key !== 'dtype' && key !== 'shape' && key !== 'data_offsets',
  );
  if (unknown !== undefined) throw invalidFile(`${what} has an unknown field ${printed(unknown)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(SAFETENSORS_TYPES, dtype)) {
    const known = Object.keys(SAFETENSORS_TYPES).join(', ');
    const got = typeof dtype === 'string' ? printed(dtype) : typeof dtype;
    throw invalidFile(`${what} expected a dtype among ${known}, got ${got}`);
  }
  if (!isCounts(shape)) throw invalidFile(`${what} expected a shape of counts`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw invalidFile(`${what} expected two data offsets`);
  }
  const [begin, end] = offsets as readonly [number, number];
  const type = SAFETENSORS_TYPES[dtype] as ElementName;
  const count = elementCount(shape, what);
  if (end - begin !== count * ELEMENT_TYPES[type].size) {
    throw invalidFile(
      `${what} expected ${count * ELEMENT_TYPES[type].size} bytes for its shape, got ${end - begin}`,
    );
  }
  return { name, type, shape, count, begin, end };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

/**
 * A key that one object has twice, or null. `JSON.parse` keeps the last of them and says nothing, other
 * readers the first: one file would be two models.
 *
 * @param json - text that `JSON.parse` took
 */
function duplicateKey(json: string): string | null {
  const open: Set<string>[] = [];
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g;
  for (let match = token.exec(json); match !== null; match = token.exec(json)) {
    const [text] = match;
    if (text === '{') open.push(new Set());
    else if (text === '}') open.pop();
    else if (match[1] !== undefined) {
      // Escapes spell one key in many ways.
      const key = JSON.parse(text.slice(0, text.length - match[1].length)) as string;
      const keys = open.at(-1);
      if (keys?.has(key) === true) return key;
      keys?.add(key);
    }
  }
  return null;
}
