import { decode, encode } from 'cborg';
import { VelaturaError } from './errors.ts';

const BYTE_ORDER_MARK = 0xfeff;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Text that UTF-8 can hold: a lone surrogate would silently become U+FFFD and two texts one. */
export function isWellFormedText(text: string): boolean {
  // Four times as fast where the engine has it.
  const native = (text as { isWellFormed?: () => boolean }).isWellFormed;
  return native === undefined ? !LONE_SURROGATE.test(text) : native.call(text);
}

/** The decoder drops a byte order mark at the beginning, and two texts would be one. */
function comesBack(text: string): boolean {
  return text.charCodeAt(0) !== BYTE_ORDER_MARK && isWellFormedText(text);
}

function describe(value: unknown): string {
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object';
  return typeof value === 'number' ? String(value) : typeof value;
}

function refuse(value: unknown, path: string): never {
  throw new VelaturaError(
    'core/non-canonical',
    `"${path}" expected null, boolean, number, string, bytes, array or plain object, got ${describe(value)}`,
    { path },
  );
}

/** cborg is lax where two values would share one encoding, so those are stopped before it sees them. */
function check(value: unknown, path: string): void {
  switch (typeof value) {
    case 'boolean':
      return;
    case 'bigint':
      if (value >= -(2n ** 64n) && value < 2n ** 64n) return;
      break;
    case 'number':
      if (!Number.isNaN(value) && !Object.is(value, -0)) return;
      break;
    case 'string':
      if (comesBack(value)) return;
      break;
    case 'object': {
      if (value === null || value instanceof Uint8Array) return;
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`);
        return;
      }
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) break;
      for (const [key, entry] of Object.entries(value)) {
        if (!comesBack(key)) refuse(key, `${path}.${key}`);
        check(entry, `${path}.${key}`);
      }
      return;
    }
  }
  refuse(value, path);
}

/**
 * Encodes a value as deterministic CBOR (RFC 8949 §4.2: shortest forms, keys in bytewise order): equal
 * values give equal bytes, so they can be hashed, signed and compared.
 *
 * Whole numbers and floats are one type here: 2 and 2.0 are the same value.
 *
 * @param value - null, booleans, numbers, 65-bit integers as bigint, strings, `Uint8Array`, arrays and
 * plain objects of those
 * @throws {VelaturaError} `core/non-canonical` with the path of the first value that has no canonical form:
 * NaN, −0, undefined, lone surrogates, other objects
 */
export function encodeCanonical(value: unknown): Uint8Array<ArrayBuffer> {
  check(value, 'value');
  // In Node cborg hands out a view of a pool that holds other messages too.
  return new Uint8Array(encode(value));
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Decodes bytes that are exactly what {@link encodeCanonical} writes, and nothing else: the value is
 * encoded again and compared, because a lenient decoder would give one message two spellings.
 *
 * @param bytes - one whole CBOR item
 * @throws {VelaturaError} `core/non-canonical` for anything cut short, followed by more, duplicated, tagged,
 * of indefinite length or not in canonical form
 */
export function decodeCanonical(bytes: Uint8Array): unknown {
  let value: unknown;
  let again: Uint8Array;
  try {
    value = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowNaN: false,
      rejectDuplicateMapKeys: true,
    });
    again = encodeCanonical(value);
  } catch (cause) {
    throw new VelaturaError(
      'core/non-canonical',
      `expected one canonical CBOR item of ${bytes.length} bytes: ${(cause as Error).message}`,
      { length: bytes.length },
      { cause },
    );
  }
  if (!equalBytes(again, bytes)) {
    throw new VelaturaError(
      'core/non-canonical',
      'expected canonical CBOR, got another spelling of the same value',
      { length: bytes.length },
    );
  }
  return value;
}
