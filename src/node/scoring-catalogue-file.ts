import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import * as v from 'valibot';
import { sameBytes } from '../core/bytes.ts';
import { decodeCanonical, encodeCanonical } from '../core/cbor.ts';
import { VelaturaError } from '../core/errors.ts';
import { assembleCatalogue, type CatalogueFrame, type ScoringCatalogue } from '../he/catalogue.ts';
import { biasBytes, biasesOf, type CatalogueBlock, catalogueBlock } from '../he/catalogue-block.ts';
import { itemsPerBlock } from '../he/packing.ts';
import {
  createHeParameters,
  createInsecureHeParameters,
  type HeParameters,
} from '../he/parameters.ts';
import { besides, syncFolder } from './durable-file.ts';
import { nodeSha256 } from './sha256.ts';

/**
 * A catalogue in a file, version 1:
 *
 * | bytes | |
 * |---|---|
 * | 8 | `VELCATLG` |
 * | 4 | length of the head, little-endian |
 * | 32 | SHA-256 of the head |
 * | | head: canonical CBOR |
 * | | per block the integers of its rows, then its biases, little-endian |
 *
 * The head has the hash of every block and the version of the catalogue, so every byte is covered. Blocks are kept as
 * integers: their transformed form takes four times the bytes and less time to compute than to check.
 */
const MAGIC = new TextEncoder().encode('VELCATLG');
const PREFIX_BYTES = 44;
const MAX_HEAD_BYTES = 2 ** 24;

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const bits = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(31));
const HEAD = v.strictObject({
  format: v.literal(1),
  parameters: v.strictObject({
    secure: v.boolean(),
    polynomialDegree: count,
    dataPrimes: v.array(count),
    specialPrime: v.nullable(count),
    plaintextModulus: count,
  }),
  version: v.string(),
  rows: count,
  dimensions: count,
  heads: v.pipe(v.array(v.string()), v.minLength(1)),
  itemNormBound: positive,
  profileNormBound: positive,
  itemScale: positive,
  profileScale: positive,
  integerNormLimit: positive,
  integerBiasLimit: v.nullable(v.pipe(v.number(), v.minValue(0))),
  dropped: v.tuple([bits, bits]),
  featuresPerCiphertext: count,
  hashes: v.array(v.string()),
});
type Head = v.InferOutput<typeof HEAD>;

/**
 * Writes a catalogue to a file, in the place of an older one only when it is whole.
 *
 * @throws {VelaturaError} `data/unwritable`
 */
export async function saveCatalogue(path: string, catalogue: ScoringCatalogue): Promise<void> {
  const head = encodeCanonical(headOf(catalogue));
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix.set(MAGIC);
  new DataView(prefix.buffer).setUint32(8, head.length, true);
  prefix.set(nodeSha256(head), 12);
  const beside = besides(path);
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      // Not write(), which may leave a rest behind.
      await file.writeFile(prefix);
      await file.writeFile(head);
      for (const { integers, biases } of catalogue.blocks) {
        await file.writeFile(bytesOf(integers));
        if (biases !== null) await file.writeFile(biasBytes(biases));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    throw new VelaturaError('data/unwritable', `${path} cannot be written`, { path }, { cause });
  }
  await syncFolder(path);
}

/**
 * Reads a catalogue, block by block onto shared memory, from where threads take it without a copy.
 *
 * @param options.allowInsecure - accepts parameters that protect nobody, for tests
 * @throws {VelaturaError} `data/missing-file`; `data/truncated` if the file is shorter than its head says;
 *   `data/invalid-value` if a byte of it is not what was written
 * @throws {VelaturaError} `he/insecure-parameters` unless `allowInsecure`
 */
