import { assembleCatalogue, integerBiases, type ScoringCatalogue } from './catalogue.ts';
import { type CatalogueBlock, catalogueBlock } from './catalogue-block.ts';
import { itemsPerBlock } from './packing.ts';
import { quantiseRows } from './quantise.ts';

/** An item that took the place of one that was removed. */
export interface MovedItem {
  readonly from: number;
  readonly to: number;
}

/** A catalogue without some items. */
export interface RemovedItems {
  readonly catalogue: ScoringCatalogue;
  /** Items that have another number now. */
  readonly moved: readonly MovedItem[];
}

/**
 * A catalogue with more items behind the ones it has. Scales stay as they are; blocks that were full are shared
 * with the old catalogue, which stays valid.
 *
 * @param vectors - `[items, heads, dimensions]`
 * @param biases - `[items, heads]`, if and only if the catalogue has biases
 * @throws {VelaturaError} `he/value-out-of-range` on values that are not finite, or beyond the bounds or scales of
 *   the catalogue
 */
export function addItems(
  catalogue: ScoringCatalogue,
  vectors: Float32Array,
  biases?: Float32Array,
): ScoringCatalogue {
  const rows = quantised(catalogue, vectors, biases);
  const draft = new Draft(catalogue);
  const before = catalogue.description.items;
  for (let i = 0; i < rows.count; i++) draft.put(before + i, rows, i);
  return draft.catalogue();
}

/**
 * A catalogue with other vectors for some of its items.
 *
 * @param items - their numbers, each once
 * @param vectors - `[items, heads, dimensions]`
 * @param biases - `[items, heads]`, if and only if the catalogue has biases
 * @throws {VelaturaError} `he/value-out-of-range` as {@link addItems}
 */
export function replaceItems(
  catalogue: ScoringCatalogue,
  items: readonly number[],
  vectors: Float32Array,
  biases?: Float32Array,
): ScoringCatalogue {
  const heads = catalogue.frame.heads.length;
  checkItems(catalogue, items);
  const rows = quantised(catalogue, vectors, biases);
  if (rows.count !== items.length * heads) {
    throw new RangeError(
      `"vectors" expected ${items.length} items of ${heads} rows, got ${rows.count} rows`,
    );
  }
  const draft = new Draft(catalogue);
  items.forEach((item, i) => {
    for (let head = 0; head < heads; head++) {
      draft.put(item * heads + head, rows, i * heads + head);
    }
  });
  return draft.catalogue();
}

/**
 * A catalogue without some of its items. The last items move into the gaps, so that only these blocks and the last
 * ones change.
 *
 * @param items - their numbers, each once; not all there are
 */
export function removeItems(catalogue: ScoringCatalogue, items: readonly number[]): RemovedItems {
  checkItems(catalogue, items);
  const heads = catalogue.frame.heads.length;
  const before = catalogue.description.items / heads;
  const after = before - items.length;
  if (after < 1) throw new RangeError(`"items" expected fewer than all ${before}, got all of them`);
  const removed = new Set(items);
  const gaps = items.filter((item) => item < after).sort((a, b) => a - b);
  const moved: MovedItem[] = [];
  const draft = new Draft(catalogue);
  let from = after;
  for (const to of gaps) {
    while (removed.has(from)) from++;
    for (let head = 0; head < heads; head++) {
      const row = draft.row(from * heads + head);
      draft.put(to * heads + head, row, 0);
    }
    moved.push({ from, to });
    from++;
  }
  draft.cut(after * heads);
  return { catalogue: draft.catalogue(), moved };
}

/** Rows in integers. */
interface Rows {
  readonly count: number;
  /** `[rows, dimensions]`. */
  readonly integers: Int8Array;
  readonly biases: Int32Array | null;
}

