import { isWellFormedText } from './cbor.ts';
import { VelaturaError } from './errors.ts';

/** Bytes of one chunk of the arena; longer messages get a chunk of their own. */
export const MESSAGE_CHUNK = 65_536;
/** Most bytes a head takes: one and a 64-bit argument. */
const HEAD = 9;
/** Most bytes UTF-8 takes for one UTF-16 unit. */
const UTF8 = 3;
/** Above this many bytes a native copy beats a loop. */
const LOOP = 32;
const MAX_UINT = 2 ** 53;

const UINT = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const FLOAT16 = 0xf9;
const FLOAT32 = 0xfa;
const FLOAT64 = 0xfb;

const MAJOR_NAMES = ['an integer', 'a negative integer', 'bytes', 'text', 'an array', 'a map'];

const scratch = new DataView(new ArrayBuffer(8));
const encoder = new TextEncoder();
// Without ignoreBOM a leading U+FEFF would be dropped, and two texts would be one.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function unwritable(expected: string, got: string): VelaturaError {
  return new VelaturaError('core/non-canonical', `"value" expected ${expected}, got ${got}`);
}

function describe(value: unknown): string {
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'number' ? String(value) : typeof value;
}

function checkLength(length: number): void {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new RangeError(`"length" expected a whole number of at least 0, got ${length}`);
  }
}

/**
 * The 16 bits of a half float, or −1 where there is none for `value`. Of the subnormal halves only powers
 * of two are used, which is what {@link encodeCanonical} writes.
 */
function halfBits(value: number): number {
  scratch.setFloat32(0, value);
  const single = scratch.getUint32(0);
  const sign = (single >>> 16) & 0x8000;
  const mantissa = single & 0x7f_ffff;
  const exponent = ((single >>> 23) & 0xff) - 127;
  if (exponent === 128) return mantissa === 0 ? sign | 0x7c00 : -1;
  if (exponent > 15 || exponent < -24) return -1;
  if (exponent < -14) return mantissa === 0 ? sign | (1 << (exponent + 24)) : -1;
  return (mantissa & 0x1fff) === 0 ? sign | ((exponent + 15) << 10) | (mantissa >>> 13) : -1;
}

function halfValue(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  let value: number;
  if (exponent === 0) value = mantissa * 2 ** -24;
  else if (exponent < 31) value = (mantissa + 1024) * 2 ** (exponent - 25);
  else value = mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  return (bits & 0x8000) === 0 ? value : -value;
}

/**
 * Writes deterministic CBOR (RFC 8949 §4.2) item by item, for messages that are written by the hundred
 * thousand: the same bytes as {@link encodeCanonical} for the same value, without walking a value. Arrays,
 * integers, floats, text, bytes, booleans and null; no maps.
 *
 * Messages lie one behind the other in chunks of 64 KiB. A finished one is a view of its chunk and is
 * never written again, but whoever transfers or copies its `buffer` takes along the others.
 */
export class CborWriter {
  #chunk: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#chunk.buffer);
  /** Where the message begins, and where its next byte goes. */
  #start = 0;
  #at = 0;
  /** Items that are still to come until the message is whole. */
  #missing = 0;

  /** Starts a message of one item; one that was not finished is given up. */
  begin(): void {
    this.#at = this.#start;
    this.#missing = 1;
  }

  /** An array, whose `length` items follow. */
  array(length: number): void {
    checkLength(length);
    this.#item(HEAD);
    this.#head(ARRAY, length);
    this.#missing += length;
  }

