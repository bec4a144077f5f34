import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { ChainEntry } from '../../core/hash-chain.ts';

/**
 * A line of an audit log: `{"entry":…,"hash":"…"}`. The body of the chain entry is the JSON between the first
 * colon and the last comma, byte for byte, so the hash needs no second serialisation, and any JSON tool can
 * read the file.
 */
const BEFORE: Uint8Array = utf8ToBytes('{"entry":');
const BETWEEN: Uint8Array = utf8ToBytes(',"hash":"');
const AFTER: Uint8Array = utf8ToBytes('"}\n');
const HASH_DIGITS = 64;
/** Bytes of a line besides the body, with the line feed. */
const FRAME = BEFORE.length + BETWEEN.length + HASH_DIGITS + AFTER.length;
const LINE_FEED = 10;
const NOTHING = new Uint8Array(0);

/** Longest line in bytes, with its line feed; a record with the longest list of subjects fits. */
export const MAX_LINE: number = 16 << 20;

const DIGITS = utf8ToBytes('0123456789abcdef');

/** The value of each hexadecimal digit by its character code; 255 for all other bytes. */
const NIBBLES = new Uint8Array(256).fill(255);
DIGITS.forEach((code, value) => {
  NIBBLES[code] = value;
});

/** Bytes that {@link writeLine} takes for an entry. */
export function lineLength(body: Uint8Array): number {
  return FRAME + body.length;
}

/** Writes the line of an entry into `target`, and returns where the next one begins. */
export function writeLine(entry: ChainEntry, target: Uint8Array, offset: number): number {
  let at = offset;
  target.set(BEFORE, at);
  at += BEFORE.length;
  target.set(entry.body, at);
  at += entry.body.length;
  target.set(BETWEEN, at);
  at += BETWEEN.length;
  for (const byte of entry.hash) {
    target[at++] = DIGITS[byte >> 4] as number;
    target[at++] = DIGITS[byte & 15] as number;
  }
  target.set(AFTER, at);
  return at + AFTER.length;
}

/** A line that has the form of one. */
export class AuditLine {
  /** A view of the bytes it was read from. */
  readonly body: Uint8Array;
  readonly #line: Uint8Array;
  readonly #hashAt: number;

  constructor(line: Uint8Array, bodyLength: number) {
    this.#line = line;
    this.#hashAt = BEFORE.length + bodyLength + BETWEEN.length;
    this.body = line.subarray(BEFORE.length, BEFORE.length + bodyLength);
  }

  /** True when this hash is written in the line; nothing is allocated, as it is asked a million times. */
  hasHash(hash: Uint8Array): boolean {
    let difference = 0;
    for (let i = 0, at = this.#hashAt; i < hash.length; i++, at += 2) {
      const byte = hash[i] as number;
      difference |= (this.#line[at] as number) ^ (DIGITS[byte >> 4] as number);
      difference |= (this.#line[at + 1] as number) ^ (DIGITS[byte & 15] as number);
    }
    return difference === 0;
  }

  /** The hash that is written in the line; null where it is no hash. */
  readHash(): Uint8Array | null {
    const hash = new Uint8Array(HASH_DIGITS / 2);
    let seen = 0;
    for (let i = 0, at = this.#hashAt; i < hash.length; i++, at += 2) {
      const high = NIBBLES[this.#line[at] as number] as number;
      const low = NIBBLES[this.#line[at + 1] as number] as number;
      seen |= high | low;
      hash[i] = (high << 4) | low;
    }
    return seen > 15 ? null : hash; // some byte was no digit
  }
}

/** Reads a line without its line feed; null for one of another form. */
export function readLine(line: Uint8Array): AuditLine | null {
  const length = line.length + 1 - FRAME;
  const fits =
    length >= 2 &&
    holds(line, 0, BEFORE) &&
    holds(line, BEFORE.length + length, BETWEEN) &&
    line[line.length - 2] === AFTER[0] &&
    line[line.length - 1] === AFTER[1];
  return fits ? new AuditLine(line, length) : null;
}

/**
 * Lines out of a stream of bytes; the last one is marked when it lacks its line feed. A line longer than
 * {@link MAX_LINE} comes out empty, which is no entry, and is not kept while it is read.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<readonly { readonly bytes: Uint8Array; readonly whole: boolean }[]> {
  // Of the line that has begun: put together once, when it ends.
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const lines: { bytes: Uint8Array; whole: boolean }[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end < 0) break;
      lines.push({ bytes: joined(pieces, length, chunk.subarray(start, end)), whole: true });
      [pieces, length] = [[], 0];
      start = end + 1;
    }
    const begun = chunk.length - start;
    length += begun;
    if (length > MAX_LINE) pieces = [];
    // A copy: whoever reads may fill the same chunk again.
    else if (begun > 0) pieces.push(chunk.slice(start));
    if (lines.length > 0) yield lines;
  }
  if (length > 0) yield [{ bytes: joined(pieces, length, NOTHING), whole: false }];
}

function joined(pieces: readonly Uint8Array[], length: number, last: Uint8Array): Uint8Array {
  const total = length + last.length;
  // The line feed counts as well.
  if (total >= MAX_LINE) return NOTHING;
  if (length === 0) return last;
  const line = new Uint8Array(total);
  let at = 0;
  for (const piece of [...pieces, last]) {
    line.set(piece, at);
    at += piece.length;
  }
  return line;
}

function holds(line: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (line[at + i] !== expected[i]) return false;
  return true;
}