export async function loadCatalogue(
  path: string,
  options: { readonly allowInsecure?: boolean } = {},
): Promise<ScoringCatalogue> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw new VelaturaError('data/missing-file', `${path} cannot be read`, { path }, { cause });
  }
  try {
    const { size } = await file.stat();
    const prefix = await read(file, path, 0, PREFIX_BYTES);
    if (!sameBytes(prefix.subarray(0, 8), MAGIC)) throw damaged(path, 'it is no catalogue');
    const headBytes = new DataView(prefix.buffer).getUint32(8, true);
    if (headBytes > MAX_HEAD_BYTES) throw damaged(path, 'its head is too long');
    const raw = await read(file, path, PREFIX_BYTES, headBytes);
    if (!sameBytes(nodeSha256(raw), prefix.subarray(12))) throw damaged(path, 'its head');
    const head = parseHead(path, raw);
    const frame = frameOf(path, head, options.allowInsecure === true);
    const dataBytes = head.rows * rowBytes(frame);
    if (size < PREFIX_BYTES + headBytes + dataBytes) throw truncated(path, size);
    if (size > PREFIX_BYTES + headBytes + dataBytes) throw damaged(path, 'bytes behind its end');
    const blocks = await readBlocks(file, path, PREFIX_BYTES + headBytes, head, frame);
    const catalogue = assembleCatalogue(frame, blocks);
    if (catalogue.description.version !== head.version) throw damaged(path, 'its version');
    return catalogue;
  } finally {
    await file.close();
  }
}

async function readBlocks(
  file: FileHandle,
  path: string,
  start: number,
  head: Head,
  frame: CatalogueFrame,
): Promise<CatalogueBlock[]> {
  const { dimensions, integerBiasLimit } = frame;
  const capacity = itemsPerBlock(frame.parameters, frame.featuresPerCiphertext);
  if (head.hashes.length !== Math.ceil(head.rows / capacity)) {
    throw damaged(path, 'its count of blocks');
  }
  const blocks: CatalogueBlock[] = [];
  let at = start;
  for (const hash of head.hashes) {
    const rows = Math.min(capacity, head.rows - blocks.length * capacity);
    const bytes = await read(file, path, at, rows * rowBytes(frame));
    const integers = new Int8Array(new SharedArrayBuffer(rows * dimensions));
    integers.set(new Int8Array(bytes.buffer, 0, integers.length));
    const biases = integerBiasLimit === null ? null : biasesOf(bytes.subarray(integers.length));
    const block = catalogueBlock(integers, biases, dimensions, nodeSha256);
    if (block.hash !== hash) throw damaged(path, `block ${blocks.length}`);
    blocks.push(block);
    at += bytes.length;
  }
  return blocks;
}

function headOf({ frame, blocks, description }: ScoringCatalogue): Head {
  const { parameters, dropped, heads, ...rest } = frame;
  const { polynomialDegree, dataPrimes, specialPrime, plaintextModulus, secure } = parameters;
  return {
    ...rest,
    format: 1,
    parameters: {
      secure,
      polynomialDegree,
      dataPrimes: [...dataPrimes],
      specialPrime,
      plaintextModulus,
    },
    version: description.version,
    rows: description.items,
    heads: [...heads],
    dropped: [...dropped],
    hashes: blocks.map(({ hash }) => hash),
  };
}

function frameOf(path: string, head: Head, allowInsecure: boolean): CatalogueFrame {
  const { format, version, rows, hashes, parameters: numbers, ...rest } = head;
  const { secure, specialPrime, ...literal } = numbers;
  if (!secure && !allowInsecure) {
    throw new VelaturaError('he/insecure-parameters', `${path} has parameters that protect nobody`);
  }
  const create = secure ? createHeParameters : createInsecureHeParameters;
  const parameters: HeParameters = create(
    specialPrime === null ? literal : { ...literal, specialPrime },
  );
  return Object.freeze({ ...rest, parameters });
}

function rowBytes({ dimensions, integerBiasLimit }: CatalogueFrame): number {
  return dimensions + (integerBiasLimit === null ? 0 : 4);
}

function parseHead(path: string, raw: Uint8Array): Head {
  try {
    return v.parse(HEAD, decodeCanonical(raw));
  } catch (cause) {
    throw new VelaturaError('data/invalid-value', `the head of ${path}`, { path }, { cause });
  }
}

async function read(
  file: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw truncated(path, position + at);
    at += bytesRead;
  }
  return bytes;
}

function bytesOf(integers: Int8Array): Uint8Array {
  return new Uint8Array(integers.buffer, integers.byteOffset, integers.byteLength);
}

function truncated(path: string, size: number): VelaturaError {
  return new VelaturaError('data/truncated', `${path} ends in the middle`, { path, size });
}

function damaged(path: string, what: string): VelaturaError {
  return new VelaturaError('data/invalid-value', `${path} is damaged: ${what}`, { path });
}