  /**
   * A whole number from 0 to 2⁵³, always as an integer; the last one as {@link encodeCanonical} writes the
   * bigint.
   *
   * @throws {VelaturaError} `core/non-canonical` for anything else
   */
  uint(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > MAX_UINT || Object.is(value, -0)) {
      throw unwritable('a whole number from 0 to 2^53', describe(value));
    }
    this.#item(HEAD);
    this.#head(UINT, value);
  }

  /**
   * A whole number from −(2⁵³ − 1) to 2⁵³ − 1.
   *
   * @throws {VelaturaError} `core/non-canonical` for anything else
   */
  int(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw unwritable('a safe integer', describe(value));
    }
    this.#item(HEAD);
    if (value >= 0) this.#head(UINT, value);
    else this.#head(NEGATIVE, -1 - value);
  }

  /**
   * Any number but NaN and −0: a safe integer as such, all others as the shortest float that is exact.
   *
   * @throws {VelaturaError} `core/non-canonical` for those two
   */
  float64(value: number): void {
    if (Number.isSafeInteger(value)) {
      this.int(value);
      return;
    }
    if (typeof value !== 'number' || Number.isNaN(value)) {
      throw unwritable('a number', describe(value));
    }
    this.#item(HEAD);
    const at = this.#at;
    if (Math.fround(value) !== value) {
      this.#chunk[at] = FLOAT64;
      this.#view.setFloat64(at + 1, value);
      this.#at = at + 9;
      return;
    }
    const half = halfBits(value);
    if (half >= 0) {
      this.#chunk[at] = FLOAT16;
      this.#view.setUint16(at + 1, half);
      this.#at = at + 3;
      return;
    }
    this.#chunk[at] = FLOAT32;
    this.#view.setFloat32(at + 1, value);
    this.#at = at + 5;
  }

  /**
   * Text.
   *
   * @throws {VelaturaError} `core/non-canonical` for a lone surrogate, which UTF-8 cannot hold
   */
  text(value: string): void {
    if (typeof value !== 'string') throw unwritable('text', describe(value));
    const { length } = value;
    this.#item(HEAD + length);
    const before = this.#at;
    this.#head(TEXT, length);
    const chunk = this.#chunk;
    let at = this.#at;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.#at = before;
        this.#longText(value);
        return;
      }
      chunk[at++] = unit;
    }
    this.#at = at;
  }

  /** Bytes, copied. */
  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw unwritable('bytes', describe(value));
    const { length } = value;
    this.#item(HEAD + length);
    this.#head(BYTES, length);
    const at = this.#at;
    if (length <= LOOP) {
      for (let i = 0; i < length; i++) this.#chunk[at + i] = value[i] as number;
    } else {
      this.#chunk.set(value, at);
    }
    this.#at = at + length;
  }

  nil(): void {
    this.#item(1);
    this.#chunk[this.#at++] = NULL;
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') throw unwritable('true or false', describe(value));
    this.#item(1);
    this.#chunk[this.#at++] = value ? TRUE : FALSE;
  }

  /**
   * The message: a view of its chunk, not a copy.
   *
   * @throws {RangeError} when items are missing
   */
  finish(): Uint8Array {
    if (this.#missing !== 0 || this.#at === this.#start) {
      throw new RangeError(`"finish" expected a whole message, got one short of ${this.#missing}`);
    }
    const start = this.#start;
    this.#start = this.#at;
    return this.#chunk.subarray(start, this.#at);
  }

  /** Counts an item and makes room for it. */
  #item(length: number): void {
    if (this.#missing === 0) {
      throw new RangeError('"begin" expected before an item that no array has room for');
    }
    this.#missing--;
    if (this.#at + length > this.#chunk.length) this.#grow(length);
  }

  #grow(length: number): void {
    const written = this.#at - this.#start;
    const needed = written + length;
    const size = needed <= MESSAGE_CHUNK ? MESSAGE_CHUNK : needed + (written >>> 1);
    const chunk = new Uint8Array(size);
    chunk.set(this.#chunk.subarray(this.#start, this.#at));
    this.#chunk = chunk;
    this.#view = new DataView(chunk.buffer);
    this.#start = 0;
    this.#at = written;
  }

  /** Type and argument, in the shortest form; there is room already. */
  #head(major: number, argument: number): void {
    const at = this.#at;
    const first = major << 5;
    if (argument < 24) {
      this.#chunk[at] = first | argument;
      this.#at = at + 1;
    } else if (argument < 0x100) {
      this.#chunk[at] = first | 24;
      this.#chunk[at + 1] = argument;
      this.#at = at + 2;
    } else if (argument < 0x1_0000) {
      this.#chunk[at] = first | 25;
      this.#view.setUint16(at + 1, argument);
      this.#at = at + 3;
    } else if (argument < 0x1_0000_0000) {
      this.#chunk[at] = first | 26;
      this.#view.setUint32(at + 1, argument);
      this.#at = at + 5;
    } else {
      this.#chunk[at] = first | 27;
      this.#view.setUint32(at + 1, Math.floor(argument / 0x1_0000_0000));
      this.#view.setUint32(at + 5, argument);
      this.#at = at + 9;
    }
  }

  #longText(value: string): void {
    if (!isWellFormedText(value)) throw unwritable('well-formed text', 'a lone surrogate');
    const most = HEAD + UTF8 * value.length;
    if (this.#at + most > this.#chunk.length) this.#grow(most);
    // The head's length is known only once the text is written: behind the longest head, then moved up.
    const from = this.#at + HEAD;
    const { written } = encoder.encodeInto(value, this.#chunk.subarray(from));
    this.#head(TEXT, written);
    this.#chunk.copyWithin(this.#at, from, from + written);
    this.#at += written;
  }
}

/**
 * Reads what {@link CborWriter} writes, item by item, and refuses everything else: longer heads than
 * needed, ill-formed UTF-8, items of another type, lengths beyond the end. All of it throws
 * `core/non-canonical`.
 */
