import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { sameBytes } from './bytes.ts';
import { VelaturaError } from './errors.ts';

/** SHA-256 over the parts as if they were one; the port through which a faster one enters. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;

/** SHA-256 in plain JavaScript, the same everywhere. */
export const portableSha256: Sha256 = (...parts) => {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** Where a chain stands: the number and hash of its last entry; `seq` is −1 while it is empty. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: Uint8Array;
}

/** One link of an append-only log: `hash` covers the previous hash, the number and the body. */
export interface ChainEntry extends ChainHead {
  readonly body: Uint8Array;
}

/** The first entry that does not follow from the one before it. */
export interface ChainFault {
  /** Number the entry should have. */
  readonly seq: number;
  readonly reason: string;
}

/** A head as text, to note down somewhere else. */
export function headHex(head: ChainHead): string {
  return bytesToHex(head.hash);
}

const HASH_LENGTH = 32;
const NUMBER_LENGTH = 8;
/** Bodies up to this length are copied behind the other fields and hashed in one call, which is faster. */
const SMALL_BODY = 2048;
/** For fewer bytes a loop is faster than what is made for many. */
const LOOP = 96;

/**
 * A hash-chained log: whoever knows the last hash knows the whole history, because
 * hash = SHA-256(tag ‖ previous hash ‖ number as u64 ‖ body). The tag names the purpose, so that an entry
 * of one kind of log can never pass for an entry of another. All fields before the body have fixed lengths
 * or end in NUL, hence no two inputs share their bytes.
 *
 * It makes changes visible to someone who holds a head; it does not stop an owner from rewriting
 * everything, which only a head kept elsewhere can show.
 */
export class HashChain {
  readonly #sha256: Sha256;
  /** Tag ‖ previous hash ‖ number ‖ small body; the first three have fixed places. */
  readonly #scratch: Uint8Array;
  /** By length of a small body: all fields and the body. */
  readonly #views: Uint8Array[] = [];
  readonly #previousAt: number;
  readonly #bodyAt: number;

  /**
   * @param purpose - what kind of log, such as `budget`; without NUL
   * @param sha256 - a faster SHA-256, where there is one
   */
  constructor(purpose: string, sha256: Sha256 = portableSha256) {
    if (purpose.includes('\0')) throw new RangeError('"purpose" expected text without NUL');
    const tag = new TextEncoder().encode(`velatura-chain-v1\0${purpose}\0`);
    this.#sha256 = sha256;
    this.#previousAt = tag.length;
    this.#bodyAt = tag.length + HASH_LENGTH + NUMBER_LENGTH;
    this.#scratch = new Uint8Array(this.#bodyAt + SMALL_BODY);
    this.#scratch.set(tag);
  }

  /** The head of the empty log. */
  start(): ChainHead {
    return { seq: -1, hash: new Uint8Array(32) };
  }

  /** The entry that follows `head`. */
  append(head: ChainHead, body: Uint8Array): ChainEntry {
    const seq = head.seq + 1;
    return { seq, body, hash: this.#hash(head.hash, seq, body) };
  }

  /** The first of `entries` that does not continue `head`, or null when all do. */
  fault(head: ChainHead, entries: Iterable<ChainEntry>): ChainFault | null {
    let last = head;
    for (const entry of entries) {
      const seq = last.seq + 1;
      if (entry.seq !== seq) {
        return { seq, reason: `expected entry ${seq}, got entry ${entry.seq}` };
      }
      if (!sameBytes(entry.hash, this.#hash(last.hash, seq, entry.body))) {
        return { seq, reason: `entry ${seq} or the one before it was altered: its hash is wrong` };
      }
      last = entry;
    }
    return null;
  }

  /**
   * Follows `entries` from `head` and returns the new head.
   *
   * @throws {VelaturaError} `core/broken-chain` with the number of the first entry that does not follow
   */
  verify(head: ChainHead, entries: readonly ChainEntry[]): ChainHead {
    const fault = this.fault(head, entries);
    if (fault !== null) {
      throw new VelaturaError('core/broken-chain', fault.reason, { seq: fault.seq });
    }
    const last = entries.at(-1);
    return last === undefined ? head : { seq: last.seq, hash: last.hash };
  }

  #hash(previous: Uint8Array, seq: number, body: Uint8Array): Uint8Array {
    if (previous.length !== HASH_LENGTH) {
      throw new RangeError(
        `"head" expected a hash of ${HASH_LENGTH} bytes, got ${previous.length}`,
      );
    }
    const scratch = this.#scratch;
    for (let i = 0; i < HASH_LENGTH; i++) scratch[this.#previousAt + i] = previous[i] as number;
    let number = seq;
    for (let at = this.#bodyAt - 1; at >= this.#bodyAt - NUMBER_LENGTH; at--) {
      scratch[at] = number % 256;
      number = Math.floor(number / 256);
    }
    if (body.length > SMALL_BODY) return this.#sha256(scratch.subarray(0, this.#bodyAt), body);
    const { length } = body;
    if (length > LOOP) scratch.set(body, this.#bodyAt);
    else for (let i = 0; i < length; i++) scratch[this.#bodyAt + i] = body[i] as number;
    this.#views[length] ??= scratch.subarray(0, this.#bodyAt + length);
    return this.#sha256(this.#views[length]);
  }
}
