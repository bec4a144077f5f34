import { MESSAGE_CHUNK } from '../../core/cbor-stream.ts';
import type { ChainEntry } from '../../core/hash-chain.ts';

const HASH_LENGTH = 32;
const BLOCK_BYTES = 2 ** 20;
const SHORT = 96;
/** Entries whose places are kept in one array. */
const GROUP = 2 ** 14;

interface Group {
  /** Block of each body, its first byte there, and its length. */
  readonly blocks: Uint32Array;
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  readonly hashes: Uint8Array;
}

function emptyGroup(): Group {
  return {
    blocks: new Uint32Array(GROUP),
    starts: new Uint32Array(GROUP),
    lengths: new Uint32Array(GROUP),
    hashes: new Uint8Array(GROUP * HASH_LENGTH),
  };
}

/** For a few bytes a loop is faster than what is made for many. */
function copy(source: Uint8Array, target: Uint8Array, at: number): void {
  if (source.length > SHORT) {
    target.set(source, at);
    return;
  }
  for (let i = 0; i < source.length; i++) target[at + i] = source[i] as number;
}

/**
 * Entries of a chain end to end in large blocks: millions of small objects would keep the garbage collector
 * busier than all else a budget does. Bodies that lie in the chunk of a `CborWriter` stay there, uncopied.
 */
export class PackedLog {
  readonly #groups: Group[] = [];
  readonly #blocks: Uint8Array[] = [];
  /** Of the chunk adopted last, and of the block that still has room; −1 while there is none. */
  #chunk = -1;
  #open = -1;
  /** Bytes used of the latter. */
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push({ body, hash }: ChainEntry): void {
    const at = this.#length % GROUP;
    if (at === 0) this.#groups.push(emptyGroup());
    const group = this.#groups[this.#groups.length - 1] as Group;
    group.lengths[at] = body.length;
    copy(hash, group.hashes, at * HASH_LENGTH);
    if (body.buffer.byteLength === MESSAGE_CHUNK) {
      group.blocks[at] = this.#adopted(body.buffer);
      group.starts[at] = body.byteOffset;
    } else {
      group.blocks[at] = this.#room(body.length);
      group.starts[at] = this.#used;
      copy(body, this.#blocks[group.blocks[at] as number] as Uint8Array, this.#used);
      this.#used += body.length;
    }
    this.#length++;
  }

  /** Entries `from … to − 1`, as views of the blocks. */
  slice(from: number, to: number = this.#length): readonly ChainEntry[] {
    const entries: ChainEntry[] = [];
    for (let seq = Math.max(0, from); seq < Math.min(to, this.#length); seq++) {
      const { blocks, starts, lengths, hashes } = this.#groups[Math.floor(seq / GROUP)] as Group;
      const at = seq % GROUP;
      const start = starts[at] as number;
      const block = this.#blocks[blocks[at] as number] as Uint8Array;
      entries.push({
        seq,
        body: block.subarray(start, start + (lengths[at] as number)),
        hash: hashes.subarray(at * HASH_LENGTH, (at + 1) * HASH_LENGTH),
      });
    }
    return entries;
  }

  /** Index of the chunk that the messages of a `CborWriter` share: it is full of them already. */
  #adopted(chunk: ArrayBufferLike): number {
    if (this.#blocks[this.#chunk]?.buffer !== chunk) {
      this.#chunk = this.#blocks.length;
      this.#blocks.push(new Uint8Array(chunk));
    }
    return this.#chunk;
  }

  /** Index of a block with so much room behind `#used`. */
  #room(length: number): number {
    const open = this.#blocks[this.#open];
    if (open === undefined || this.#used + length > open.length) {
      this.#open = this.#blocks.length;
      this.#blocks.push(new Uint8Array(Math.max(BLOCK_BYTES, length)));
      this.#used = 0;
    }
    return this.#open;
  }
}