export class CborReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes - one message */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * Number of items of an array; never more than there are bytes left.
   *
   * @throws {VelaturaError} `core/non-canonical`
   */
  array(): number {
    return this.#length(ARRAY);
  }

  /**
   * A whole number from 0 to 2⁵³.
   *
   * @throws {VelaturaError} `core/non-canonical`
   */
  uint(): number {
    return this.#argument(UINT);
  }

  /**
   * A safe integer.
   *
   * @throws {VelaturaError} `core/non-canonical`
   */
  int(): number {
    const negative = (this.#bytes[this.#at] as number) >>> 5 === NEGATIVE;
    const argument = this.#argument(negative ? NEGATIVE : UINT);
    const value = negative ? -1 - argument : argument;
    if (!Number.isSafeInteger(value)) throw this.#refusal('an integer below 2^53', 'a larger one');
    return value;
  }

  /**
   * A number, written as an integer or as the shortest exact float.
   *
   * @throws {VelaturaError} `core/non-canonical`
   */
  float64(): number {
    const at = this.#at;
    const first = this.#bytes[at] as number;
    if (!(first >= FLOAT16 && first <= FLOAT64)) return this.int();
    const end = at + (first === FLOAT16 ? 3 : first === FLOAT32 ? 5 : 9);
    if (end > this.#bytes.length) throw this.#refusal('a whole float', 'the end');
    for (let i = at + 1; i < end; i++) scratch.setUint8(i - at - 1, this.#bytes[i] as number);
    let value: number;
    if (first === FLOAT16) value = halfValue(scratch.getUint16(0));
    else if (first === FLOAT32) value = scratch.getFloat32(0);
    else value = scratch.getFloat64(0);
    if (Number.isNaN(value) || Number.isSafeInteger(value) || this.#spelling(value) !== first) {
      throw this.#refusal('a number in its shortest form', 'another spelling');
    }
    this.#at = end;
    return value;
  }

  /**
   * Text.
   *
   * @throws {VelaturaError} `core/non-canonical`
   */
  text(): string {
    const length = this.#length(TEXT);
    const bytes = this.#bytes;
    const start = this.#at;
    const end = start + length;
    this.#at = end;
    if (length <= LOOP) {
      let text = '';
      let i = start;
      for (; i < end; i++) {
        const byte = bytes[i] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (i === end) return text;
    }
    try {
      return decoder.decode(bytes.subarray(start, end));
    } catch (cause) {
      throw new VelaturaError(
        'core/non-canonical',
        `byte ${start}: expected well-formed UTF-8`,
        { at: start },
        { cause },
      );
    }
  }

  /**
   * Bytes: a view of those that are read, not a copy.
   *
   * @throws {VelaturaError} `core/non-canonical`
   */
  bytes(): Uint8Array {
    const length = this.#length(BYTES);
    const start = this.#at;
    this.#at = start + length;
    return this.#bytes.subarray(start, this.#at);
  }

  /**
   * True or false.
   *
   * @throws {VelaturaError} `core/non-canonical`
   */
  bool(): boolean {
    const first = this.#bytes[this.#at];
    if (first !== TRUE && first !== FALSE) throw this.#unexpected('true or false');
    this.#at++;
    return first === TRUE;
  }

  /** True when the next item is null, which is passed over then. */
  takeNil(): boolean {
    if (this.#bytes[this.#at] !== NULL) return false;
    this.#at++;
    return true;
  }

  /** True when the next item is text. */
  nextIsText(): boolean {
    return (this.#bytes[this.#at] as number) >>> 5 === TEXT;
  }

  /**
   * Nothing may follow.
   *
   * @throws {VelaturaError} `core/non-canonical`
   */
  end(): void {
    if (this.#at !== this.#bytes.length) {
      throw this.#refusal('the end', `${this.#bytes.length - this.#at} bytes more`);
    }
  }

  #refusal(expected: string, got: string): VelaturaError {
    return new VelaturaError(
      'core/non-canonical',
      `byte ${this.#at}: expected ${expected}, got ${got}`,
      { at: this.#at },
    );
  }

  #unexpected(expected: string): VelaturaError {
    const first = this.#bytes[this.#at];
    if (first === undefined) return this.#refusal(expected, 'the end');
    return this.#refusal(expected, MAJOR_NAMES[first >>> 5] ?? `the item 0x${first.toString(16)}`);
  }

  /** How the writer would begin a float. */
  #spelling(value: number): number {
    if (Math.fround(value) !== value) return FLOAT64;
    return halfBits(value) >= 0 ? FLOAT16 : FLOAT32;
  }

  #length(major: number): number {
    const length = this.#argument(major);
    const left = this.#bytes.length - this.#at;
    if (length > left) throw this.#refusal(`at most ${left} bytes or items`, String(length));
    return length;
  }

  #argument(major: number): number {
    const bytes = this.#bytes;
    const at = this.#at;
    const first = bytes[at] as number;
    if (first >>> 5 !== major || first === undefined)
      throw this.#unexpected(MAJOR_NAMES[major] as string);
    const info = first & 31;
    if (info < 24) {
      this.#at = at + 1;
      return info;
    }
    if (info > 27) throw this.#refusal('a definite length', 'another');
    const width = 1 << (info - 24);
    if (at + width >= bytes.length) throw this.#refusal('a whole number', 'the end');
    let value = bytes[at + 1] as number;
    for (let i = at + 2; i <= at + width; i++) value = value * 256 + (bytes[i] as number);
    const least = info === 24 ? 24 : 2 ** (4 * width);
    if (value < least) throw this.#refusal('the shortest head', 'a longer one');
    // A double holds 2^53 + 1 as 2^53: the low bytes tell.
    if (value > MAX_UINT || (value === MAX_UINT && (bytes[at + 8] as number) !== 0)) {
      throw this.#refusal('a number of at most 2^53', 'a larger one');
    }
    this.#at = at + 1 + width;
    return value;
  }
}
