import type { HandleList } from './handle-set.ts';

const CHUNK_BITS = 10;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const ROW_MASK = CHUNK_ROWS - 1;

/** Most units an account may have spent already: one sum an order. */
export type RoomOf = (handle: number) => Float64Array;

/** Beyond this sums are not exact any more; they become infinite, which claims nothing. */
const EXACT = 2 ** 53;

/**
 * What every account has spent in one scope, in whole units: `width` sums an account (one an order for
 * RDP). Float64 holds integers exactly up to 2⁵³, and no capacity is above 2⁵², so sums of admitted charges
 * are exact. Chunks are made when first charged, because most scopes see few of all accounts.
 */
export class Column {
  readonly width: number;
  readonly #chunks: (Float64Array | undefined)[] = [];
  /** Counts changes, for those who remember something about the column. */
  version = 0;

  constructor(width: number) {
    this.width = width;
  }

  /** Sum `k` of the account. */
  get(handle: number, k = 0): number {
    const chunk = this.#chunks[handle >>> CHUNK_BITS];
    return chunk === undefined ? 0 : (chunk[(handle & ROW_MASK) * this.width + k] as number);
  }

  /** Adds `factor` times the amounts to every handle. */
  add(handles: HandleList, amounts: Float64Array, factor: 1 | -1): void {
    this.version++;
    const { width } = this;
    for (let i = 0; i < handles.length; ) {
      const index = (handles[i] as number) >>> CHUNK_BITS;
      const chunk = this.#chunk(index);
      const end = (index + 1) * CHUNK_ROWS;
      if (width === 1) {
        const amount = factor * (amounts[0] as number);
        for (; i < handles.length && (handles[i] as number) < end; i++) {
          const row = (handles[i] as number) & ROW_MASK;
          const sum = (chunk[row] as number) + amount;
          chunk[row] = sum < EXACT ? sum : Number.POSITIVE_INFINITY;
        }
      } else {
        for (; i < handles.length && (handles[i] as number) < end; i++) {
          const row = ((handles[i] as number) & ROW_MASK) * width;
          for (let k = 0; k < width; k++) {
            const sum = (chunk[row + k] as number) + factor * (amounts[k] as number);
            chunk[row + k] = sum < EXACT ? sum : Number.POSITIVE_INFINITY;
          }
        }
      }
    }
  }

  /**
   * True when nobody has spent more than their room.
   *
   * @param handles - ascending
   */
  fits(handles: HandleList, roomOf: RoomOf): boolean {
    const { width } = this;
    for (let i = 0; i < handles.length; i++) {
      const handle = handles[i] as number;
      const room = roomOf(handle);
      const chunk = this.#chunks[handle >>> CHUNK_BITS];
      const row = (handle & ROW_MASK) * width;
      for (let k = 0; k < width; k++) {
        const spent = chunk === undefined ? 0 : (chunk[row + k] as number);
        // Negated, so that a room that is not a number fits nobody.
        if (!(spent <= (room[k] as number))) return false;
      }
    }
    return true;
  }

  /** The same where one sum is kept and everyone has the same room. */
  fitsUniform(handles: HandleList, room: number): boolean {
    for (let i = 0; i < handles.length; ) {
      const index = (handles[i] as number) >>> CHUNK_BITS;
      const chunk = this.#chunks[index];
      const end = (index + 1) * CHUNK_ROWS;
      if (chunk === undefined) {
        if (!(room >= 0)) return false;
        while (i < handles.length && (handles[i] as number) < end) i++;
      } else {
        for (; i < handles.length && (handles[i] as number) < end; i++) {
          if (!((chunk[(handles[i] as number) & ROW_MASK] as number) <= room)) return false;
        }
      }
    }
    return true;
  }

  /** Chunks in use with their numbers, for snapshots. */
  *chunks(): Generator<readonly [index: number, rows: Float64Array]> {
    for (const [index, chunk] of this.#chunks.entries()) {
      if (chunk !== undefined) yield [index, chunk];
    }
  }

  /** Puts a chunk of a snapshot in its place. */
  setChunk(index: number, rows: Float64Array): void {
    if (rows.length !== CHUNK_ROWS * this.width) {
      throw new RangeError(`"rows" expected ${CHUNK_ROWS * this.width} sums, got ${rows.length}`);
    }
    this.#chunks[index] = rows;
  }

  #chunk(index: number): Float64Array {
    let chunk = this.#chunks[index];
    if (chunk === undefined) {
      chunk = new Float64Array(CHUNK_ROWS * this.width);
      this.#chunks[index] = chunk;
    }
    return chunk;
  }
}
