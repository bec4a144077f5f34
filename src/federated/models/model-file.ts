import * as v from 'valibot';
import type { PrivacyStatement } from '../../dp/statement.ts';
import { checkStatement, privacyLabel } from './model-statement.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { printed } from './safetensors-header.ts';
import { invalidFile, type Tensor } from './tensor.ts';

/** One kind of thing that a model file can hold, as bytes and back. */
export interface ModelFormat<M> {
  /** @throws {VelaturaError} `federated/invalid-model-file` for a model that could not be read back */
  encode(model: M): Uint8Array<ArrayBuffer>;
  /** @throws {VelaturaError} `federated/invalid-model-file` */
  decode(bytes: Uint8Array): M;
}

/** What the caller's schema says a model must look like. */
export interface ExpectedModel {
  /** Tags in order. */
  readonly tags?: readonly string[];
  /** Features in order, the constant first where there is one. */
  readonly features?: readonly string[];
}

/** Names and numbers that every model file has, besides its tensors. */
export interface ModelFileParts {
  /** What the tensors mean: plain JSON with a `kind`. */
  readonly architecture: ArchitectureJson;
  readonly tags: readonly string[];
  readonly features: readonly string[];
  readonly statement: PrivacyStatement;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Dimensions and choices of a model, without its numbers. Plain JSON. */
export interface ArchitectureJson {
  readonly kind: string;
  readonly [field: string]: unknown;
}

const FORMAT = 'velatura-model/1';
const FIELDS = ['format', 'privacy', 'architecture', 'tags', 'features', 'statement'] as const;
const ARCHITECTURE = v.looseObject({ kind: v.string() });
const NAMES = v.pipe(
  v.array(v.string()),
  v.check((names) => new Set(names).size === names.length),
);

/**
 * Writes a model as a safetensors file: tensors as they are, everything else as canonical JSON in the
 * metadata, so that equal models give equal bytes. Any reader of safetensors can open it.
 *
 * @throws {VelaturaError} `federated/invalid-model-file`
 */
export function encodeModelFile(parts: ModelFileParts): Uint8Array<ArrayBuffer> {
  const { architecture, tags, features, statement, tensors } = parts;
  checkNames('tags', tags);
  checkNames('features', features);
  checkStatement(statement);
  checkFinite(tensors);
  return encodeSafetensors({
    tensors,
    metadata: new Map([
      ['format', FORMAT],
      ['privacy', privacyLabel(statement)],
      ['architecture', canonicalJson(architecture)],
      ['tags', canonicalJson(tags)],
      ['features', canonicalJson(features)],
      ['statement', canonicalJson(statement)],
    ]),
  });
}

/**
 * Reads a model file and checks everything that does not depend on the kind of the model.
 *
 * @throws {VelaturaError} `federated/invalid-model-file`
 */
export function decodeModelFile(bytes: Uint8Array, expected: ExpectedModel = {}): ModelFileParts {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const format = metadata.get('format');
  if (format !== FORMAT) {
    throw invalidFile(
      `a model file expected format "${FORMAT}", got ${format === undefined ? 'none' : printed(format)}`,
    );
  }
  const unknown = [...metadata.keys()].find((key) => !FIELDS.some((field) => field === key));
  if (unknown !== undefined) throw invalidFile(`a model file has an unknown ${printed(unknown)}`);
  const statement = checkStatement(readJson(metadata, 'statement'));
  const label = metadata.get('privacy');
  if (label !== privacyLabel(statement)) {
    throw invalidFile(`"privacy" expected "${privacyLabel(statement)}" for its statement`);
  }
  const architecture = readJson(metadata, 'architecture');
  if (!v.is(ARCHITECTURE, architecture)) throw invalidFile('"architecture" expected a kind');
  const tags = checkNames('tags', readJson(metadata, 'tags'));
  const features = checkNames('features', readJson(metadata, 'features'));
  expectNames('tags', tags, expected.tags);
  expectNames('features', features, expected.features);
  checkFinite(tensors);
  return { architecture, tags, features, statement, tensors };
}

/**
 * The one tensor of that name, of float32 and of that shape.
 *
 * @throws {VelaturaError} `federated/invalid-model-file`
 */
export function float32Tensor(
  tensors: ReadonlyMap<string, Tensor>,
  name: string,
  shape: readonly number[],
): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw invalidFile(`a model file expected a tensor "${name}"`);
  if (!(tensor.values instanceof Float32Array)) {
    throw invalidFile(`tensor "${name}" expected type F32`);
  }
  if (tensor.shape.length !== shape.length || shape.some((size, i) => size !== tensor.shape[i])) {
    throw invalidFile(
      `tensor "${name}" expected shape [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`,
    );
  }
  return tensor.values;
}

/** Refuses tensors that nobody asked for: a file means one model and nothing else. */
export function expectTensors(
  tensors: ReadonlyMap<string, Tensor>,
  names: readonly string[],
): void {
  const extra = [...tensors.keys()].find((name) => !names.includes(name));
  if (extra !== undefined)
    throw invalidFile(`a model file has an unknown tensor ${printed(extra)}`);
}

function checkNames(name: string, value: unknown): readonly string[] {
  if (!v.is(NAMES, value)) throw invalidFile(`"${name}" expected a list of different names`);
  return value;
}

function checkFinite(tensors: ReadonlyMap<string, Tensor>): void {
  for (const [name, { values }] of tensors) {
    for (const value of values) {
      if (typeof value === 'number' && !Number.isFinite(value)) {
        throw invalidFile(`tensor ${printed(name)} expected finite numbers`);
      }
    }
  }
}

function expectNames(
  name: string,
  actual: readonly string[],
  expected: readonly string[] | undefined,
): void {
  if (expected === undefined) return;
  const at = expected.findIndex((text, i) => text !== actual[i]);
  if (at === -1 && expected.length === actual.length) return;
  const where =
    at === -1
      ? ''
      : `; number ${at} is ${printed(actual[at] ?? '')}, not ${printed(expected[at] as string)}`;
  throw invalidFile(
    `"${name}" expected the ${expected.length} of the schema, got a model of ${actual.length}${where}`,
  );
}

function readJson(metadata: ReadonlyMap<string, string>, field: string): unknown {
  const text = metadata.get(field);
  if (text === undefined) throw invalidFile(`a model file expected "${field}" in its metadata`);
  let value: unknown;
  let again: string;
  try {
    value = JSON.parse(text);
    again = canonicalJson(value);
  } catch (cause) {
    // Also what is nested too deep to be written again.
    throw invalidFile(`"${field}" expected JSON of finite numbers`, { cause });
  }
  // Also finds keys that stand twice and numbers that no float64 holds.
  if (again !== text) throw invalidFile(`"${field}" expected canonical JSON`);
  return value;
}

/** JSON without spaces, keys in the order of their UTF-16 units: one text for one value (as RFC 8785). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) {
      throw invalidFile('a model file expected finite numbers in its metadata');
    }
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
