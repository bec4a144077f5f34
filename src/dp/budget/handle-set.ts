import { VelaturaError } from '../../core/errors.ts';

const MAX_HANDLE = 2 ** 32 - 1;
/** Sets up to this size are sorted by insertion: below it everything else costs more to set up. */
const INSERTION = 12;
/** For sorting, a bitmap is worth clearing and scanning up to so many of its 32-bit words a handle. */
const SORTING_WORDS = 8;
/** For looking up it need not be scanned. */
const LOOKUP_WORDS = 64;
/** Subsets up to this size are searched by halving. */
const HALVING = 16;

/** First byte of a set: gaps between handles as varints, or one bit a handle from the lowest on. */
const GAPS = 0;
const BITMAP = 1;

/**
 * Handles in ascending order. A list of one is a plain array: it costs a quarter of a typed one, and most
 * requests of a service are for one account.
 */
export type HandleList = Uint32Array | readonly number[];

function malformed(reason: string, details: Readonly<Record<string, number>>): VelaturaError {
  return new VelaturaError('core/non-canonical', `set of handles: ${reason}`, details);
}

function insertionSorted(handles: Uint32Array): Uint32Array | null {
  const sorted = handles.slice();
  for (let i = 1; i < sorted.length; i++) {
    const handle = sorted[i] as number;
    let at = i;
    while (at > 0 && (sorted[at - 1] as number) > handle) {
      sorted[at] = sorted[at - 1] as number;
      at--;
    }
    if (at > 0 && sorted[at - 1] === handle) return null;
    sorted[at] = handle;
  }
  return sorted;
}

function bitmapSorted(handles: Uint32Array, low: number, words: number): Uint32Array | null {
  const bitmap = new Int32Array(words);
  for (let i = 0; i < handles.length; i++) {
    const offset = (handles[i] as number) - low;
    const word = bitmap[offset >>> 5] as number;
    const bit = 1 << (offset & 31);
    if ((word & bit) !== 0) return null;
    bitmap[offset >>> 5] = word | bit;
  }
  const sorted = new Uint32Array(handles.length);
  let count = 0;
  for (let w = 0; w < words; w++) {
    const base = low + 32 * w;
    for (let word = bitmap[w] as number; word !== 0; word &= word - 1) {
      sorted[count++] = base + 31 - Math.clz32(word & -word);
    }
  }
  return sorted;
}

function sortedByValue(handles: Uint32Array): Uint32Array | null {
  const sorted = handles.slice().sort();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return null;
  return sorted;
}

/**
 * Handles in ascending order, always in an array of their own, or null when one appears twice. Linear for
 * handles that lie dense, as those of one budget do.
 *
 * @param handles - in any order
 */
export function sortedHandles(handles: HandleList): HandleList | null {
  const { length } = handles;
  if (length === 0) return [];
  if (!(handles instanceof Uint32Array)) return handles;
  if (length === 1) return [handles[0] as number];
  if (length <= INSERTION) return insertionSorted(handles);
  let low = handles[0] as number;
  let high = low;
  let ascending = true;
  for (let i = 1; i < length; i++) {
    const handle = handles[i] as number;
    if (handle > high) {
      high = handle;
    } else {
      ascending = false;
      if (handle < low) low = handle;
    }
  }
  if (ascending) return handles.slice();
  const span = high - low + 1;
  if (span < length) return null;
  const words = Math.ceil(span / 32);
  return words <= SORTING_WORDS * length
    ? bitmapSorted(handles, low, words)
    : sortedByValue(handles);
}

/** Those of the handles that the test picks. */
export function pickHandles(handles: HandleList, test: (handle: number) => boolean): Uint32Array {
  return Uint32Array.from(handles).filter(test);
}

function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes LEB128 and returns the offset after it. */
function putVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80) {
    target[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[next++] = rest;
  return next;
}

/** A minimal LEB128 number, whose length is thus `varintLength` of it. */
function varintAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  let scale = 1;
  for (let i = at; i < at + 5; i++) {
    const byte = bytes[i];
    if (byte === undefined) throw malformed('it is cut short', { length: bytes.length });
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (byte === 0 && i > at) throw malformed('a number is longer than it need be', { at });
      return value;
    }
    scale *= 128;
  }
  throw malformed('a number is longer than 32 bits', { at });
}

/** Bytes of the gaps; the first counts from 0, each other from the handle after the one before it. */
function gapsLength(sorted: HandleList): number {
  let length = 0;
  let least = 0;
  for (let i = 0; i < sorted.length; i++) {
    const handle = sorted[i] as number;
    if (handle < least) {
      throw new RangeError(`"sorted" expected ascending handles, got another order at ${i}`);
    }
    const gap = handle - least;
    length += gap < 0x80 ? 1 : varintLength(gap);
    least = handle + 1;
  }
  return length;
}

/** Bytes of the lowest handle and of the bits from there to the highest. */
function bitmapLength(low: number, high: number): number {
  return varintLength(low) + Math.ceil((high - low + 1) / 8);
}

function putGaps(target: Uint8Array, at: number, sorted: HandleList): void {
  let next = at;
  let least = 0;
  for (let i = 0; i < sorted.length; i++) {
    const handle = sorted[i] as number;
    const gap = handle - least;
    if (gap < 0x80) target[next++] = gap;
    else next = putVarint(target, next, gap);
    least = handle + 1;
  }
}

function putBitmap(target: Uint8Array, at: number, sorted: HandleList): void {
  const low = sorted[0] as number;
  const bits = putVarint(target, at, low);
  for (let i = 0; i < sorted.length; i++) {
    const offset = (sorted[i] as number) - low;
    const index = bits + Math.floor(offset / 8);
    target[index] = (target[index] as number) | (1 << (offset & 7));
  }
}

