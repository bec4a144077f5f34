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
 * busier than all else a budget does.
 */
export class PackedLog {
  readonly #groups: Group[] = [];
  readonly #blocks: Uint8Array[] = [];
  /** Bytes used of the last block. */
  #used = BLOCK_BYTES;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push({ body, hash }: ChainEntry): void {
    const at = this.#length % GROUP;
    if (at === 0) this.#groups.push(emptyGroup());
    const group = this.#groups.at(-1) as Group;
    const block = this.#room(body.length);
    copy(body, this.#blocks[block] as Uint8Array, this.#used);
    group.blocks[at] = block;
    group.starts[at] = this.#used;
    group.lengths[at] = body.length;
    copy(hash, group.hashes, at * HASH_LENGTH);
    this.#used += body.length;
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

  /** Index of a block with so much room behind `#used`. */
  #room(length: number): number {
    const last = this.#blocks.at(-1);
    if (last === undefined || this.#used + length > last.length) {
      this.#blocks.push(new Uint8Array(Math.max(BLOCK_BYTES, length)));
      this.#used = 0;
    }
    return this.#blocks.length - 1;
  }
}