function quantised(
  { frame }: ScoringCatalogue,
  vectors: Float32Array,
  biases: Float32Array | undefined,
): Rows {
  const { dimensions, heads, itemNormBound, itemScale, integerBiasLimit } = frame;
  const count = vectors.length / dimensions;
  if (count < 1 || !Number.isInteger(count / heads.length)) {
    throw new RangeError(
      `"vectors" expected rows of ${dimensions} values, ${heads.length} to an item, got ${vectors.length} values`,
    );
  }
  const expected = integerBiasLimit === null ? 0 : count;
  if ((biases?.length ?? 0) !== expected) {
    throw new RangeError(`"biases" expected ${expected} values, got ${biases?.length ?? 0}`);
  }
  const { integers } = quantiseRows(vectors, dimensions, itemNormBound, itemScale);
  return {
    count,
    integers,
    biases: biases === undefined ? null : integerBiases(frame, biases),
  };
}

function checkItems({ description, frame }: ScoringCatalogue, items: readonly number[]): void {
  const count = description.items / frame.heads.length;
  const wrong = items.find((item) => !Number.isInteger(item) || item < 0 || item >= count);
  if (wrong !== undefined) {
    throw new RangeError(`"items" expected integers in [0, ${count - 1}], got ${wrong}`);
  }
  if (new Set(items).size !== items.length) {
    throw new RangeError('"items" expected each item once, got one twice');
  }
}

/** Blocks that are copied when they are first written to. */
class Draft {
  readonly #catalogue: ScoringCatalogue;
  readonly #capacity: number;
  readonly #blocks: CatalogueBlock[];
  readonly #written = new Map<number, { integers: Int8Array; biases: Int32Array | null }>();
  #rows: number;

  constructor(catalogue: ScoringCatalogue) {
    this.#catalogue = catalogue;
    this.#capacity = itemsPerBlock(catalogue.parameters, catalogue.frame.featuresPerCiphertext);
    this.#blocks = [...catalogue.blocks];
    this.#rows = catalogue.description.items;
  }

  /** A copy of a row as it is now. */
  row(row: number): Rows {
    const { dimensions } = this.#catalogue.frame;
    const block = Math.floor(row / this.#capacity);
    const at = row % this.#capacity;
    const { integers, biases } =
      this.#written.get(block) ?? (this.#blocks[block] as CatalogueBlock);
    return {
      count: 1,
      integers: integers.slice(at * dimensions, (at + 1) * dimensions),
      biases: biases?.slice(at, at + 1) ?? null,
    };
  }

  /** Puts row `from` of `rows` where row `row` is, or behind the last. */
  put(row: number, rows: Rows, from: number): void {
    const { dimensions } = this.#catalogue.frame;
    const { integers, biases } = this.#writable(Math.floor(row / this.#capacity));
    const at = row % this.#capacity;
    const source = rows.integers.subarray(from * dimensions, (from + 1) * dimensions);
    integers.set(source, at * dimensions);
    if (biases !== null) biases[at] = rows.biases?.[from] as number;
    this.#rows = Math.max(this.#rows, row + 1);
  }

  /** Forgets all rows from `rows` on. */
  cut(rows: number): void {
    this.#rows = rows;
    const last = Math.ceil(rows / this.#capacity) - 1;
    if (rows % this.#capacity !== 0) this.#writable(last);
    this.#blocks.length = last + 1;
  }

  catalogue(): ScoringCatalogue {
    const { frame } = this.#catalogue;
    const { dimensions } = frame;
    for (const [block, { integers, biases }] of this.#written) {
      const rows = Math.min(this.#capacity, this.#rows - block * this.#capacity);
      if (rows <= 0) continue;
      this.#blocks[block] = catalogueBlock(
        integers.slice(0, rows * dimensions),
        biases?.slice(0, rows) ?? null,
        dimensions,
      );
    }
    return assembleCatalogue(frame, this.#blocks);
  }

  /** Room for a full block, with what the block holds. */
  #writable(block: number): { integers: Int8Array; biases: Int32Array | null } {
    const known = this.#written.get(block);
    if (known !== undefined) return known;
    const { dimensions, integerBiasLimit } = this.#catalogue.frame;
    const integers = new Int8Array(this.#capacity * dimensions);
    const biases = integerBiasLimit === null ? null : new Int32Array(this.#capacity);
    const old = this.#blocks[block];
    if (old !== undefined) {
      integers.set(old.integers);
      if (old.biases !== null) biases?.set(old.biases);
    }
    const made = { integers, biases };
    this.#written.set(block, made);
    return made;
  }
}