/**
 * A set of handles in few bytes: gaps (about one byte a handle in sparse sets) or a bitmap (down to one bit
 * in dense ones), whichever is shorter, gaps where they are equal.
 *
 * @param sorted - ascending, as {@link sortedHandles} gives them
 * @throws {RangeError} when they are not ascending
 */
export function encodeHandles(sorted: HandleList): Uint8Array {
  const { length } = sorted;
  const gaps = gapsLength(sorted);
  if (length > 0) {
    const bitmap = bitmapLength(sorted[0] as number, sorted[length - 1] as number);
    if (bitmap < gaps) {
      const bytes = new Uint8Array(1 + bitmap);
      bytes[0] = BITMAP;
      putBitmap(bytes, 1, sorted);
      return bytes;
    }
  }
  const bytes = new Uint8Array(1 + gaps);
  bytes[0] = GAPS;
  putGaps(bytes, 1, sorted);
  return bytes;
}

const single = new Uint8Array(6);
const singles = Array.from({ length: 7 }, (_, length) => single.subarray(0, length));

/**
 * {@link encodeHandles} of one handle.
 *
 * @returns bytes that the next call overwrites
 */
export function encodeSingle(handle: number): Uint8Array {
  single[0] = GAPS;
  return singles[putVarint(single, 1, handle)] as Uint8Array;
}

function decodeGaps(bytes: Uint8Array): Uint32Array {
  let count = 0;
  for (let i = 1; i < bytes.length; i++) if ((bytes[i] as number) < 0x80) count++;
  const handles = new Uint32Array(count);
  let at = 1;
  let least = 0;
  for (let i = 0; i < count; i++) {
    let gap = bytes[at] as number;
    if (gap < 0x80) {
      at++;
    } else {
      gap = varintAt(bytes, at);
      at += varintLength(gap);
    }
    const handle = least + gap;
    if (handle > MAX_HANDLE) throw malformed('a handle passes 2^32 - 1', { at });
    handles[i] = handle;
    least = handle + 1;
  }
  if (at !== bytes.length) throw malformed('it is cut short', { length: bytes.length });
  if (count > 0 && bitmapLength(handles[0] as number, least - 1) < bytes.length - 1) {
    throw malformed('a bitmap would be shorter than its gaps', { length: bytes.length });
  }
  return handles;
}

function bitsOf(byte: number): number {
  const pairs = byte - ((byte >>> 1) & 0x55);
  const fours = (pairs & 0x33) + ((pairs >>> 2) & 0x33);
  return (fours + (fours >>> 4)) & 0x0f;
}

function decodeBitmap(bytes: Uint8Array): Uint32Array {
  const low = varintAt(bytes, 1);
  const bits = 1 + varintLength(low);
  // The ends must be where the lowest and the highest handle are, or one set has many spellings.
  if (((bytes[bits] ?? 0) & 1) === 0 || bytes[bytes.length - 1] === 0) {
    throw malformed('its bitmap does not begin and end with a handle', { length: bytes.length });
  }
  let count = 0;
  for (let i = bits; i < bytes.length; i++) count += bitsOf(bytes[i] as number);
  const handles = new Uint32Array(count);
  let next = 0;
  for (let i = bits; i < bytes.length; i++) {
    const base = low + 8 * (i - bits);
    for (let byte = bytes[i] as number; byte !== 0; byte &= byte - 1) {
      const handle = base + 31 - Math.clz32(byte & -byte);
      if (handle > MAX_HANDLE) throw malformed('a handle passes 2^32 - 1', { at: i });
      handles[next++] = handle;
    }
  }
  if (gapsLength(handles) <= bytes.length - 1) {
    throw malformed('gaps would not be longer than its bitmap', { length: bytes.length });
  }
  return handles;
}

/**
 * The reverse of {@link encodeHandles}. Reads what that writes and nothing else, and never makes room for
 * more handles than there are bits.
 *
 * @returns ascending handles
 * @throws {VelaturaError} `core/non-canonical` for anything else
 */
export function decodeHandles(bytes: Uint8Array): Uint32Array {
  if (bytes[0] === GAPS) return decodeGaps(bytes);
  if (bytes[0] === BITMAP) return decodeBitmap(bytes);
  throw malformed('unknown form', { length: bytes.length });
}

function has(sorted: HandleList, handle: number): boolean {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] as number) < handle) from = middle + 1;
    else to = middle;
  }
  return sorted[from] === handle;
}

/**
 * Where a request names the members of a subset.
 *
 * @param subset - ascending handles
 * @param handles - in the order of the request
 * @returns the positions i, ascending, with `handles[i]` in `subset`
 */
export function positionsOf(subset: HandleList, handles: HandleList): Uint32Array {
  const { length } = subset;
  const positions = new Uint32Array(handles.length);
  let count = 0;
  if (length > 0) {
    const low = subset[0] as number;
    const span = (subset[length - 1] as number) - low + 1;
    const words = Math.ceil(span / 32);
    if (length <= HALVING || words > LOOKUP_WORDS * handles.length) {
      for (let i = 0; i < handles.length; i++) {
        if (has(subset, handles[i] as number)) positions[count++] = i;
      }
    } else {
      const bitmap = new Int32Array(words);
      for (let i = 0; i < length; i++) {
        const offset = (subset[i] as number) - low;
        bitmap[offset >>> 5] = (bitmap[offset >>> 5] as number) | (1 << (offset & 31));
      }
      for (let i = 0; i < handles.length; i++) {
        const offset = (handles[i] as number) - low;
        if (offset < 0 || offset >= span) continue;
        if ((((bitmap[offset >>> 5] as number) >>> (offset & 31)) & 1) === 1) {
          positions[count++] = i;
        }
      }
    }
  }
  return positions.slice(0, count);
}
